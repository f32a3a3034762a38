"""What `grader grade` leaves: the table, the result file and the report."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from grader import catalog, session

TOY = Path(__file__).parent / "grading" / "toy"


@pytest.fixture
def grade(tmp_path, monkeypatch):
    toy = catalog.read(TOY / "assignment.toml")
    monkeypatch.setattr(catalog, "load", lambda name: toy)
    hand_in = tmp_path / "hand-in"
    hand_in.mkdir()
    (hand_in / "numbers_.py").write_bytes((TOY / "right.py").read_bytes())
    (hand_in / "questions.md").write_text("")

    def grade_into(json_file: Path | None, html_file: Path | None) -> str:
        out = io.StringIO()
        quiet = Console(file=io.StringIO())
        session.grade_and_report(hand_in, "toy", json_file, html_file, "student", 1, False, Console(file=out), quiet)
        return out.getvalue()

    return grade_into


def test_table_result_and_report_say_the_same(grade, tmp_path):
    table = grade(tmp_path / "new" / "r.json", tmp_path / "new" / "r.html")
    result = json.loads((tmp_path / "new" / "r.json").read_bytes())
    assert (result["verdict"], result["seed"], result["score"]) == ("graded", 1, 12.0)
    assert result["headline"] in table
    assert result["headline"] in (tmp_path / "new" / "r.html").read_text()


def test_a_folder_that_cannot_be_made_is_known_before_anything_is_graded(grade, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "Grader", None)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        grade(None, tmp_path / "file" / "deep" / "r.html")


@pytest.fixture
def full_disk(monkeypatch):
    """`full_disk(calls)`: writing the result fails at these calls, counted from 1."""

    def fill(calls: range) -> list[bytes]:
        tried: list[bytes] = []

        def replace(path: Path, content: bytes) -> None:
            tried.append(content)
            if len(tried) in calls:
                raise OSError(28, "No space left on device")
            path.write_bytes(content)

        monkeypatch.setattr(session, "replace_file", replace)
        return tried

    return fill


def test_a_disk_that_is_full_for_a_while_costs_nothing(grade, full_disk, tmp_path):
    tried = full_disk(range(3, 8))
    table = grade(tmp_path / "r.json", None)
    assert json.loads((tmp_path / "r.json").read_bytes())["score"] == 12.0
    assert "12 of 10 points" in table
    assert len(tried) > 8


def test_a_disk_that_stays_full_leaves_the_last_whole_file_and_the_table(grade, full_disk, tmp_path):
    full_disk(range(4, 1000))
    with pytest.raises(OSError, match="No space left"):
        grade(tmp_path / "r.json", None)
    result = json.loads((tmp_path / "r.json").read_bytes())
    assert result["verdict"] == "could_not_grade"
    assert "interrupted" in result["headline"]


def test_a_disk_that_is_full_from_the_start_is_known_before_anything_is_graded(grade, full_disk, tmp_path):
    tried = full_disk(range(1, 1000))
    with pytest.raises(OSError, match="No space left"):
        grade(tmp_path / "r.json", None)
    assert len(tried) == 2  # the first, and the one that says why
    assert not (tmp_path / "r.json").exists()
