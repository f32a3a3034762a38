"""`bptt` of the reference against the forward and backward pass of `keras.layers.SimpleRNN`, in one process.

    python benchmarks/numpy_rnn_bptt.py

T, B, D, H, C = 28, 64, 28, 128, 10 in float32, with a readout and a cross-entropy at each step on both sides; gradients
of all weights. Keras runs inside `tf.function`, with `jit_compile` off and on; of the two the better one counts. All
take turns in random order, so that other load on the machine hits them alike; medians are compared. A ratio of 2.0 or
below is wanted.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solution" / "numpy_rnn"))

from rnn import bptt, init_model

TIME_STEPS, BATCH, SIZE, UNITS, CLASSES = 28, 64, 28, 128, 10
ROUNDS = 200


def contestants() -> dict[str, Callable[[], object]]:
    """What is compared, each call one gradient of the same loss at the same weights."""
    rng = np.random.default_rng(0)
    model = {name: value.astype(np.float32) for name, value in init_model(SIZE, UNITS, CLASSES, rng).items()}
    x = rng.standard_normal((TIME_STEPS, BATCH, SIZE)).astype(np.float32)
    y = rng.integers(0, CLASSES, (TIME_STEPS, BATCH))
    start = np.zeros((BATCH, UNITS), np.float32)

    layer, readout = keras.layers.SimpleRNN(UNITS, return_sequences=True), keras.layers.Dense(CLASSES)
    layer.build((BATCH, TIME_STEPS, SIZE))
    readout.build((BATCH, TIME_STEPS, UNITS))
    layer.set_weights([model["Wxh"], model["Whh"], model["bh"][0]])
    readout.set_weights([model["Why"], model["by"][0]])
    weights = layer.trainable_variables + readout.trainable_variables
    images, labels = tf.constant(x.transpose(1, 0, 2)), tf.constant(y.T)

    def gradient(images: tf.Tensor, labels: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            scores = readout(layer(images))
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
            loss = tf.reduce_sum(losses) / BATCH
        return [loss, *tape.gradient(loss, weights)]

    calls: dict[str, Callable[[], object]] = {"ours": lambda: bptt(model, x, y, start, clip=None)}
    for name, jit in (("keras", False), ("keras jit", True)):
        step = tf.function(gradient, jit_compile=jit)
        calls[name] = lambda step=step: [value.numpy() for value in step(images, labels)]
    ours, theirs = calls["ours"](), calls["keras"]()
    if abs(ours[1] - theirs[0]) > 1e-3 * theirs[0] or np.abs(ours[0]["Whh"] - theirs[2]).max() > 1e-3:
        raise RuntimeError("the two compute different things")
    return calls


def main() -> None:
    """Prints medians, and their ratio."""
    calls = contestants()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(ROUNDS + 10):
        for name in random.sample(list(calls), len(calls)):
            start = time.perf_counter()
            calls[name]()
            if number >= 10:
                times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:>9}: median {1e3 * median:.2f} ms, fastest {1e3 * min(times[name]):.2f} ms")
    print(f"{'ratio':>9}: {medians['ours'] / min(medians['keras'], medians['keras jit']):.2f}")


if __name__ == "__main__":
    main()
