"""One grading with workers of two kinds: tasks in NumPy beside tasks in TensorFlow."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader import catalog
from grader.grading.run import Grader
from grader.records import SubmissionResult

from .conftest import RIGHT, TOY, ToyGrading
from .test_run import case, statuses

Grade = Callable[[str], SubmissionResult]
# `double` belongs to tasks in NumPy, `halve` to one in TensorFlow; `both` is called in NumPy.
LOOKS = """
import sys

def double(x):
    \"\"\"Twice x.\"\"\"
    assert "tensorflow" not in sys.modules and "keras" not in sys.modules
    return 2 * x

def halve(x):
    if x == 4:
        assert "tensorflow" in sys.modules
    return x / 2

def both(x):
    return halve(double(x))
"""


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grader]:
    folder = tmp_path_factory.mktemp("suite") / "toy"
    shutil.copytree(TOY, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "assignment.toml"
    text = file.read_text().replace('worker = "numpy"', 'worker = "numpy"\nforbidden = ["tensorflow", "torch"]')
    text = text.replace("memory_mb = 1024", "memory_mb = 3072").replace("test_s = 1\n", "test_s = 20\n")
    file.write_text(text.replace("points = 3\n", 'points = 3\nworker = "tensorflow"\n', 1))
    with Grader(catalog.read(file)) as grader:
        yield grader


@pytest.fixture
def grade(grader: Grader, tmp_path: Path) -> Grade:
    return ToyGrading(grader, tmp_path / "hand-in")


def test_each_task_runs_in_its_kind_of_worker(grade: Grade):
    result = grade(LOOKS)
    assert result.verdict == "graded", result.headline
    assert {name: status for name, status in statuses(result).items() if status == "failed"} == {}
    assert result.score == 12.0


def test_the_right_submission_earns_what_it_earns_in_one_kind(grade: Grade):
    assert grade(RIGHT).score == 12.0


def test_a_package_is_forbidden_in_workers_without_it_alone(grade: Grade):
    used = "float(tf.constant(float(x)) * 2)"
    result = grade("import tensorflow as tf\n" + RIGHT.replace("2 * x", used).replace("x / 2", f"{used} / 4"))
    assert case(result, "test_double_of_two").kind == "forbidden"
    assert case(result, "test_halve").status == "passed"


def test_both_kinds_are_started_anew_where_they_broke(grader: Grader, grade: Grade):
    for zygote in grader.zygotes.values():
        zygote.close()
    grader._broken.update(grader.zygotes)
    assert grade(LOOKS).score == 12.0
