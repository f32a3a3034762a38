"""Pictures of a training, and of what the model predicts. Given; nothing to do here."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # matplotlib itself is imported where it is used, so that importing this file stays quick
    from matplotlib.figure import Figure

EXACT = "share of exact totals"


def png_of(figure: Figure) -> bytes:
    """The figure as the content of a PNG file.

    Args:
        figure: Any.
    """
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()


def curves(history: Mapping[str, Sequence[float]]) -> Figure:
    """Loss and share of exact totals over the epochs.

    Args:
        history: As `train` returns it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    epochs = range(1, len(history["loss"]) + 1)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "exact"), strict=True):
        axes.plot(epochs, history[name], marker="o", label="training (mean over the epoch)")
        axes.plot(epochs, history[f"val_{name}"], marker="s", label="validation (after the epoch)")
        axes.set(xlabel="epoch", ylabel="loss" if name == "loss" else EXACT)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if name == "loss":
            axes.set_yscale("log")
        else:
            axes.set_ylim(top=1)
        axes.grid(alpha=0.3, which="both" if name == "loss" else "major")
        axes.legend()
    return figure


def sequences(images: np.ndarray, totals: np.ndarray, predictions: np.ndarray) -> Figure:
    """Sequences of digits; below each digit what was to be calculated, and what the model says.

    Args:
        images: `(N, T, 28, 28, 1)`, one row a sequence.
        totals: `(N, T, 1)`, the right ones.
        predictions: `(N, T, 1)`.
    """
    from matplotlib.figure import Figure

    rows, columns = images.shape[:2]
    totals, predictions = totals[..., 0], predictions[..., 0]
    digits = np.abs(np.diff(totals, axis=1, prepend=0))
    figure = Figure(figsize=(1.75 * columns + 0.4, 1.95 * rows + 0.4), layout="constrained")
    figure.suptitle("total = prediction: green where it is right after rounding, red where it is not", fontsize="small")
    for row, cells in enumerate(figure.subplots(rows, columns, squeeze=False)):
        for t, axes in enumerate(cells):
            axes.imshow(images[row, t, :, :, 0], cmap="gray_r", vmin=0)
            axes.set(xticks=[], yticks=[])
            total, prediction = totals[row, t], predictions[row, t]
            right = np.rint(prediction) == total
            axes.set_title(f"{'-' if t % 2 else '+'} {digits[row, t]:.0f}", fontsize="medium")
            axes.set_xlabel(f"{total:.0f}, predicted {prediction:.2f}", color="C2" if right else "C3")
            for side in axes.spines.values():
                side.set(color="C2" if right else "C3", linewidth=2)
    return figure


def lengths(results: Mapping[tuple[int, int], float], seconds: Mapping[tuple[int, int], float]) -> Figure:
    """Share of exact totals and time for each sequence length and batch size.

    Args:
        results: Share of exact totals, by (sequence length, batch size).
        seconds: Of the training, likewise.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    batch_sizes = sorted({batch_size for _, batch_size in results})
    by_exact, by_time = figure.subplots(1, 2)
    for batch_size in batch_sizes:
        steps = sorted(length for length, other in results if other == batch_size)
        by_exact.plot(steps, [results[t, batch_size] for t in steps], marker="o", label=f"batch size {batch_size}")
        by_time.plot(steps, [seconds[t, batch_size] for t in steps], marker="o", label=f"batch size {batch_size}")
    by_exact.set(ylabel=EXACT)
    by_time.set(ylabel="training time, s", ylim=(0, None))
    for axes in (by_exact, by_time):
        axes.set(xlabel="sequence length", xticks=sorted({length for length, _ in results}))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def unrolling(results: Mapping[tuple[int, bool], Mapping[str, float]]) -> Figure:
    """Time to trace, time of a step, and memory, for each sequence length and setting of `unroll`.

    Args:
        results: By (sequence length, unroll), values by name; names are taken as labels of the axes.
    """
    from matplotlib.figure import Figure

    names = list(next(iter(results.values())))
    steps = sorted({length for length, _ in results})
    figure = Figure(figsize=(3.6 * len(names), 3.4), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names)), names, strict=True):
        for unroll, marker in ((False, "o"), (True, "s")):
            axes.plot(steps, [results[t, unroll][name] for t in steps], marker=marker, label=f"unroll={unroll}")
        axes.set(xlabel="sequence length", ylabel=name, xticks=steps, ylim=(0, None))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as a PNG file.

    Args:
        figure: Any.
        path: Of the file.
    """
    path.write_bytes(png_of(figure))
