"""Accuracy and training time of the reference solution of `alternating_sums` over several seeds, with its own CONFIG.

    python benchmarks/alternating_sums_accuracy.py [--seeds 5] [--sample] [--figure FILE]

Each seed trains a new model on the training images in another order, and is scored as in grading: on sequences of
unseen digits in random order, with noise of standard deviation 0.02 on their pixels. Seconds are those of `train`,
first trace included. `--sample` trains on the 6,000 images of data/mnist-mini.npz, `--figure` draws what the model of
the last seed predicts.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solution" / "alternating_sums"))

import figures
from mnist import SAMPLE, Mnist, load
from model import SumModel
from train import CONFIG, predict, train

from data import alternating_targets, make_dataset

DATA = Path(__file__).resolve().parents[1] / "data"
NOISE = 0.02  # as in grader/suites/alternating_sums/test_train.py
LENGTHS = (4, 6)


def read(sample: bool) -> Mnist:
    """MNIST, or the sample even where the whole is there."""
    if not sample:
        return load()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / SAMPLE).write_bytes((DATA / SAMPLE).read_bytes())
        return load(folder)


def draw(mnist: Mnist, rng: np.random.Generator, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Test images in random order with noise `(N, 28, 28)` uint8, and their labels; N is a multiple of the length."""
    order = rng.permutation(len(mnist.test_labels) // length * length)
    images = mnist.test_images[order] + 255 * NOISE * rng.standard_normal((len(order), 28, 28))
    return np.clip(np.rint(images), 0, 255).astype(np.uint8), mnist.test_labels[order]


def run(mnist: Mnist, seed: int, figure: Path | None) -> list[float]:
    """One training: exact totals of each length in percent, seconds of wall time, seconds of processor time."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(mnist.train_labels))
    images, labels = mnist.train_images[order], mnist.train_labels[order]
    held_out, length, batch_size = len(images) // 30, CONFIG["sequence_len"], CONFIG["batch_size"]
    training = make_dataset(images[held_out:], labels[held_out:], length, batch_size, training=True)
    validation = make_dataset(images[:held_out], labels[:held_out], length, batch_size, training=False)
    model = SumModel(units=CONFIG["units"])
    wall, processor = time.perf_counter(), time.process_time()
    train(model, training, validation, epochs=CONFIG["epochs"], learning_rate=CONFIG["learning_rate"])
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    shares = []
    for tested in LENGTHS:
        test = draw(mnist, rng, tested)
        totals = np.reshape(alternating_targets(test[1], tested), (-1, tested, 1))
        dataset = make_dataset(*test, tested, 250, training=False)
        shares.append(100 * float(np.mean(np.rint(predict(model, dataset)) == totals)))
        if figure is not None and tested == length:
            x, y = next(iter(make_dataset(*test, tested, 6, training=False)))
            figures.save(figures.sequences(x.numpy(), y.numpy(), model(x).numpy()), figure)
    return [*shares, wall, processor]


def main() -> None:
    """Prints a line for each seed, then lowest, median and highest."""
    parser = argparse.ArgumentParser(description="Accuracy and training time of the reference over several seeds.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    mnist = read(options.sample)
    print(f"{mnist.name}: {CONFIG['epochs']} epochs of sequences of {CONFIG['sequence_len']}")
    results = []
    for seed in range(options.seeds):
        results.append(run(mnist, seed, options.figure if seed == options.seeds - 1 else None))
        *shares, wall, processor = results[-1]
        exact = ", ".join(f"{share:.2f} % at length {length}" for share, length in zip(shares, LENGTHS, strict=True))
        print(f"seed {seed}: {exact} in {wall:.1f} s ({processor:.1f} s of processor time)", flush=True)
    names = [*(f"exact at length {length}, %" for length in LENGTHS), "wall time, s", "processor time, s"]
    for name, column in zip(names, zip(*results, strict=True), strict=True):
        print(
            f"{name:>20}: lowest {min(column):.2f}, median {statistics.median(column):.2f}, highest {max(column):.2f}"
        )


if __name__ == "__main__":
    main()
