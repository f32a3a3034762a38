"""A toy project with one small assignment, in the layout of this one: see toy/."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader import catalog
from grader.catalog import Assignment
from grader.handout import release

TOY = Path(__file__).parent / "toy"


@dataclass(frozen=True)
class Project:
    """A tree with grader/suites/toy, solution/toy and stencil/toy."""

    root: Path

    @property
    def suite(self) -> Path:
        return self.root / "grader" / "suites" / "toy"

    @property
    def solution(self) -> Path:
        return self.root / "solution" / "toy"

    @property
    def stencil(self) -> Path:
        return self.root / "stencil" / "toy"

    @property
    def assignment(self) -> Assignment:
        return catalog.read(self.suite / "assignment.toml")

    def edit(self, path: Path, old: str, new: str) -> None:
        """Replaces text that a file holds exactly once."""
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of the toy project."""
    shutil.copytree(TOY, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__"))
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def toy_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The handout of the unchanged toy."""
    assignment = catalog.read(TOY / "grader" / "suites" / "toy" / "assignment.toml")
    return release.build_handout(assignment, tmp_path_factory.mktemp("release"), TOY / "solution" / "toy")


@pytest.fixture
def handout(toy_zip: Path, tmp_path: Path) -> Path:
    """An unpacked handout of the toy, as a student has it."""
    with zipfile.ZipFile(toy_zip) as archive:
        archive.extractall(tmp_path / "home")
    return tmp_path / "home" / "toy"
