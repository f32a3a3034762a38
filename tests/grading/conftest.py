"""A toy assignment whose worker has no TensorFlow: a whole grading takes about a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import catalog
from grader.grading.run import Grader
from grader.records import SubmissionResult

TOY = Path(__file__).parent / "toy"
RIGHT = (TOY / "right.py").read_text()


@pytest.fixture(scope="session")
def toy() -> catalog.Assignment:
    return catalog.read(TOY / "assignment.toml")


@pytest.fixture(scope="session")
def toy_grader(toy: catalog.Assignment) -> Iterator[Grader]:
    """One zygote for all tests, as a course has it."""
    with Grader(toy) as grader:
        yield grader


class ToyGrading:
    """Grades a source text as `numbers_.py`."""

    def __init__(self, grader: Grader, folder: Path) -> None:
        self.grader = grader
        self.folder = folder

    def __call__(self, source: str | bytes, **options: object) -> SubmissionResult:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "numbers_.py").write_bytes(source if isinstance(source, bytes) else source.encode())
        (self.folder / "questions.md").write_text("")
        return self.grader.grade(self.folder, **options)  # type: ignore[arg-type]


@pytest.fixture
def grade_toy(toy_grader: Grader, tmp_path: Path) -> ToyGrading:
    return ToyGrading(toy_grader, tmp_path / "hand-in")
