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
