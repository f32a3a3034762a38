"""Time from asking for a worker to the answer of an eager LSTM-cell call in it, in a jailed TensorFlow worker.

    python benchmarks/fork_latency.py [--rounds 20]

Prints the median and the slowest of the rounds, in milliseconds, and its parts: until the worker's jail is on, the call
itself (first TensorFlow operations of a process), and ending the process with its folder. The zygote's import is not
counted: a course pays for it once.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from grader.sandbox.box import WorkerSpec, open_box

LIMIT_S = 60.0
ADAPTERS = """
def cell(x, h, c):
    import lstm
    return lstm.LSTMCell(h.shape[1])(x, (h, c))
"""
LSTM = """
import tensorflow as tf


class LSTMCell(tf.keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.units = units
        self.gates = tf.keras.layers.Dense(4 * units)

    def call(self, x, states):
        h, c = states
        i, f, o, g = tf.split(self.gates(tf.concat([x, h], axis=-1)), 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c
"""


def measure(rounds: int, run_dir: Path) -> tuple[str, list[tuple[float, float, float]]]:
    """Returns the tier and, for each round, the seconds of its three parts."""
    submission = run_dir / "submission"
    submission.mkdir()
    (submission / "adapters.py").write_text(ADAPTERS, encoding="utf-8")
    (submission / "lstm.py").write_text(LSTM, encoding="utf-8")
    spec = WorkerSpec(
        submission=submission,
        scratch=True,
        memory_bytes=3 << 30,
        scratch_bytes=64 << 20,
        output_bytes=1 << 20,
        cpu_s=LIMIT_S,
        seed=1,
        core=None,
    )
    inputs = {"x": np.ones((4, 3), np.float32), "h": np.zeros((4, 8), np.float32), "c": np.zeros((4, 8), np.float32)}
    found = []
    with open_box("tensorflow", insecure=True) as box:
        for _ in range(rounds):
            marks = [time.perf_counter()]
            worker = box.start(spec)
            marks.append(time.perf_counter())
            worker.call("cell", inputs, time.monotonic() + LIMIT_S)
            marks.append(time.perf_counter())
            worker.close()
            marks.append(time.perf_counter())
            found.append((marks[1] - marks[0], marks[2] - marks[1], marks[3] - marks[2]))
        return box.tier, found


def main() -> None:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="run-") as run_dir:
        tier, found = measure(rounds, Path(run_dir))
    totals = [start + call for start, call, _ in found]
    parts = [statistics.median(part) * 1e3 for part in zip(*found, strict=True)]
    print(f"tier {tier}, {rounds} rounds")
    print(f"fork to first answer: median {statistics.median(totals) * 1e3:.0f} ms, slowest {max(totals) * 1e3:.0f} ms")
    start, call, end = parts
    print(f"medians of its parts: fork and jail {start:.0f} ms, call {call:.0f} ms; afterwards, end {end:.0f} ms")


if __name__ == "__main__":
    main()
