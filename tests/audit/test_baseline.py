"""Which tests of a variant need not run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import catalog
from grader.audit.baseline import Baseline
from grader.grading.run import Grader
from grader.records import Case, SubmissionInfo, SubmissionResult

TOY = Path(__file__).parents[1] / "grading" / "toy"
FIELDS = {"task": "1.1", "title": "t", "tier": "pass", "status": "passed", "kind": "passed", "max_score": 1.0}


def make_case(name: str, score: float = 1.0) -> Case:
    return Case(id=name, score=score, **FIELDS)  # type: ignore[arg-type]


@pytest.fixture
def baseline() -> Baseline:
    info = SubmissionInfo(path="x", sha256="")
    cases = tuple(map(make_case, ("of_a", "of_both", "of_neither", "unsure")))
    return Baseline(
        result=SubmissionResult(
            assignment="toy", assignment_title="", submission=info, verdict="graded", headline="", cases=cases
        ),
        opened={
            "of_a": frozenset({"a.py"}),
            "of_both": frozenset({"a.py", "b.py"}),
            "of_neither": frozenset({"adapters.py"}),
        },
    )


def write(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_only_tests_that_open_a_changed_file_run_again(baseline, tmp_path):
    solution = write(tmp_path / "solution", a="1", b="1")
    known = baseline.known(solution, write(tmp_path / "variant", a="1", b="2"))
    assert [case.id for case in known] == ["of_a", "of_neither"]


@pytest.mark.parametrize("files", [{"a": "1"}, {"a": "1", "b": "1", "c": ""}])
def test_every_test_runs_where_a_file_is_added_or_taken_away(baseline, tmp_path, files):
    solution = write(tmp_path / "solution", a="1", b="1")
    assert baseline.known(solution, write(tmp_path / "variant", **files)) == ()


def test_a_grading_tells_what_each_test_opens_and_takes_known_outcomes_as_they_are(tmp_path):
    (tmp_path / "numbers_.py").write_bytes((TOY / "right.py").read_bytes())
    (tmp_path / "questions.md").write_text("")
    opened: dict[str, frozenset[str]] = {}
    with Grader(catalog.read(TOY / "assignment.toml")) as grader:
        first = grader.grade(tmp_path, seed=1, on_opened=opened.__setitem__)
        (tmp_path / "numbers_.py").write_text("raise SystemExit")
        again = grader.grade(tmp_path, seed=1, known=[case for case in first.cases if case.task != "0"])
    behavioural = [case.id for case in first.cases if "double" in case.id]
    assert behavioural
    assert all("numbers_.py" in opened[case] for case in behavioural)
    statuses = {case.id: case.status for case in again.cases}
    assert {statuses[case] for case in behavioural} == {"passed"}
    assert statuses["test_imports.py::test_modules_can_be_imported"] == "failed"
