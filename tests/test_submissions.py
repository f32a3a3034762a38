"""The bundled submissions through the command line: exit code, JSON, verdicts, report."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from grader import catalog
from grader.audit.variants import Edit
from grader.grading.run import Grader
from grader.report import schema
from tests.submissions.build import DEMO, HERE, Submission, build, read_submissions

INTEGRATION = read_submissions(DEMO)
ASSIGNMENTS = sorted(path.stem for path in HERE.glob("*.toml"))
# Assignment and submission; those of the demo run always, the others where time does not matter.
BUNDLED = [
    *(pytest.param("integration", entry, id=entry.name) for entry in INTEGRATION),
    *(
        pytest.param(name, entry, id=f"{name}-{entry.name}", marks=pytest.mark.slow)
        for name in ASSIGNMENTS
        if name != DEMO
        for entry in read_submissions(name)
    ),
]
UNUSABLE = Path(__file__).parent / "submissions" / "unusable"


def grade(path: Path, folder: Path, name: str = "integration") -> tuple[subprocess.CompletedProcess[str], dict]:
    command = [sys.executable, "-m", "grader", "grade", str(path), "--assignment", name]
    command += ["--json", str(folder / "r.json"), "--html", str(folder / "r.html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done, json.loads((folder / "r.json").read_text())


def validate(result: dict) -> None:
    published = json.loads((catalog.ROOT_DIR / "docs" / schema.SCHEMA_ID).read_text())
    jsonschema.Draft202012Validator(published).validate(result)


@pytest.mark.parametrize(("name", "submission"), BUNDLED)
def test_a_bundled_submission_gets_its_verdict(name: str, submission: Submission, tmp_path: Path):
    assignment = catalog.load(name)
    done, result = grade(build(submission, assignment, tmp_path), tmp_path, name)
    assert done.returncode == 0, done.stderr
    validate(result)
    failed = {case["id"].partition("::")[2] for case in result["cases"] if case["status"] == "failed"}
    scored = [case for case in result["cases"] if case["status"] != "awaiting_review" and case["max_score"]]
    if submission.fails is None:
        assert all(case["status"] in ("failed", "not_run") for case in scored)
    else:
        assert failed == set(submission.fails)
    assert result["verdict"] == "graded"
    assert result["score"] == submission.score
    assert result["tier"] == (submission.tier or None)
    assert submission.headline in result["headline"]
    assert submission.headline.split(":")[0] in " ".join(done.stdout.split())
    assert result["headline"].split("“")[0].strip() in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize("name", [name for name in ASSIGNMENTS if name != DEMO])
def test_without_trainings_the_right_submission_passes_and_the_blank_one_earns_nothing(name: str, tmp_path: Path):
    assignment = catalog.load(name)
    entries = read_submissions(name)
    right = next(entry for entry in entries if entry.fails == ())
    blank = next(entry for entry in entries if entry.fails is None)
    with Grader(assignment) as grader:
        paths = [build(entry, assignment, tmp_path) for entry in (right, blank)]
        right, blank = (grader.grade(path, trains=False, seed=20_260_101) for path in paths)
    lost = [(case.id, case.message) for case in right.cases if case.status not in ("passed", "awaiting_review")]
    assert lost == []
    assert (blank.verdict, blank.score) == ("graded", 0)


@pytest.mark.parametrize("name", ["truncated.zip", "slip.zip", "essay.zip"])
def test_what_is_unusable_exits_1_with_a_reason(name: str, tmp_path: Path):
    done, result = grade(UNUSABLE / name, tmp_path)
    assert done.returncode == 1
    validate(result)
    assert result["verdict"] == "could_not_grade"
    assert result["cases"] == []
    assert result["headline"].split("`")[0] in (tmp_path / "r.html").read_text().replace("&#39;", "'")
    assert " ".join(result["headline"].split())[:40] in " ".join(done.stdout.split())


@pytest.mark.slow
def test_ten_gradings_of_the_right_submission_earn_full_marks_ten_times(tmp_path: Path):
    assignment = catalog.load("integration")
    path = build(INTEGRATION[0], assignment, tmp_path)
    with Grader(assignment) as grader:
        scores = [grader.grade(path).score for _ in range(10)]
    assert scores == [INTEGRATION[0].score] * 10


@pytest.mark.slow
def test_a_seed_replays_the_verdicts_of_a_partly_right_submission(tmp_path: Path):
    """An odd length fails; which lengths are drawn follows from the seed."""
    assignment = catalog.load("integration")
    edit = Edit(file="data.py", find="    signature = (", replace="    seq_len += seq_len % 2\n    signature = (")
    path = build(replace(INTEGRATION[0], edits=(edit,)), assignment, tmp_path)
    with Grader(assignment) as grader:
        first, second = ([case.status for case in grader.grade(path, seed=7).cases] for _ in range(2))
    assert first == second
    assert {"passed", "failed"} <= set(first)
