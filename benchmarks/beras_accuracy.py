"""Accuracy of the reference of `beras` on the 10,000 test images over several seeds, and the time of its whole program.

    python benchmarks/beras_accuracy.py [--seeds 5] [--simple-seeds 10]

Each seed trains from new initial weights, in a new order of the 60,000 images. A model is scored as in grading, with
noise of 0.02 on each pixel, and without. The program is `python assignment.py` with the advanced model, figures
included, in a folder of its own, on whatever cores this process may use.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in grading

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SOLUTION = ROOT / "solution" / "beras"
NOISE = 0.02


def accuracies(components_of: Callable[[], object], seed: int, data: tuple[np.ndarray, ...]) -> tuple[float, float]:
    """Trains one model: shares of the test images that are told rightly, without noise and with it."""
    from Beras.core import set_seed
    from Beras.onehot import OneHotEncoder

    inputs, labels, test_inputs, test_labels = data
    encoder = OneHotEncoder()
    set_seed(seed)
    components = components_of()
    with contextlib.redirect_stdout(io.StringIO()):
        components.model.fit(inputs, encoder(labels), components.epochs, components.batch_size)
    noise = np.random.default_rng(seed).normal(scale=NOISE, size=test_inputs.shape).astype(np.float32)
    noisy = np.clip(np.rint(255 * (test_inputs + noise)), 0, 255) / np.float32(255)
    clean, with_noise = (
        components.model.evaluate(images, encoder(test_labels), 1000)["acc"] for images in (test_inputs, noisy)
    )
    return clean, with_noise


def program_seconds() -> tuple[float, str]:
    """Wall time of the whole program with the advanced model, and its last line."""
    with tempfile.TemporaryDirectory(prefix="beras-") as folder:
        work = Path(folder) / "beras"
        shutil.copytree(SOLUTION, work, ignore=shutil.ignore_patterns("__pycache__", "runs"))
        (work / "data").symlink_to(ROOT / "data")
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "assignment.py"], cwd=work, capture_output=True, text=True, check=True)
        return time.perf_counter() - start, done.stdout.splitlines()[-1]


def main() -> None:
    """Prints a line for each seed, then lowest, median and highest."""
    parser = argparse.ArgumentParser(description="Accuracy of the reference of beras over several seeds.")
    parser.add_argument("--seeds", type=int, default=5, help="of the advanced model")
    parser.add_argument("--simple-seeds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3, help="of the whole program")
    options = parser.parse_args()
    sys.path.insert(0, str(SOLUTION))
    import assignment
    import mnist
    from preprocess import load_and_preprocess_data

    print(f"data: {mnist.load().name}")
    data = load_and_preprocess_data()
    for name, components_of, seeds in (
        ("simple", assignment.get_simple_model_components, options.simple_seeds),
        ("advanced", assignment.get_advanced_model_components, options.seeds),
    ):
        found = []
        for seed in range(seeds):
            start = time.process_time()
            found.append(accuracies(components_of, seed, data))
            clean, noisy = found[-1]
            seconds = time.process_time() - start
            print(
                f"{name}, seed {seed}: {clean:.2%}, with noise {noisy:.2%}, {seconds:.1f} s of processor time",
                flush=True,
            )
        for what, values in zip(("test images", "with noise"), zip(*found, strict=True), strict=True):
            low, middle, high = min(values), statistics.median(values), max(values)
            print(f"{name}, {what}: lowest {low:.2%}, median {middle:.2%}, highest {high:.2%} of {seeds} seeds")
    for _ in range(options.rounds):
        seconds, line = program_seconds()
        print(f"the whole program: {seconds:.1f} s; {line}", flush=True)


if __name__ == "__main__":
    main()
