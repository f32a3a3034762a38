"""Accuracy and training time of the reference solution of `sequential_mnist` on all of MNIST, with its own CONFIG.

    python benchmarks/sequential_mnist_accuracy.py                                   rows, 196 pixels (permuted, too)
    python benchmarks/sequential_mnist_accuracy.py --orders pixels --seeds 1 2 3     one order, several seeds
    python benchmarks/sequential_mnist_accuracy.py --orders pixels permuted --stride 1   784 steps: hours

Each training is `python train.py` in a folder of out/sequential_mnist, so it may be stopped: the same command goes on
after the last whole epoch, and what is finished costs no more than its test. Accuracy is that of the epoch that the
validation images chose, on the 10,000 test images. Seconds are those of training and validation, sittings added up.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "solution" / "sequential_mnist" / "train.py"
ORDERS = ("rows", "pixels", "permuted")


def run(order: str, stride: int, seed: int) -> tuple[float, float, int]:
    """One training: accuracy in percent, seconds, epochs."""
    name = order if order == "rows" else f"{order}-{(28 // stride) ** 2}"
    folder = ROOT / "out" / "sequential_mnist" / f"{name}-seed{seed}"
    options = ["--stride", str(stride), "--seed", str(seed), "--run-dir", str(folder)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-B", str(PROGRAM), order, *options],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = re.search(r"([\d.]+)% of [\d,]+ unseen digits", done.stdout)
    if found is None:
        raise SystemExit(f"train.py did not say how it did:\n{done.stdout}")
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    return float(found[1]), history["seconds"][-1], len(history["loss"])


def main() -> None:
    """Prints a line for each training."""
    parser = argparse.ArgumentParser(description="Accuracy of the reference on rows, pixels and permuted pixels.")
    parser.add_argument("--orders", nargs="+", choices=ORDERS, default=ORDERS)
    parser.add_argument("--stride", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    for order in options.orders:
        for seed in options.seeds:
            accuracy, seconds, epochs = run(order, options.stride, seed)
            print(f"{order:9} seed {seed}: {accuracy:.2f} % after {epochs} epochs, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
