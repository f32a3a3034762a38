"""Test accuracy and training time of the reference classifier of `numpy_rnn` for several seeds, on the whole of MNIST.

    python benchmarks/numpy_rnn_accuracy.py [--seeds 3] [--cells gru lstm] [--epochs 2]

Each training is the one of `train.py`: its `CONFIG`, or with fewer epochs; 55,000 images, no early stopping; its time
counts until `train` returns, tracing and validation included. Wanted: at least 97.5 % of the 10,000 test images for GRU
and LSTM, within 60 s on two cores.

    python benchmarks/numpy_rnn_accuracy.py --graded [--sample] [--seeds 10] [--cells rnn gru lstm]

goes through the training that grading goes through, with all of MNIST or with the sample of 6,000 images, and shows
the accuracy that the tests see, on test digits with noise: the thresholds in assignment.toml are set by it.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import sys
import time
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solution" / "numpy_rnn"))

import keras
import numpy as np
from classifier import CELLS, RNNSequenceClassifier
from mnist import Mnist, load
from train import CONFIG, load_data, train

ROOT = Path(__file__).resolve().parents[1]
NOISE = 0.02  # as in the hidden tests


def whole(cell: str, seed: int, data: dict, epochs: int) -> tuple[float, float]:
    """One training on all images: accuracy in percent, seconds."""
    keras.utils.set_random_seed(seed)
    model = RNNSequenceClassifier(cell)
    start = time.perf_counter()
    train(model, data["train"], data["validation"], epochs, patience=None)
    seconds = time.perf_counter() - start
    images, labels = data["test"]
    scores = np.concatenate([model(images[first : first + 1000]).numpy() for first in range(0, len(images), 1000)])
    return 100 * float(np.mean(scores.argmax(axis=1) == labels)), seconds


def graded(cell: str, seed: int, digits: Mnist) -> tuple[float, float]:
    """One training as the adapter runs it: accuracy in percent on noisy digits, seconds."""
    from grader import catalog
    from grader.sandbox import probes

    assignment = catalog.load("numpy_rnn")
    sys.modules["kit"] = types.ModuleType("kit")
    sys.modules["kit"].probes = probes
    sys.path.append(str(assignment.suite_dir))
    import adapters

    training = assignment.trainings["vanilla" if cell == "rnn" else "gated"]
    arguments = {**training.arguments, **(training.sample if digits.is_sample else {}), "seed": seed}
    keras.utils.set_random_seed(seed)
    CONFIG["cell"] = cell
    start = time.perf_counter()
    adapters.train_whole(images=digits.train_images, labels=digits.train_labels, **arguments)
    seconds = time.perf_counter() - start
    rng = np.random.default_rng(seed)
    noisy = digits.test_images + 255 * NOISE * rng.standard_normal(digits.test_images.shape)
    scores = adapters.predict(images=np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return 100 * float(np.mean(scores.argmax(axis=1) == digits.test_labels)), seconds


def main() -> None:
    """Prints a line for each training, then lowest, median and highest of each cell."""
    parser = argparse.ArgumentParser(description="Accuracy and training time of the reference classifier.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=["gru", "lstm"])
    parser.add_argument("--epochs", type=int, default=CONFIG["epochs"], help="default: %(default)s")
    parser.add_argument("--graded", action="store_true", help="train as grading does")
    parser.add_argument("--sample", action="store_true", help="with --graded: as where there is only the sample")
    options = parser.parse_args()
    if options.graded and options.sample:
        with np.load(ROOT / "data" / "mnist-mini.npz") as arrays:
            data = Mnist("mnist-mini", **{name: arrays[name] for name in arrays.files})
    else:
        if load().is_sample:
            sys.exit("this needs the whole of MNIST: run ./download.sh")
        data = load() if options.graded else load_data()
    for cell in options.cells:
        results = []
        for seed in range(options.seeds):
            results.append(graded(cell, seed, data) if options.graded else whole(cell, seed, data, options.epochs))
            print(f"{cell}, seed {seed}: {results[-1][0]:.2f} % in {results[-1][1]:.1f} s", flush=True)
        for what, column in zip(("accuracy, %", "time, s"), zip(*results, strict=True), strict=True):
            print(
                f"{cell:>5} {what:>11}: lowest {min(column):.2f}, median {statistics.median(column):.2f}, "
                f"highest {max(column):.2f}"
            )


if __name__ == "__main__":
    main()
