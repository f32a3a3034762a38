"""A training step of the reference LSTM layer against `keras.layers.LSTM`: forward, gradients of x and of all weights.

    python benchmarks/layer_step.py

Both layers run inside `tf.function`, with `jit_compile` off and on; of each the better one counts. All variants take
turns in random order within one process, so that other load on the machine hits them alike; medians are compared.
A ratio of 1.0 or below means that the reference is no slower. Takes about two minutes.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solution" / "integration"))

from lstm import LSTMCell, LSTMLayer

SHAPES = ((25, 64, 1, 32), (28, 128, 28, 128), (784, 64, 1, 128))  # T, B, D, units
BUDGET_S = 25.0  # measuring time for one shape
HOPELESS = 4.0  # a variant this many times slower than the same layer's best is not measured any further


def training_step(layer: Callable[[tf.Tensor], tf.Tensor], weights: list, jit_compile: bool) -> Callable[[], None]:
    """A compiled step `(x, upstream) -> gradients of x and of all weights`."""

    @tf.function(jit_compile=jit_compile)
    def step(x: tf.Tensor, upstream: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return tape.gradient(y, [x, *weights], output_gradients=upstream)

    return step


def variants(time_steps: int, batch: int, features: int, units: int) -> dict[tuple[str, bool], Callable[[], None]]:
    """Everything that is compared at one shape, by (layer, jit_compile); each call waits for its result."""
    rng = np.random.default_rng(0)
    x = tf.constant(rng.standard_normal((batch, time_steps, features)), tf.float32)
    upstream = tf.constant(rng.standard_normal((batch, time_steps, units)), tf.float32)
    built_in = keras.layers.LSTM(units, return_sequences=True)
    ours = LSTMLayer(LSTMCell(units))

    def run_ours(x: tf.Tensor) -> tf.Tensor:
        return ours(x, ours.zero_states(batch))

    built_in(x[:, :1])
    run_ours(x[:, :1])

    calls = {}
    for jit_compile in (False, True):
        for name, layer, weights in (
            ("keras", built_in, built_in.trainable_variables),
            ("ours", run_ours, ours.trainable_variables),
        ):
            step = training_step(layer, weights, jit_compile)
            calls[name, jit_compile] = lambda step=step: [gradient.numpy() for gradient in step(x, upstream)]
    return calls


def seconds(call: Callable[[], None]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(calls: dict[tuple[str, bool], Callable[[], None]]) -> dict[tuple[str, bool], list[float]]:
    """Times of every variant, seconds, taken in turns until the budget is spent."""
    for call in calls.values():  # traces and compiles
        call()
    warm = {key: min(seconds(call) for _ in range(3)) for key, call in calls.items()}
    best = {name: min(value for (other, _), value in warm.items() if other == name) for name, _ in warm}
    racing = [key for key in calls if warm[key] < HOPELESS * best[key[0]]]
    times = {key: [warm[key]] if key not in racing else [] for key in calls}
    end = time.perf_counter() + BUDGET_S
    while time.perf_counter() < end:
        random.shuffle(racing)
        for key in racing:
            times[key].append(seconds(calls[key]))
    return times


def main() -> None:
    """Prints a table of medians, and the three ratios."""
    print(f"{'T, B, D, units':>20} {'keras':>9} {'keras jit':>9} {'ours':>9} {'ours jit':>9}  ratio  (ms, medians)")
    for shape in SHAPES:
        times = measure(variants(*shape))
        medians = {key: statistics.median(values) for key, values in times.items()}
        best = {name: min(medians[name, False], medians[name, True]) for name in ("keras", "ours")}
        columns = [medians[key] * 1e3 for key in (("keras", False), ("keras", True), ("ours", False), ("ours", True))]
        rounds = min(len(values) for values in times.values() if len(values) > 1)
        cells = " ".join(f"{ms:9.2f}" for ms in columns)
        print(
            f"{', '.join(map(str, shape)):>20} {cells}  {best['ours'] / best['keras']:5.2f}  {rounds} rounds",
            flush=True,
        )


if __name__ == "__main__":
    main()
