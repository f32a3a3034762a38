"""Hand-ins made on the spot, and a small assignment to prepare them for."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from grader import assignment, catalog
from grader.catalog import Assignment

Members = dict[str, bytes] | Iterable[tuple[str | zipfile.ZipInfo, bytes]]

TOML = """
title = "Toy"
version = "2026.1"
worker = "numpy"
modules = ["data", "cell"]
files = ["data.py", "cell.py", "given.py", "questions.md"]
given = ["given.py"]
tiers = ["pass"]
requirements = ["numpy"]

[[task]]
id = "1.1"
title = "One"
points = 1
"""
STENCIL = {
    "data.py": "def noise(length, count=3):\n    raise NotImplementedError\n",
    "cell.py": "class Cell:\n    def call(self, x, states):\n        raise NotImplementedError\n",
    "given.py": "GIVEN = 1\n",
    "questions.md": "Q1\n",
}


@pytest.fixture
def make_zip(tmp_path: Path) -> Callable[..., Path]:
    """Writes a zip of (name or ZipInfo, content) pairs."""

    def make(members: Members, name: str = "homework.zip") -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items() if isinstance(members, dict) else members:
                archive.writestr(member, content)
        return path

    return make


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a bare folder."""

    def make(files: dict[str, bytes], name: str = "homework") -> Path:
        for file, content in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / name

    return make


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assignment:
    """An assignment with two modules, a given file and a stencil, in a checkout of its own."""
    monkeypatch.setattr(assignment, "ROOT_DIR", tmp_path / "checkout")
    suite, stencil = tmp_path / "suites/toy", tmp_path / "checkout/stencil/toy"
    suite.mkdir(parents=True)
    stencil.mkdir(parents=True)
    (suite / "assignment.toml").write_text(TOML)
    (suite / "adapters.py").write_text("kept = {}\n")
    (suite / "test_public.py").write_text("# public\n")
    for name, text in STENCIL.items():
        (stencil / name).write_text(text)
    return catalog.read(suite / "assignment.toml")
