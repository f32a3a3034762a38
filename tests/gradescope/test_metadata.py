"""What is read of submission_metadata.json, and what is left out."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from grader.gradescope.metadata import Metadata, read_metadata

FULL = {"extra_data": {"run": "full", "verdict": "graded"}}


@pytest.fixture
def read(tmp_path: Path):
    def write_and_read(table: Any) -> Metadata:
        place = tmp_path / "submission_metadata.json"
        place.write_text(table if isinstance(table, str) else json.dumps(table), encoding="utf-8")
        return read_metadata(place)

    return write_and_read


def hand_in(at: str = "2026-03-04T12:00:00.123456-08:00", **more: Any) -> dict[str, Any]:
    due = {"due_date": "2026-03-04T11:00:00.000000-08:00", "late_due_date": "2026-03-05T11:00:00.000000-08:00"}
    return {"id": 7, "created_at": at, "assignment": {**due, "total_points": "100.0"}, **more}


def test_lateness_is_counted_from_the_due_date(read):
    found = read(hand_in())
    assert found.late_by == timedelta(hours=1, microseconds=123456)
    assert read(hand_in("2026-03-04T10:59:59.000000-08:00")).late_by is None


def test_times_of_different_zones_are_compared_as_moments(read):
    assert read(hand_in("2026-03-04T18:30:00.000000+00:00")).late_by is None
    assert read(hand_in("2026-03-04T19:30:00Z")).late_by == timedelta(minutes=30)


def test_everybody_of_a_group_is_named(read):
    users = [{"name": "First", "email": "a@example.org", "id": 1}, {"name": "Second", "id": 2}, {"id": 3}]
    assert read(hand_in(users=users)).names == ("First", "Second")


def test_earlier_hand_ins_come_oldest_first_and_scores_may_be_in_quotes(read):
    entries = [
        {"submission_time": "2026-03-03T12:00:00.000000-08:00", "score": "7.5", "results": FULL},
        {"submission_time": "2026-03-02T12:00:00.000000-08:00", "score": 3.0, "results": {}},
        {"submission_time": "nonsense", "score": None, "results": None},
    ]
    found = read(hand_in(previous_submissions=entries))
    assert [one.score for one in found.earlier] == [None, 3.0, 7.5]
    assert found.last_full_run is not None
    assert found.last_full_run.score == 7.5


def test_only_full_and_graded_runs_of_the_same_day_count(read):
    def earlier(at: str, **data: str) -> dict[str, Any]:
        return {"submission_time": at, "results": {"extra_data": {"run": "full", "verdict": "graded", **data}}}

    entries = [
        earlier("2026-03-04T00:01:00.000000-08:00"),
        earlier("2026-03-04T09:00:00.000000-08:00"),
        earlier("2026-03-03T23:59:00.000000-08:00"),  # the day before
        earlier("2026-03-04T17:00:00.000000+00:00"),  # nine in the morning where the course is
        earlier("2026-03-04T10:00:00.000000-08:00", run="public"),
        earlier("2026-03-04T10:00:00.000000-08:00", verdict="could_not_grade"),  # our fault costs nobody a run
        {"submission_time": "2026-03-04T10:00:00.000000-08:00", "results": None},
    ]
    assert read(hand_in(previous_submissions=entries)).full_runs_today == 3


@pytest.mark.parametrize(
    "table",
    [
        "",
        "not json",
        "[]",
        "null",
        "[" * 100_000,
        {"assignment": 3, "users": "all", "previous_submissions": {"a": 1}},
        {"created_at": 5, "assignment": {"due_date": "soon"}, "users": [3], "previous_submissions": [4]},
        {"created_at": "2026-03-04T12:00:00", "users": [{"name": 3}], "previous_submissions": [{"score": []}]},
    ],
)
def test_what_cannot_be_read_is_left_out(read, table):
    found = read(table)
    assert (found.at, found.late_by, found.names, found.full_runs_today) == (None, None, (), 0)
    assert found.last_full_run is None


def test_no_file_is_no_metadata(tmp_path: Path):
    assert read_metadata(tmp_path / "absent.json") == Metadata()
