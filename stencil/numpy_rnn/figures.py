"""Pictures: curves over epochs, gradients over time steps, a confusion matrix. Given; change it as you like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

Points = Sequence[tuple[float, float]]


def plot_multi(
    curves: Sequence[Points], labels: Sequence[str], y_label: str, x_label: str = "epoch", axes: Axes | None = None
) -> Axes:
    """Draws several curves into one picture.

    Args:
        curves: Each a list of `(epoch, value)`: not every curve has a value for every epoch.
        labels: A name for each.
        y_label: What the values are; x_label likewise.
        axes: Where to draw; None makes a new figure.

    Returns:
        The axes.

    Raises:
        ValueError: There are more curves than labels, or fewer.
    """
    if len(curves) != len(labels):
        raise ValueError(f"{len(curves)} curves, but {len(labels)} labels")
    axes = axes if axes is not None else plt.figure(figsize=(6, 4), layout="constrained").subplots()
    for points, label in zip(curves, labels, strict=True):
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", markersize=3, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(alpha=0.3)
    if labels:
        axes.legend()
    return axes


def training_curves(results: Mapping[str, Sequence[Points]], path: Path | str) -> None:
    """Draws losses beside accuracies.

    Args:
        results: What `train` returned.
        path: Of the picture.
    """
    figure = plt.figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = ["training", "validation"]
    plot_multi([results["train_losses"], results["val_losses"]], names, "loss", axes=left)
    plot_multi([results["train_accs"], results["val_accs"]], names, "accuracy", axes=right)
    save(figure, path)


def gradient_norms(curves: Mapping[str, np.ndarray], path: Path | str) -> None:
    """Draws norms of gradients over time steps, on a logarithmic scale.

    Args:
        curves: By name, `(T + 1,)` each: entry t belongs to the state after t steps.
        path: Of the picture.
    """
    figure = plt.figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, norms in curves.items():
        axes.semilogy(np.arange(len(norms)), norms, label=name)
    axes.set_xlabel("state after time step t (the loss is at the right end)")
    axes.set_ylabel("norm of the gradient")
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, path)


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, path: Path | str) -> None:
    """Draws which digit is taken for which.

    Args:
        labels: The digits, `(N,)`.
        predicted: What they were taken for, `(N,)`.
        path: Of the picture.
    """
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predicted), 1)
    figure = plt.figure(figsize=(5.5, 5), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Right answers would outshine all mistakes.
    mistakes = np.where(np.eye(10, dtype=bool), 0, shares)
    axes.imshow(mistakes, cmap="Reds", vmin=0, vmax=max(0.02, 1.5 * mistakes.max()))
    for digit, row in enumerate(counts):
        for other, count in enumerate(row):
            weight = "bold" if digit == other else "normal"
            axes.text(other, digit, str(count) if count else "", ha="center", va="center", fontsize=8, weight=weight)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.set_xlabel("taken for")
    axes.set_ylabel("digit")
    axes.set_title(f"{np.trace(counts) / max(1, counts.sum()):.2%} of {counts.sum():,} are right")
    save(figure, path)


def save(figure: plt.Figure, path: Path | str) -> None:
    """Writes a figure into a file, and forgets it.

    Args:
        figure: Any.
        path: Its ending says the format.
    """
    figure.savefig(path, dpi=120)
    plt.close(figure)
