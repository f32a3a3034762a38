"""Pictures of a training and of what it is about. Given; change them as you like."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # matplotlib itself is imported where it is used, so that importing this file stays quick
    from matplotlib.figure import Figure

Histograms = Mapping[str, Mapping[int, np.ndarray]]  # tag -> step -> (buckets, 3): left, right, count


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as a PNG file.

    Args:
        figure: Any.
        path: Of the file.
    """
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    path.write_bytes(content.getvalue())


def curves(history: Mapping[str, Sequence[float]]) -> Figure:
    """Loss and accuracy over the epochs.

    Args:
        history: As `train` returns it.
    """
    figure = _figure(9, 3.5)
    epochs = range(1, len(history["loss"]) + 1)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, history[name], marker="o", markersize=4, label="training (mean over the epoch)")
        axes.plot(epochs, history[f"val_{name}"], marker="s", markersize=4, label="validation (after the epoch)")
        axes.set(xlabel="epoch", ylabel="cross-entropy" if name == "loss" else "accuracy")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    best = int(np.argmax(history["val_accuracy"]))
    axes.plot(best + 1, history["val_accuracy"][best], "o", markersize=12, fillstyle="none", color="C3", label="best")
    axes.legend()
    return figure


def digits(images: np.ndarray, order: Callable[[np.ndarray], np.ndarray]) -> Figure:
    """Images above what the network reads: a column a time step, or, with one pixel a step, the row of pixels.

    Args:
        images: `(N, 28, 28)` float32 in [0, 1].
        order: Makes sequences of them.
    """
    sequences = np.asarray(order(images))
    steps, features = sequences.shape[1:]
    side = round(np.sqrt(steps))
    figure = _figure(1.6 * len(images), 4.2)
    top, middle, bottom = figure.subplots(3, len(images), height_ratios=(3, 3, 1.2))
    for image, sequence, above, shown, below in zip(images, sequences, top, middle, bottom, strict=True):
        above.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        shown.imshow(sequence.reshape(side, side) if features == 1 else sequence, cmap="gray_r", vmin=0, vmax=1)
        below.plot(sequence.mean(axis=1), linewidth=0.6)
        below.set(ylim=(-0.05, 1.05), yticks=[], xticks=[0, steps - 1], xlabel="time step")
        for axes in (above, shown):
            axes.set(xticks=[], yticks=[])
    top[0].set_ylabel("image")
    middle[0].set_ylabel("as it is read,\nrow by row" if features == 1 else "as it is read")
    bottom[0].set_ylabel("pixel" if features == 1 else "mean of\nthe row")
    return figure


