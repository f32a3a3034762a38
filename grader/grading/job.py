"""What the parent hands to a judge: one JSON file, written and read here alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from grader.records import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One submission to be judged.

    Attributes:
        suite_dir: Folder with assignment.toml and the tests.
        submission_dir: The prepared, read-only submission.
        control_fds: Sockets of the zygotes, one for each kind of worker, inherited by the judge.
        insecure: Go on without a jail where none holds.
        seed: Of all random inputs.
        cores: Processors that may be used; the first trains, the last tests.
        trains: False leaves out every test that needs a training.
        public_only: Leaves out every test that students can't see.
        known: Outcomes of tests that are taken as they are and not found anew.
        traced: Tells which files of the submission each test opened.
        events_fd: Pipe to the parent, inherited by the judge; -1 until there is one.
    """

    suite_dir: str
    submission_dir: str
    control_fds: dict[str, int]
    insecure: bool
    seed: int
    cores: tuple[int, ...]
    trains: bool = True
    public_only: bool = False
    known: tuple[Case, ...] = ()
    traced: bool = False
    events_fd: int = -1

    @property
    def submission_path(self) -> Path:
        return Path(self.submission_dir)

    def write(self, path: Path) -> None:
        path.write_bytes(msgspec.json.encode(self))


def read_job(path: Path) -> Job:
    return msgspec.json.decode(path.read_bytes(), type=Job)
