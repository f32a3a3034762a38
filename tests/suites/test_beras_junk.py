"""Whatever a submission answers, the suite of `beras` has a verdict: no answer makes a test break down."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import catalog
from grader.grading.run import Grader

ASSIGNMENT = catalog.load("beras")
JUNK = {
    "nothing": "None",
    "words": "'seven'",
    "a dict": "{'h': [1, {'c': None}]}",
    "ragged": "[[1.0], [2.0, 3.0], 'x']",
    "complex numbers": "np.ones((4, 8)) * 1j",
    "not numbers": "np.full((4, 8, 1), np.nan, np.float32)",
    "an empty array": "np.zeros((0, 3), np.float32)",
    "a number": "10**400",
}
OPEN = re.compile(r"raise NotImplementedError\(.*\)")


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with Grader(ASSIGNMENT) as grader:
        yield grader


@pytest.mark.slow
@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_junk_earns_next_to_nothing_and_breaks_no_test(junk: str, grader: Grader, tmp_path: Path) -> None:
    """Every open place of the stencil answers with junk."""
    work = tmp_path / "work"
    shutil.copytree(ASSIGNMENT.stencil_dir, work)
    (work / "2470student").touch()
    for path in work.rglob("*.py"):
        path.write_text(OPEN.sub(lambda _: f"return {junk}", path.read_text(encoding="utf-8")), encoding="utf-8")
    result = grader.grade(work)
    assert result.verdict == "graded"
    assert [(case.id, case.detail[-300:]) for case in result.cases if case.status == "could_not_check"] == []
    # A step that does nothing changes no weight, and a call of `fit` that does nothing takes well under ten minutes.
    assert result.score <= 3, [case.id for case in result.cases if case.score]
