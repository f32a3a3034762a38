"""Accuracy and training time of the reference solution of `integration` over ten seeds, with its own CONFIG.

    python benchmarks/integration_accuracy.py [--seeds 10]

Each seed trains a new model on fresh noise that lies in memory, and is scored on 20,000 further signals of 25 steps.
Seconds are those of `train` alone, first trace included.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import statistics
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solution" / "integration"))

from model import IntegrationModel
from train import CONFIG, train

from data import NUM_SAMPLES

TEST_SIGNALS = 20_000


def draw(rng: np.random.Generator, num_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise `(N, T, 1)` float32 and its labels `(N, 1)` int32."""
    noise = rng.standard_normal((num_samples, CONFIG["seq_len"], 1), dtype=np.float32)
    return noise, (noise.sum(axis=1) > 0).astype(np.int32)


def run(seed: int) -> tuple[float, float, float]:
    """One training: accuracy in percent, seconds of wall time, seconds of processor time."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = draw(rng, NUM_SAMPLES)
    x_test, y_test = draw(rng, TEST_SIGNALS)
    training = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(NUM_SAMPLES).batch(CONFIG["batch_size"])
    validation = tf.data.Dataset.from_tensor_slices((x_test[:1000], y_test[:1000])).batch(1000)
    model = IntegrationModel()
    wall, processor = time.perf_counter(), time.process_time()
    train(model, training, validation, epochs=CONFIG["epochs"], learning_rate=CONFIG["learning_rate"])
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    right = (model(tf.constant(x_test)).numpy() > 0.5) == (y_test > 0)
    return 100 * float(right.mean()), wall, processor


def main() -> None:
    """Prints a line for each seed, then lowest, median and highest."""
    parser = argparse.ArgumentParser(description="Accuracy and training time of the reference over several seeds.")
    parser.add_argument("--seeds", type=int, default=10)
    seeds = parser.parse_args().seeds
    steps = -(-NUM_SAMPLES // CONFIG["batch_size"]) * CONFIG["epochs"]
    print(f"{steps} steps of {CONFIG['batch_size']} signals")
    results = []
    for seed in range(seeds):
        results.append(run(seed))
        accuracy, wall, processor = results[-1]
        print(f"seed {seed}: {accuracy:.2f} % in {wall:.1f} s ({processor:.1f} s of processor time)", flush=True)
    for name, column in zip(
        ("accuracy, %", "wall time, s", "processor time, s"), zip(*results, strict=True), strict=True
    ):
        print(
            f"{name:>18}: lowest {min(column):.2f}, median {statistics.median(column):.2f}, highest {max(column):.2f}"
        )


if __name__ == "__main__":
    main()
