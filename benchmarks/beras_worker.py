"""Time from asking for a jailed NumPy worker to the answer of a `Dense` call of `beras` in it, and a whole grading.

    python benchmarks/beras_worker.py [--rounds 30] [--gradings 3]

Prints the median and the slowest of the rounds in milliseconds, and of their parts; whether anything of TensorFlow is
loaded in such a worker; and the wall time of grading the reference, graduate tier, with the data that is there. The
zygote's import of NumPy is part of a grading, but of no round: a course pays for it once.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from grader.catalog import load
from grader.sandbox.box import WorkerSpec, open_box

LIMIT_S = 60.0
LOADED = """
import sys


def loaded():
    return [name for name in sys.modules if name.partition(".")[0] in ("tensorflow", "keras")]
"""


def rounds_of(count: int, run_dir: Path) -> tuple[str, list[tuple[float, float]], list[str]]:
    """The tier, for each round the milliseconds until its jail is on and those of the call, and what is loaded."""
    assignment = load("beras")
    submission = run_dir / "submission"
    shutil.copytree(assignment.solution_dir, submission, ignore=shutil.ignore_patterns("__pycache__", "runs"))
    adapters = (assignment.suite_dir / "adapters.py").read_text(encoding="utf-8")
    (submission / "adapters.py").write_text(adapters + LOADED, encoding="utf-8")
    spec = WorkerSpec(
        submission=submission,
        scratch=False,
        memory_bytes=assignment.limits.memory_bytes,
        scratch_bytes=64 << 20,
        output_bytes=1 << 20,
        cpu_s=LIMIT_S,
        seed=1,
        core=None,
    )
    part = {"kind": "Dense", "w": np.ones((3, 2)), "b": np.zeros(2)}
    times, names = [], []
    with open_box(assignment.worker, insecure=True) as box:
        for _ in range(count):
            start = time.perf_counter()
            with box.start(spec) as worker:
                started, deadline = time.perf_counter(), time.monotonic() + LIMIT_S
                worker.call("part_outputs", {"part": part, "inputs": [np.ones((4, 3))]}, deadline)
                times.append((1e3 * (started - start), 1e3 * (time.perf_counter() - started)))
                names += worker.call("loaded", {}, deadline)
        return box.tier, times, names


def grading_seconds() -> tuple[float, str]:
    """Wall time of `grader grade` on the reference, and the line with its points."""
    command = [sys.executable, "-m", "grader", "grade", str(load("beras").solution_dir), "--assignment", "beras"]
    start = time.perf_counter()
    done = subprocess.run([*command, "--insecure"], capture_output=True, text=True, check=True)
    points = next(line for line in done.stdout.splitlines() if " points" in line)
    return time.perf_counter() - start, points.strip()


def main() -> None:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(description="Workers of beras, and a grading of its reference.")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--gradings", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="run-") as run_dir:
        tier, times, names = rounds_of(options.rounds, Path(run_dir))
    starts, calls = zip(*times, strict=True)
    totals = [start + call for start, call in times]
    for what, values in (("fork and jail", starts), ("first call, imports included", calls), ("both", totals)):
        print(f"tier {tier}, {what}: median {statistics.median(values):.0f} ms, slowest {max(values):.0f} ms")
    print(f"loaded of TensorFlow and Keras: {', '.join(sorted(set(names))) or 'nothing'}")
    for _ in range(options.gradings):
        seconds, points = grading_seconds()
        print(f"grading the reference: {seconds:.1f} s; {points}", flush=True)


if __name__ == "__main__":
    main()
