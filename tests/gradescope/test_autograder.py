"""What runs in the container: results.json is whole and true at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from grader import catalog
from grader.assignment import Assignment
from grader.errors import InvalidAssignment
from grader.files import replace_file
from grader.gradescope import autograder
from grader.gradescope.feedback import Run, broken_down
from grader.gradescope.results import to_json
from grader.grading.run import Grader
from tests.gradescope.conftest import BLANK, RIGHT, TOY, accepted, write_hand_in

# Grades the toy as `run_autograder` grades the assignment of its bundle.
DRIVER = f"""
import sys
from pathlib import Path
from grader import catalog
from grader.gradescope import autograder
from grader.gradescope.feedback import Run
folder = Path(sys.argv[1])
run = Run(assignment=catalog.read(Path({str(TOY / "assignment.toml")!r})))
autograder.plan = lambda folder: run
autograder.run_in(folder)
"""


def lay_out(folder: Path, source: str = RIGHT) -> Path:
    write_hand_in(folder / "submission", source)
    (folder / "results").mkdir()
    replace_file(folder / "results/results.json", to_json(broken_down("interrupted before the first test", "")))
    return folder


def read(folder: Path) -> dict[str, Any]:
    return accepted((folder / "results" / "results.json").read_bytes())


@pytest.fixture
def run_toy(toy: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def run(source: str = RIGHT, **changes: Any) -> dict[str, Any]:
        planned = Run(**{"assignment": toy, **changes})
        monkeypatch.setattr(autograder, "plan", lambda folder: planned)
        autograder.run_in(lay_out(tmp_path, source))
        return read(tmp_path)

    return run


def test_the_score_is_that_of_grader_grade(run_toy, toy: Assignment, tmp_path: Path, capsys):
    table = run_toy()
    with Grader(toy) as grader:
        expected = grader.grade(tmp_path / "submission")
    assert table["score"] == expected.score == 12
    assert table["extra_data"]["verdict"] == "graded"
    said = capsys.readouterr().out
    assert "graded: 12 of 10 points, sandbox jailed" in said
    assert f"seed: {table['extra_data']['seed']}" in said


def test_a_blank_stencil_earns_exactly_nothing(run_toy):
    table = run_toy(BLANK)
    assert table["score"] == 0
    assert "Start with task 1.1 (Doubling): it is still open." in table["output"]


def test_public_tests_alone_run_past_the_limit(run_toy):
    table = run_toy(public_only=True)
    assert [test["number"] for test in table["tests"]] == ["0.1", "1.1.1"]
    assert table["score"] == 1


def test_a_hand_in_that_cannot_be_read_is_not_graded(run_toy, tmp_path: Path):
    table = run_toy("x = 1")
    assert table["extra_data"]["verdict"] == "graded"
    (tmp_path / "submission" / "numbers_.py").unlink()
    (tmp_path / "submission" / "questions.md").unlink()
    autograder.run_in(tmp_path)
    table = read(tmp_path)
    assert table["extra_data"]["verdict"] == "could_not_grade"
    assert "not your fault" in table["output"]


def test_a_breakdown_of_ours_tells_the_staff_why(toy: Assignment, tmp_path: Path, monkeypatch, capsys):
    def broken(folder: Path) -> Run:
        raise RuntimeError("no such disk")

    monkeypatch.setattr(autograder, "plan", broken)
    autograder.run_in(lay_out(tmp_path))
    table = read(tmp_path)
    assert "no such disk" in table["tests"][-1]["output"]
    assert table["tests"][-1]["visibility"] == "hidden"
    assert "no such disk" not in table["output"]
    assert "RuntimeError" in capsys.readouterr().out


def test_a_bundle_holds_one_assignment(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(catalog, "SUITES_DIR", tmp_path)
    with pytest.raises(InvalidAssignment, match="this one holds none"):
        autograder.plan(tmp_path)


def test_the_limit_of_a_day_decides_what_runs(toy: Assignment, tmp_path: Path, monkeypatch, limited):
    full = {"extra_data": {"run": "full", "verdict": "graded"}, "tests": []}
    earlier = {"submission_time": "2026-03-04T09:00:00.000000+00:00", "score": 1, "results": full}
    metadata = {"created_at": "2026-03-04T12:00:00.000000+00:00", "previous_submissions": [earlier] * 2}
    (tmp_path / "submission_metadata.json").write_text(json.dumps(metadata))
    monkeypatch.setattr(catalog, "names", lambda: ["toy"])
    for limit, public_only in ((0, False), (1, True), (2, True), (3, False)):
        monkeypatch.setattr(catalog, "load", lambda name, limit=limit: limited(full_runs_per_day=limit))
        assert autograder.plan(tmp_path).public_only is public_only


def test_the_check_of_the_set_up_names_the_tier(toy: Assignment, monkeypatch, capsys):
    monkeypatch.setattr(catalog, "names", lambda: ["toy"])
    monkeypatch.setattr(catalog, "load", lambda name: toy)
    assert autograder.main(["--check"]) == 0
    assert "toy: sandbox tier jailed, numpy: Landlock" in capsys.readouterr().out


def own_temporary(folder: Path) -> dict[str, str]:
    """What a killed grading leaves behind stays below the test's own folder."""
    (folder / "temporary").mkdir()
    return {**os.environ, "TMPDIR": str(folder / "temporary")}