def read_histograms(folder: Path) -> dict[str, dict[int, np.ndarray]]:
    """The histograms of every event file below a folder; later ones win.

    Args:
        folder: Of a TensorBoard log.

    Returns:
        tag -> step -> `(buckets, 3)`: left edge, right edge and count of each bucket.
    """
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    found: dict[str, dict[int, np.ndarray]] = {}
    for path in sorted(folder.rglob("*tfevents*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "histograms":
                    found.setdefault(value.tag, {})[event.step] = tf.make_ndarray(value.tensor)
    return found


def estimated_norm(histogram: np.ndarray) -> float:
    """The root of the sum of squares of the values in a histogram.

    Each value counts as the middle of its bucket; in the bucket around zero, where gradients crowd, as zero.

    Args:
        histogram: `(buckets, 3)`: left edge, right edge and count of each bucket.
    """
    left, right, count = histogram.T
    values = np.where((left <= 0) & (right >= 0), 0, (left + right) / 2)
    return float(np.sqrt(np.sum(count * values**2)))


def gradients(histograms: Histograms, clip_norm: float) -> Figure:
    """How large gradients were before and after they were clipped, over the steps; a panel a variable.

    Norms are estimated from the histograms, see `estimated_norm`.

    Args:
        histograms: As `read_histograms` returns them, with tags `gradients/raw/...` and `gradients/clipped/...`.
        clip_norm: Drawn as a line.
    """
    names = sorted({tag.partition("/raw/")[2] for tag in histograms if "/raw/" in tag})
    columns = min(3, max(1, len(names)))
    rows = -(-max(1, len(names)) // columns)
    figure = _figure(3.6 * columns, 2.7 * rows + 0.3)
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(cells, names, strict=False):
        for kind, style in (("raw", "o-"), ("clipped", "s--")):
            by_step = histograms.get(f"gradients/{kind}/{name}", {})
            steps = sorted(by_step)
            axes.plot(steps, [estimated_norm(by_step[step]) for step in steps], style, markersize=4, label=kind)
        axes.axhline(clip_norm, color="0.5", linewidth=0.8, linestyle=":", label=f"clip_norm {clip_norm:g}")
        axes.set(title=name, xlabel="step", ylabel="norm, estimated", yscale="log")
        axes.title.set_fontsize("small")
        axes.grid(alpha=0.3)
    for axes in cells[len(names) :]:
        axes.set_axis_off()
    cells[0].legend(fontsize="small")
    return figure


def confusion(labels: np.ndarray, predicted: np.ndarray) -> Figure:
    """Which digit is taken for which.

    Args:
        labels: The digits, `(N,)`.
        predicted: What they were taken for, `(N,)`.
    """
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predicted), 1)
    wrong = np.where(np.eye(10, dtype=bool), 0, counts)  # right answers would outshine all mistakes
    figure = _figure(5.5, 5)
    axes = figure.subplots()
    axes.imshow(wrong, cmap="Reds", vmin=0, vmax=max(1.0, 1.3 * wrong.max()))
    for digit, row in enumerate(counts):
        for other, count in enumerate(row):
            if count:
                weight = "bold" if digit == other else "normal"
                axes.text(other, digit, str(count), ha="center", va="center", fontsize=8, weight=weight)
    axes.set(xticks=range(10), yticks=range(10), xlabel="taken for", ylabel="digit")
    axes.set_title(f"{np.trace(counts) / max(1, counts.sum()):.2%} of {counts.sum():,} are right")
    return figure


def comparison(results: Mapping[str, tuple[float, float]]) -> Figure:
    """Accuracy and time of several models, as bars.

    Args:
        results: By name: the share of unseen digits that is told rightly, and seconds of training.
    """
    figure = _figure(9, 0.5 * len(results) + 1.2)
    names = list(results)
    for axes, column, label in zip(figure.subplots(1, 2), (0, 1), ("error, %", "training, s"), strict=True):
        values = [100 * (1 - results[name][0]) if column == 0 else results[name][1] for name in names]
        bars = axes.barh(names, values, color=[f"C{i}" for i in range(len(names))])
        axes.bar_label(bars, fmt="%.1f", padding=3)
        axes.set(xlabel=label, xlim=(0, 1.18 * max(values)))
        axes.invert_yaxis()
        if column:
            axes.set_yticklabels([])
    return figure


def unrolling(results: Mapping[tuple[int, str], Mapping[str, float]]) -> Figure:
    """What each way to run a cell over time costs, by the number of steps.

    Args:
        results: By (steps, way), values by name; names are taken as labels of the axes.
    """
    names = list(next(iter(results.values())))
    lengths = sorted({steps for steps, _ in results})
    ways = list(dict.fromkeys(way for _, way in results))
    figure = _figure(3.2 * len(names), 3.6)
    for axes, name in zip(figure.subplots(1, len(names)), names, strict=True):
        for i, way in enumerate(ways):
            places = np.arange(len(lengths)) + 0.2 * (i - (len(ways) - 1) / 2)
            axes.bar(places, [results[steps, way][name] for steps in lengths], 0.2, label=way)
        axes.set(xticks=range(len(lengths)), xticklabels=lengths, xlabel="time steps", ylabel=name, yscale="log")
        axes.grid(alpha=0.3, axis="y")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=len(ways), fontsize="small")
    return figure
