"""Results of graded variants, kept by the hash of all that a verdict hangs on."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from grader.catalog import PACKAGE_DIR, Assignment
from grader.environment import python_environment
from grader.files import replace_file
from grader.grading.data import read_data
from grader.grading.fingerprint import sha256_of, suite_sha256
from grader.records import SubmissionResult

Kept = TypeVar("Kept")
_JUDGING = (
    *("assignment.py", "catalog.py", "errors.py", "records.py"),
    *("grading/*.py", "grading/*.ini", "sandbox/*.py", "intake/*.py"),
)
_MAY_PASS = frozenset({"ours", "time"})  # kinds of failure that a machine with less to do would not show


def is_final(result: SubmissionResult) -> bool:
    """Whether another run of the same could not end better."""
    return result.verdict == "graded" and not any(case.kind in _MAY_PASS for case in result.cases)


class ResultCache:
    """A folder of results below the user's cache folder; deleting it costs time alone."""

    def __init__(self, assignment: Assignment, seed: int) -> None:
        self._folder = Path.home() / ".cache" / "rnn-homework-grader"
        code = [path for pattern in _JUDGING for path in PACKAGE_DIR.glob(pattern)]
        restored = [
            folder / name for folder in (assignment.stencil_dir, assignment.solution_dir) for name in assignment.given
        ]
        files = sha256_of([*code, *filter(Path.is_file, restored)], PACKAGE_DIR)
        environment = python_environment()
        versions = f"{environment.python} {sorted(environment.packages.items())}"
        data = read_data(assignment)
        data_name = data.name if data else ""
        self._base = f"{suite_sha256(assignment.suite_dir)} {files} {versions} {data_name} {seed}"

    def key(self, submission: Path, trains: bool) -> str:
        """Hash of a submission's folder, the suite, the seed, the code that judges and the versions of what it uses."""
        files = sha256_of((path for path in submission.rglob("*") if path.is_file()), submission)
        return hashlib.sha256(f"{self._base} {files} {trains}".encode()).hexdigest()

    def get(self, key: str, kind: type[Kept]) -> Kept | None:
        """What was kept under that key, or None where there is nothing, or nothing whole."""
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((self._folder / f"{key}.json").read_bytes(), type=kind)
        return None

    def put(self, key: str, value: Any) -> None:
        """Keeps a value; where it can't, the next run takes longer, and that is all."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self._folder / f"{key}.json", msgspec.json.encode(value))
