"""What the grading of a reference solution costs: seconds on the cores that this process may use, and memory.

    python benchmarks/grading_cost.py [ASSIGNMENT ...]

Each solution is graded as a hand-in would be, trainings included; by default that of `alternating_sums`. Where data/
lacks the four files of ./download.sh, it is graded with the sample; the line says which data it was.
"""

from __future__ import annotations

import argparse
import os

import grader
from grader import catalog


def main() -> None:
    """Prints a line for each assignment."""
    parser = argparse.ArgumentParser(description="Seconds and memory that gradings of reference solutions take.")
    parser.add_argument("assignments", nargs="*", default=["alternating_sums"])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for name in parser.parse_args().assignments:
        result = grader.grade(str(catalog.load(name).solution_dir), name)
        measures = ", ".join(f"{what} {value:.4f}" for what, value in result.measures.items())
        print(
            f"{name} with {result.data or 'no data'} on {cores} cores: {result.duration_s:.0f} s, largest worker "
            f"{result.peak_memory_bytes / 2**20:.0f} MiB, {result.score:g} of {result.max_score:g} points, {measures}",
            flush=True,
        )


if __name__ == "__main__":
    main()
