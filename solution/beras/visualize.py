"""Figures of a training. Given; grading uses its own copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

DRAWN = 500  # images to choose from, at first
SHOWN = 10  # of each kind


def visualize_metrics(losses: Sequence[float], accuracies: Sequence[float], path: str | Path) -> None:
    """Draws loss and accuracy over the batches.

    Args:
        losses: One number a batch.
        accuracies: One number a batch.
        path: Of the PNG to write; its folder is made if need be.
    """
    from matplotlib.figure import Figure  # here, so that importing this file stays quick

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, values, name in zip(figure.subplots(1, 2), (losses, accuracies), ("loss", "accuracy"), strict=True):
        width = max(1, len(values) // 50)
        means = np.convolve(values, np.full(width, 1 / width), mode="valid")
        axes.plot(values, color="0.8", linewidth=0.5, label="each batch")
        axes.plot(np.arange(width - 1, len(values)), means, color="C0", label=f"mean of the last {width}")
        axes.set(xlabel="batch", ylabel=name, yscale="log" if name == "loss" else "linear")
        axes.grid(alpha=0.3)
        axes.legend()
    _save(figure, path)


def visualize_images(
    model: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray, labels: np.ndarray, path: str | Path
) -> None:
    """Draws 500 images at random, and shows ten that the model tells rightly and ten that it does not.

    Where there are fewer than ten wrong ones among them, further images are drawn until there are ten.

    Args:
        model: Maps `(N, 784)` to `(N, n)`; the largest output counts.
        inputs: Flat images, `(N, 784)`.
        labels: Which digits they are, `(N,)` or `(N, 1)`.
        path: Of the PNG to write; its folder is made if need be.
    """
    from matplotlib.figure import Figure

    order = np.random.default_rng().permutation(len(inputs))
    truth, predicted = np.ravel(labels)[order], np.empty(0, dtype=int)
    while len(predicted) < len(order) and (
        len(predicted) < DRAWN or np.sum(predicted != truth[: len(predicted)]) < SHOWN
    ):
        batch = order[len(predicted) : len(predicted) + DRAWN]
        predicted = np.append(predicted, np.argmax(np.asarray(model(inputs[batch])), axis=-1))
    images, truth = inputs[order[: len(predicted)]], truth[: len(predicted)]
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    rows = figure.subfigures(2, 1)
    for row, word, found in zip(rows, ("right", "wrong"), (predicted == truth, predicted != truth), strict=True):
        shown = np.flatnonzero(found)[:SHOWN]
        row.suptitle(f"told {word}: {found.sum()} of {len(predicted)}")
        for axes in row.subplots(1, SHOWN):
            axes.axis("off")
        for axes, number in zip(row.axes, shown, strict=False):
            axes.imshow(images[number].reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
            axes.set_title(f"{predicted[number]}" if word == "right" else f"{predicted[number]}, is {truth[number]}")
    _save(figure, path)


def _save(figure: object, path: str | Path) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
