"""A toy assignment for NumPy workers, as a bundle; what Gradescope accepts; whether this machine can preview."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from grader import catalog
from grader.assignment import ROOT_DIR, Assignment, Gradescope
from grader.errors import PreviewUnavailable
from grader.gradescope.bundle import build_bundle
from grader.gradescope.container import check_machine
from grader.gradescope.results import Results, to_json

TOY = Path(__file__).parent.parent / "grading" / "toy"
RIGHT = (TOY / "right.py").read_text(encoding="utf-8")
BLANK = (
    "\n".join(
        f'def {name}(x):\n    """{name}."""\n    raise NotImplementedError("Task {task}: write it")\n'
        for name, task in (("double", "1.1"), ("halve", "1.2"), ("both", "2.1"))
    )
    + "\nSHARE = 0.0  # of the bonus that the toy gives for nothing\n"
)
SCHEMA = json.loads((ROOT_DIR / "docs" / "gradescope-results.schema.json").read_text(encoding="utf-8"))


def why_not() -> str:
    """Why this machine can't run a preview, or ""."""
    try:
        check_machine()
    except PreviewUnavailable as error:
        return str(error)
    return ""


needs_root = pytest.mark.skipif(bool(why_not()), reason=why_not())


def accepted(results: Results | dict[str, Any] | bytes) -> dict[str, Any]:
    """The results as Gradescope reads them, held against the published schema."""
    if isinstance(results, Results):
        results = to_json(results)
    table = json.loads(results) if isinstance(results, bytes) else results
    jsonschema.Draft202012Validator(SCHEMA).validate(table)
    return table


@pytest.fixture(scope="session")
def toy() -> Assignment:
    return catalog.read(TOY / "assignment.toml")


@pytest.fixture
def limited(toy: Assignment) -> Callable[..., Assignment]:
    """The toy with other settings for Gradescope."""
    return lambda **settings: replace(toy, gradescope=Gradescope(**settings))


@pytest.fixture(scope="session")
def toy_solution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A solution of the toy with markers, as every assignment of the kit has one."""
    folder = tmp_path_factory.mktemp("solution")
    text = RIGHT
    for task, line in (("1.1", "return 2 * x"), ("1.2", "return x / 2"), ("2.1", "return halve(double(x))")):
        block = f"# BEGIN SOLUTION {task}\n    # HINT Think.\n    {line}\n    # END SOLUTION"
        assert text.count(line) == 1
        text = text.replace(line, block)
    (folder / "numbers_.py").write_text(text, encoding="utf-8")
    answer = "# Q1\n\n<!-- BEGIN SOLUTION Q1 -->\nBecause.\n<!-- END SOLUTION -->\n"
    (folder / "questions.md").write_text(answer, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def toy_suite(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The toy with limits for half a processor, and without its solution beside the tests."""
    folder = tmp_path_factory.mktemp("suites") / "toy"
    shutil.copytree(TOY, folder, ignore=shutil.ignore_patterns("right.py", "__pycache__"))
    declared = (folder / "assignment.toml").read_text(encoding="utf-8")
    for tight, wide in (("import_s = 1", "import_s = 20"), ("test_s = 1", "test_s = 20"), ("= 1024", "= 2048")):
        assert declared.count(f"{tight}\n") == 1
        declared = declared.replace(f"{tight}\n", f"{wide}\n")
    (folder / "assignment.toml").write_text(declared, encoding="utf-8")
    return catalog.read(folder / "assignment.toml")


@pytest.fixture(scope="session")
def toy_bundle(toy_suite: Assignment, toy_solution: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_bundle(toy_suite, tmp_path_factory.mktemp("bundle"), toy_solution)


def write_hand_in(folder: Path, source: str = RIGHT) -> Path:
    """A folder as a student hands it in."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "numbers_.py").write_text(source, encoding="utf-8")
    (folder / "questions.md").write_text("# Q1\nBecause.\n", encoding="utf-8")
    return folder
