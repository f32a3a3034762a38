"""`beras` as a program: what assignment.py prints and draws, what its notebooks do, what its worker has loaded."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from grader import catalog
from grader.handout import markers
from grader.sandbox.box import Worker, WorkerSpec, open_box

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENT = catalog.load("beras")
NOTEBOOKS = ASSIGNMENT.suite_dir / "notebooks"
FLAG = "2470student"
PNG = b"\x89PNG"
LIMIT_S = 60.0


def copy_of(source: Path, folder: Path) -> Path:
    """A copy that finds the sample of MNIST alone, so that a test is the same on each machine."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("runs", "__pycache__"))
    (folder / "data").mkdir()
    shutil.copy(ROOT / "data" / "mnist-mini.npz", folder / "data")
    return folder


def run(folder: Path, *arguments: str) -> str:
    """Runs Python in the folder, to an end that must be a good one; what it said."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "MPLCONFIGDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-B", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# The program's own seed gives 85.0 % and 94.9 % on the sample; thresholds as in assignment.toml.
@pytest.mark.parametrize(("flag", "least"), [(False, 0.80), (True, 0.90)], ids=["simple", "advanced"])
def test_program_prints_its_accuracy_last_and_draws(tmp_path: Path, flag: bool, least: float) -> None:
    folder = copy_of(ASSIGNMENT.solution_dir, tmp_path / "work")
    if not flag:
        (folder / FLAG).unlink()
    lines = run(folder, "assignment.py").splitlines()
    words, accuracy = lines[-1].rsplit(" ", 1)
    assert words == "test accuracy"
    assert float(accuracy) > least
    assert len(lines) == 11  # a line an epoch, and the accuracy
    for figure in ("metrics.png", "images.png"):
        assert (folder / "runs" / figure).read_bytes().startswith(PNG)


def test_the_grader_trains_the_simple_model_that_the_stencil_gives() -> None:
    """The suite keeps a copy of it, since students may change theirs; the two must not drift apart."""
    given = function_in(ASSIGNMENT.stencil_dir / "assignment.py", "get_simple_model_components")
    kept = function_in(ASSIGNMENT.suite_dir / "adapters.py", "simple_components")
    assert numbers_in(given) == numbers_in(kept) == {784, 10, 0.1, 100}
    names = {"Dense", "LeakyReLU", "BasicOptimizer", "MeanSquaredError", "CategoricalAccuracy"}
    for function in (given, kept):
        words = {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(function)}
        assert names <= words


def function_in(path: Path, name: str) -> ast.FunctionDef:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)


def numbers_in(function: ast.FunctionDef) -> set[float]:
    constants = (node.value for node in ast.walk(function) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, (int, float))}


# -- notebooks ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("beras_notebooks", NOTEBOOKS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def program_of(cells: list, into: Path) -> str:
    """Writes the code of a notebook as a program; its name."""
    code = [cell.text for cell in cells if cell.kind == "code"]
    (into / "cells.py").write_text("\n\n".join(code), encoding="utf-8")
    return "cells.py"


@pytest.mark.parametrize("name", ["intro", "exploration"])
def test_checked_in_notebook_is_what_its_source_gives(builder: ModuleType, name: str) -> None:
    assert not builder.is_stale(name), "run grader/suites/beras/notebooks/build.py, then `grader stencil`"
    notebook = json.loads((ASSIGNMENT.stencil_dir / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert all(not cell.get("outputs") for cell in notebook["cells"])


def test_intro_runs_from_top_to_bottom_before_a_line_is_written(builder: ModuleType, tmp_path: Path) -> None:
    folder = copy_of(ASSIGNMENT.stencil_dir, tmp_path / "work")
    said = run(folder, program_of(builder.cells_of("intro"), folder))
    assert "on the tape: ['Mix', 'Product']" in said
    assert "by differences: [36. -4.]" in said


def test_exploration_has_todos_of_both_tiers_and_no_answer(builder: ModuleType) -> None:
    handed_out = "\n".join(cell.text for cell in builder.cells_of("exploration"))
    solved = "\n".join(cell.text for cell in builder.cells_of("exploration", solved=True))
    for section in ("E1", "E2", "E3", "E4", "E5", "E6"):
        assert f"# TODO {section}: " in handed_out
    assert handed_out.count("*Your answer.*") == 6
    assert "SOLUTION" not in handed_out + solved
    assert "# TODO" not in solved
    given = {line.strip() for line in handed_out.splitlines()}
    sources = builder.read_cells((NOTEBOOKS / "exploration.py").read_text(encoding="utf-8"))
    blocks = [block for cell in sources for block in markers.find_blocks(cell.text, builder.path_of(cell))]
    answers = [line.strip() for block in blocks for _, line in block.lines]
    assert len(answers) > 50
    assert not [line for line in answers if len(line) > 12 and line in given]


@pytest.mark.slow
def test_solved_exploration_runs_from_top_to_bottom(builder: ModuleType, tmp_path: Path) -> None:
    folder = copy_of(ASSIGNMENT.solution_dir, tmp_path / "work")
    said = run(folder, program_of(builder.cells_of("exploration", solved=True), folder))
    assert "largest difference" in said


# -- the worker --------------------------------------------------------------------------------------------------------

LOADED = """
import sys


def loaded():
    return sorted(sys.modules)
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """A worker as grading starts it, with the solution and its adapters, which also tell what is loaded."""
    submission = tmp_path / "submission"
    shutil.copytree(ASSIGNMENT.solution_dir, submission, ignore=shutil.ignore_patterns("runs", "__pycache__"))
    adapters = (ASSIGNMENT.suite_dir / "adapters.py").read_text(encoding="utf-8")
    (submission / "adapters.py").write_text(adapters + LOADED, encoding="utf-8")
    spec = WorkerSpec(
        submission=submission,
        scratch=False,
        memory_bytes=ASSIGNMENT.limits.memory_bytes,
        scratch_bytes=4 << 20,
        output_bytes=1 << 16,
        cpu_s=LIMIT_S,
        seed=1,
        core=None,
    )
    with open_box(ASSIGNMENT.worker, insecure=True) as box, box.start(spec) as worker:
        yield worker


def test_worker_never_imports_tensorflow(worker: Worker) -> None:
    deadline = time.monotonic() + LIMIT_S
    x = np.random.default_rng(0).random((8, 5))
    part = {"kind": "Dense", "w": np.ones((5, 3)), "b": np.zeros(3)}
    parts = [part, {"kind": "LeakyReLU"}, {"kind": "Softmax"}]
    worker.call(
        "whole_gradients", {"parts": parts, "loss": "MeanSquaredError", "x": x, "y": np.eye(3)[[0] * 8]}, deadline
    )
    worker.call("advanced_parts", {}, deadline)
    names = {name.partition(".")[0] for name in worker.call("loaded", {}, deadline)}
    assert {"numpy", "Beras", "assignment"} <= names
    assert not names & {"tensorflow", "keras", "torch", "jax"}
