"""Results of graded variants, kept by the hash of all that a verdict hangs on."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import msgspec

from grader.catalog import PACKAGE_DIR, Assignment
from grader.environment import python_environment
from grader.files import replace_file
from grader.grading.fingerprint import sha256_of, suite_sha256
from grader.records import SubmissionResult

_JUDGING = ("grading", "sandbox", "intake", "oracles")


class ResultCache:
    """A folder of results below the user's cache folder; deleting it costs time alone."""

    def __init__(self, assignment: Assignment) -> None:
        self._folder = Path.home() / ".cache" / "rnn-homework-grader"
        code = [path for part in _JUDGING for path in (PACKAGE_DIR / part).glob("*.py")]
        packages = sorted(python_environment().packages.items())
        self._base = f"{suite_sha256(assignment.suite_dir)} {sha256_of(code, PACKAGE_DIR)} {packages}"

    def key(self, submission: Path, trains: bool) -> str:
        """Hash of a submission's folder, the suite, the code that judges and the packages' versions."""
        files = sha256_of((path for path in submission.rglob("*") if path.is_file()), submission)
        return hashlib.sha256(f"{self._base} {files} {trains}".encode()).hexdigest()

    def get(self, key: str) -> SubmissionResult | None:
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((self._folder / f"{key}.json").read_bytes(), type=SubmissionResult)
        return None

    def put(self, key: str, result: SubmissionResult) -> None:
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self._folder / f"{key}.json", msgspec.json.encode(result))
