"""Two experiments for questions Q2 and Q3. Given; nothing to do here.

python compare.py lengths     sequence lengths with batch sizes, as a table and a picture
python compare.py unroll      time and memory of both settings of `unroll`
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from pathlib import Path

import figures
import keras
import numpy as np
import tensorflow as tf
from mnist import Mnist, load
from model import SumModel
from train import CONFIG, predict, train

from data import make_dataset

LENGTHS, BATCH_SIZES = (2, 4, 8), (16, 64, 256)
IMAGES, EPOCHS = 12_000, 4  # for each training
UNROLLED_LENGTHS = (4, 16, 64)


def compare_lengths(mnist: Mnist, folder: Path) -> None:
    """Trains on the same images in sequences and batches of several sizes; each model then adds up sequences of 4.

    Args:
        mnist: Where the images come from.
        folder: Receives `lengths.png`.
    """
    images, labels = mnist.train_images[:IMAGES], mnist.train_labels[:IMAGES]
    test = make_dataset(mnist.test_images, mnist.test_labels, CONFIG["sequence_len"], 250, training=False)
    totals = np.concatenate([y for _, y in test])
    results, seconds = {}, {}
    print(f"{EPOCHS} epochs of {len(images):,} images; exact totals of sequences of {CONFIG['sequence_len']}")
    print(f"{'length':>6} {'batch':>6} {'steps':>6} {'exact':>8} {'time':>7}")
    for length in LENGTHS:
        for batch_size in BATCH_SIZES:
            keras.utils.set_random_seed(1)
            model = SumModel(units=CONFIG["units"])
            datasets = (
                make_dataset(images, labels, length, batch_size, training=True),
                make_dataset(images[:400], labels[:400], length, batch_size, training=False),
            )
            start = time.perf_counter()
            train(model, *datasets, epochs=EPOCHS)
            seconds[length, batch_size] = time.perf_counter() - start
            results[length, batch_size] = float(np.mean(np.rint(predict(model, test)) == totals))
            steps = EPOCHS * len(images) // (length * batch_size)
            print(
                f"{length:6} {batch_size:6} {steps:6} {results[length, batch_size]:8.1%} "
                f"{seconds[length, batch_size]:5.1f} s",
                flush=True,
            )
    figures.save(figures.lengths(results, seconds), folder / "lengths.png")


def measure_unroll(sequence_len: int, unroll: bool) -> dict[str, float]:
    """Traces the gradient of a model and runs it; to be called in a fresh process, because of the memory.

    Args:
        sequence_len: T.
        unroll: As `SumModel` takes it.

    Returns:
        Seconds until the first result, milliseconds of a later one, and, where the system tells it, the highest memory
        that this process took meanwhile, in MB above what it had before.
    """
    model = SumModel(units=CONFIG["units"], unroll=unroll)
    images = tf.zeros((16, sequence_len, 28, 28, 1))
    model(images[:, :1])
    before = _peak_mb()

    @tf.function
    def gradients(images: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(images, training=True)))
        return tape.gradient(loss, model.trainable_variables)

    def run() -> float:
        start = time.perf_counter()
        for gradient in gradients(images):
            gradient.numpy()  # waits for it
        return time.perf_counter() - start

    found = {"until the first result, s": run(), "a step, ms": 1e3 * statistics.median(run() for _ in range(20))}
    if before is not None:
        found["memory, MB"] = (_peak_mb() or before) - before
    return found


def _peak_mb() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def compare_unroll(folder: Path) -> None:
    """Measures `unroll=True` and `unroll=False` at several sequence lengths, each in a process of its own.

    Args:
        folder: Receives `unroll.png`.
    """
    results = {}
    for length in UNROLLED_LENGTHS:
        for unroll in (False, True):
            # "spawn" starts Python anew; a fork of a process with TensorFlow in it would hang.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                results[length, unroll] = pool.apply(measure_unroll, (length, unroll))
            values = "   ".join(f"{name}: {value:.1f}" for name, value in results[length, unroll].items())
            print(f"length {length:3}   unroll={unroll!s:5}   {values}", flush=True)
    figures.save(figures.unrolling(results), folder / "unroll.png")


def main(arguments: list[str] | None = None) -> None:
    """Runs one of the experiments.

    Args:
        arguments: Those after the program's name; None means `sys.argv`.
    """
    parser = argparse.ArgumentParser(description="Experiments for questions Q2 and Q3.")
    parser.add_argument("experiment", choices=("lengths", "unroll"))
    parser.add_argument("--run-dir", type=Path, default=Path("runs/alternating_sums"), help="default: %(default)s")
    options = parser.parse_args(arguments)
    folder = options.run_dir
    folder.mkdir(parents=True, exist_ok=True)
    compare_lengths(load(), folder) if options.experiment == "lengths" else compare_unroll(folder)
    print(f"{options.experiment}.png is in {folder}")


if __name__ == "__main__":
    main()
