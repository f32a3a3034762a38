"""Data sets, flag files and packages that may not be used, through whole gradings."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader import assignment, catalog
from grader.audit.cache import ResultCache
from grader.grading import data as data_module
from grader.grading.run import Grader
from grader.oracles import mnist
from grader.records import Case, SubmissionResult

TOY = Path(__file__).parent / "toy_with_data"
MEANS = """
import tensorflow as tf
import torch.nn as nn
from tensorflow.keras import layers

import numpy as np

def mean(x: "tf.Tensor") -> float:
    return float(np.mean(x))

def median(x):
    return float(np.median(x))
"""

Grade = Callable[..., SubmissionResult]


@pytest.fixture(scope="module")
def toy() -> catalog.Assignment:
    return catalog.read(TOY / "assignment.toml")


@pytest.fixture(scope="module")
def grader(toy: catalog.Assignment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grader]:
    # The given loader comes from the folders of solutions, which a toy has not.
    root = tmp_path_factory.mktemp("root")
    (root / "solution" / toy.name).mkdir(parents=True)
    shutil.copy(mnist.__file__, root / "solution" / toy.name / catalog.LOADER)
    with pytest.MonkeyPatch.context() as patch, Grader(toy) as grader:
        patch.setattr(assignment, "ROOT_DIR", root)
        yield grader


@pytest.fixture
def grade(grader: Grader, tmp_path: Path) -> Grade:
    def grade(source: str = MEANS, **files: str) -> SubmissionResult:
        hand_in = tmp_path / "hw" / "code"
        hand_in.mkdir(parents=True)
        (hand_in / "means.py").write_text(source)
        for name, content in files.items():
            (tmp_path / "hw" / name).write_text(content)
        return grader.grade(tmp_path / "hw", seed=1)

    return grade


def case(result: SubmissionResult, name: str) -> Case:
    (found,) = (case for case in result.cases if case.id.endswith(name))
    return found


def test_without_its_flag_a_task_does_not_exist(grade: Grade) -> None:
    result = grade()
    assert (result.verdict, result.score, result.max_score) == ("graded", 3, 3), result.headline
    assert [task.id for task in result.tasks] == ["1.1", "1.3"]


def test_a_flag_file_above_the_code_switches_tasks_on(grade: Grade) -> None:
    result = grade(extra="")
    assert (result.score, result.max_score) == (6, 6), result.headline
    assert any("the file extra is in it" in note.text for note in result.notes)


def test_thresholds_and_arguments_follow_the_data(grade: Grade) -> None:
    result = grade()
    assert result.data == mnist.load().name
    assert case(result, "test_training_split").status == "passed"


def test_a_forbidden_package_may_be_imported_and_its_use_is_named(grade: Grade) -> None:
    result = grade(MEANS.replace("float(np.mean(x))", "float(tf.reduce_mean(x))"))
    found = case(result, "test_mean")
    assert (found.status, found.kind, result.score) == ("failed", "forbidden", 1)
    assert "`mean` uses a package that this assignment does not allow" in found.message
    assert "`tensorflow.reduce_mean` is not allowed here" in found.message
    assert "means.py, line 9" in found.message


def test_missing_data_is_no_fault_of_the_student(toy: catalog.Assignment, tmp_path: Path) -> None:
    from grader.errors import KitError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_module, "load", lambda: mnist.load(tmp_path))
        with pytest.raises(KitError, match=r"can't be read: no MNIST in .*download\.sh"):
            data_module.read_data(toy)


def test_the_cache_tells_the_sample_from_the_whole(toy: catalog.Assignment, tmp_path: Path) -> None:
    sample, whole = (mnist.Mnist(name, *[mnist.load().test_labels] * 4) for name in ("mnist-mini", "mnist"))
    keys = []
    for data in (sample, whole):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("grader.audit.cache.read_data", lambda _, data=data: data)
            keys.append(ResultCache(toy, 1).key(tmp_path, trains=True))
    assert keys[0] != keys[1]