def kill_at_random(folder: Path, replacements: int, after_s: float) -> dict[str, Any]:
    """Grades in a process of its own, and kills it some time after the file was replaced that many times."""
    place = lay_out(folder) / "results" / "results.json"
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(folder)], stdout=subprocess.DEVNULL, env=own_temporary(folder)
    )
    seen, last = 0, place.stat().st_ino
    while seen < replacements and process.poll() is None:
        now = place.stat().st_ino
        seen, last = seen + (now != last), now
        time.sleep(0.0005)
    time.sleep(after_s)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return read(folder)


def check_truth(table: dict[str, Any], whole: dict[str, Any]) -> int:
    """Every point is one that the whole grading gives too, none is lost, and an interrupted one says so."""
    expected = {test["number"]: test for test in whole["tests"] if "score" in test}
    ended = [test for test in table["tests"] if "score" in test]
    for test in ended:
        assert (test["score"], test["status"]) == (
            expected[test["number"]]["score"],
            expected[test["number"]]["status"],
        )
    assert table["score"] == pytest.approx(sum(test["score"] for test in ended))
    done = table["extra_data"]["verdict"] == "graded"
    assert done == (len(ended) == len(expected) and table["score"] == whole["score"] and "fault" not in table["output"])
    return len(ended)


def kill_repeatedly(times: int, folder: Path) -> list[int]:
    subprocess.run(
        [sys.executable, "-c", DRIVER, str(lay_out(folder / "whole"))], check=True, stdout=subprocess.DEVNULL
    )
    whole = read(folder / "whole")
    assert whole["score"] == 12
    draw = random.Random(7)  # noqa: S311 - moments, not secrets
    # Two replacements before the first test, one a test, one at the end; by the clock alone most would hit the start.
    moments = [(draw.randrange(12), draw.uniform(0, 0.1)) for _ in range(times)]
    return [check_truth(kill_at_random(folder / str(index), *moment), whole) for index, moment in enumerate(moments)]


def test_killed_at_a_random_moment_what_stands_there_is_whole_and_true(tmp_path: Path):
    kill_repeatedly(5, tmp_path)


@pytest.mark.slow
def test_killed_at_fifty_random_moments_what_stands_there_is_whole_and_true(tmp_path: Path):
    ended = kill_repeatedly(50, tmp_path)
    assert len(set(ended)) > 4, "the moments should fall before, between and after the tests"
