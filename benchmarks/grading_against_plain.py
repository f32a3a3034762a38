"""The whole grading of the right submission, as a ratio to the same suite in plain pytest in one process.

    python benchmarks/grading_against_plain.py [--rounds 5]

Both are whole processes on the same cores, in turn; the ratio of each pair is taken, and the median of those printed.
The grader isolates every test in a process of its own and trains in the background; plain pytest isolates nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grader import catalog
from grader.intake.prepare import prepare

HERE = Path(__file__).resolve().parent


def timed(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Seconds that a command takes; it must succeed."""
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
        )
    return time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--assignment", default="integration")
    options = parser.parse_args()
    assignment = catalog.load(options.assignment)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        suite = folder / "suite"
        submission = prepare(assignment.solution_dir, assignment, folder).submission_dir
        suite.mkdir()
        for path in [HERE / "plain" / "conftest.py", *assignment.suite_dir.glob("test_*.py")]:
            shutil.copy(path, suite)
        plain = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(suite)]
        graded = [sys.executable, "-m", "grader", "grade", str(submission), "-a", assignment.name]
        environment = {"PLAIN_SUBMISSION": str(submission), "PLAIN_ASSIGNMENT": assignment.name}
        pairs = []
        for turn in range(options.rounds):
            runs = [(0, graded, {}), (1, plain, environment)]
            seconds = {which: timed(command, folder, extra) for which, command, extra in runs[:: 1 if turn % 2 else -1]}
            pairs.append((seconds[0], seconds[1]))
    print(
        json.dumps(
            {
                "grader_s": round(statistics.median(pair[0] for pair in pairs), 1),
                "plain_s": round(statistics.median(pair[1] for pair in pairs), 1),
                "ratio_median": round(statistics.median(ours / theirs for ours, theirs in pairs), 2),
                "ratio_max": round(max(ours / theirs for ours, theirs in pairs), 2),
                "rounds": options.rounds,
            }
        )
    )


if __name__ == "__main__":
    main()
