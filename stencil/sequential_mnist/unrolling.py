"""Two ways to run a cell over time, in a graph; and what they cost beside Keras' own layer.

    python unrolling.py                     milliseconds, graph nodes and memory at 28 and 196 steps, with a picture

Sizes: B sequences, T time steps, D features, U units.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

Cell = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def unroll_static(cell: Cell, x: tf.Tensor, h: tf.Tensor) -> tf.Tensor:
    """Runs a cell over time with a Python loop: in a graph every time step becomes operations of its own.

    Args:
        cell: `cell(x_t, h) -> h'`, with x_t `(B, D)` and states `(B, U)`.
        x: `(B, T, D)` float32; T is known when the graph is made.
        h: The state before the first step, `(B, U)` float32.

    Returns:
        The state after the last step, `(B, U)`.
    """
    # TODO 5.1: `x.shape[1]` is T as a Python number; `tf.unstack` takes an axis apart.
    raise NotImplementedError("Task 5.1: Static and dynamic unrolling")


def unroll_dynamic(cell: Cell, x: tf.Tensor, h: tf.Tensor) -> tf.Tensor:
    """Runs a cell over time with `tf.while_loop`: the graph holds the cell once, and T may differ from call to call.

    Args:
        cell: As of `unroll_static`; x and h, too, but T may be unknown when the graph is made.
        x: `(B, T, D)` float32.
        h: `(B, U)` float32.

    Returns:
        The state after the last step, `(B, U)`.
    """
    # TODO 5.1: The loop's variables are the number of the step and the state; `tf.shape(x)[1]` is T in the graph.
    raise NotImplementedError("Task 5.1: Static and dynamic unrolling")


# -- The program: given, nothing to do below --------------------------------------------------------------------------

BATCH, UNITS, REPEATS = 64, 64, 10
LENGTHS = (28, 196)
WAYS = ("static", "dynamic", "keras.layers.GRU", "keras.layers.GRU, XLA")


def measure(way: str, steps: int) -> dict[str, float]:
    """Traces a GRU with its gradient and runs it; to be called in a fresh process, because of the memory.

    Args:
        way: One of `WAYS`. The first two run a `keras.layers.GRUCell` by the functions above.
        steps: T.

    Returns:
        Milliseconds of a training step (the median), seconds until the first result, nodes of the graph, and, where the
        system tells it, the highest memory that this process took meanwhile, in MB above what it had before.
    """
    keras.utils.set_random_seed(1)
    x = tf.random.normal((BATCH, steps, 1))
    zeros = tf.zeros((BATCH, UNITS))
    if way in ("static", "dynamic"):
        module = keras.layers.GRUCell(UNITS)
        module(x[:, 0], [zeros])
        loop = unroll_static if way == "static" else unroll_dynamic

        def forward(x: tf.Tensor) -> tf.Tensor:
            return loop(lambda x_t, h: module(x_t, [h])[0], x, zeros)
    else:
        module = forward = keras.layers.GRU(UNITS)
        forward(x[:, :1])

    @tf.function(jit_compile="XLA" in way)
    def gradients(x: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(forward(x)))
        return tape.gradient(loss, module.trainable_variables)

    def run() -> float:
        start = time.perf_counter()
        for gradient in gradients(x):
            gradient.numpy()  # waits for it
        return time.perf_counter() - start

    before = _peak_mb()
    found = {"until the first result, s": run()}
    found["a training step, ms"] = 1e3 * statistics.median(run() for _ in range(REPEATS))
    graph = gradients.get_concrete_function(x).graph.as_graph_def()
    found["nodes of the graph"] = len(graph.node) + sum(len(function.node_def) for function in graph.library.function)
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


def main(arguments: list[str] | None = None) -> None:
    """Measures every way at every length, each in a process of its own, and draws the result.

    Args:
        arguments: Those after the program's name; None means `sys.argv`.
    """
    import figures

    parser = argparse.ArgumentParser(description="Time, graph and memory of ways to run a cell over time.")
    parser.add_argument("--run-dir", type=Path, default=Path("runs/unrolling"), help="default: %(default)s")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="time steps (default: %(default)s)")
    options = parser.parse_args(arguments)
    options.run_dir.mkdir(parents=True, exist_ok=True)
    results = {}
    for steps in options.lengths:
        for way in WAYS:
            # "spawn" starts Python anew; a fork of a process with TensorFlow in it would hang.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                results[steps, way] = pool.apply(measure, (way, steps))
            values = results[steps, way]
            if len(results) == 1:
                print(f"{'steps':>5}  {'':20}", *values, sep="  ")
            numbers = "  ".join(f"{value:{len(name)}.4g}" for name, value in values.items())
            print(f"{steps:5}  {way:20}  {numbers}", flush=True)
    figures.save(figures.unrolling(results), options.run_dir / "unrolling.png")
    print(f"unrolling.png is in {options.run_dir}")


if __name__ == "__main__":
    main()
