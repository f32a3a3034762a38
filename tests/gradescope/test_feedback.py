"""Who sees what: results.json made from results of grading."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from grader.assignment import Assignment, Gradescope
from grader.gradescope.feedback import NOT_YOUR_FAULT, Run, broken_down, make_results
from grader.gradescope.metadata import Earlier, Metadata
from grader.gradescope.results import to_json
from grader.records import Case, SubmissionResult
from tests.gradescope.conftest import accepted
from tests.report import samples

NOON = datetime(2026, 3, 4, 12, tzinfo=timezone(timedelta(hours=-8)))
SAMPLES = (
    *(samples.right, samples.blank, samples.buggy, samples.hostile),
    *(samples.could_not_grade, samples.interrupted),
)


def written(result: SubmissionResult, **run: Any) -> dict[str, Any]:
    return accepted(make_results(result, Run(**{"assignment": samples.ASSIGNMENT, **run})))


def with_settings(**settings: Any) -> Assignment:
    return replace(samples.ASSIGNMENT, gradescope=Gradescope(**settings))


def named(table: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [test for test in table["tests"] if test["name"] == name]
    return found


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)
def test_every_kind_of_result_is_accepted_and_keeps_its_score(sample):
    result = sample()
    table = written(result)
    assert table["score"] == pytest.approx(result.score)
    points = sum(test.get("score", 0) for test in table["tests"])
    assert points == pytest.approx(table["score"])


def test_hidden_tests_are_seen_when_assignment_toml_says_so():
    for when in ("after_due_date", "after_published", "hidden"):
        table = written(samples.blank(), assignment=with_settings(hidden_tests=when))
        assert {test["visibility"] for test in table["tests"]} == {"visible", when}


@pytest.mark.parametrize("sample", [samples.right, samples.buggy, samples.blank], ids=lambda sample: sample.__name__)
def test_what_is_always_visible_is_the_same_whatever_hidden_tests_found(sample):
    """Else the text above the tests would tell what Gradescope still hides."""
    result = sample()

    def turned(case: Case) -> Case:
        if case.visibility == "visible" or case.status == "awaiting_review":
            return case
        status, score = ("failed", 0.0) if case.status == "passed" else ("passed", case.max_score)
        return replace(case, status=status, score=score, kind="wrong", message="A secret", hint="A secret")

    other = replace(
        result, cases=tuple(map(turned, result.cases)), headline="A secret", score=3.0, tier=None, tiers=(), tasks=()
    )
    first, second = written(result), written(other)
    assert first["output"] == second["output"]
    assert [test for test in first["tests"] if test["visibility"] == "visible"] == [
        test for test in second["tests"] if test["visibility"] == "visible"
    ]


def test_the_whole_is_summed_up_where_hidden_tests_are_seen():
    summary = named(written(samples.buggy()), "Summary of all tests")
    assert summary["visibility"] == "after_due_date"
    assert "score" not in summary
    assert samples.buggy().headline.split("“")[0].strip() in summary["output"]
    assert "Tier pass: not reached" in summary["output"]


def test_what_we_could_not_check_gets_neither_zero_nor_a_failure():
    result = samples.right()
    case = replace(result.cases[5], status="could_not_check", kind="ours", score=0.0, message="Ours.", detail="no disk")
    table = written(replace(result, cases=(*result.cases[:5], case, *result.cases[6:])))
    test = named(table, case.title)
    assert not {"score", "max_score", "status"} & set(test)
    assert "no disk" not in str([one for one in table["tests"] if one["visibility"] != "hidden"])
    assert "no disk" in named(table, "For the staff")["output"]


def test_could_not_grade_blames_nobody_and_tells_the_staff_why():
    result = samples.could_not_grade()
    table = written(result)
    assert NOT_YOUR_FAULT.split(",")[0] in table["output"]
    assert result.headline not in table["output"]
    staff = named(table, "For the staff")
    assert staff["visibility"] == "hidden"
    assert result.headline[:30] in staff["output"]


def test_where_all_is_well_nothing_stays_hidden_that_would_hide_the_total():
    assert all(test["name"] != "For the staff" for test in written(samples.blank())["tests"])


def test_an_interrupted_grading_keeps_what_was_earned():
    result = samples.interrupted()
    table = written(result)
    ended = [case for case in result.cases if case.status == "passed"]
    assert table["score"] == pytest.approx(sum(case.score for case in ended))
    assert [test["status"] for test in table["tests"] if "status" in test].count("passed") == len(ended)
    assert NOT_YOUR_FAULT.split(",")[0] in table["output"]


def test_what_a_submission_says_is_escaped_everywhere():
    result = samples.right()
    nasty = "<script>alert(1)</script>\x1b[31m‮ & [link](javascript:1)"
    case = replace(result.cases[4], status="failed", kind="wrong", message=nasty, hint=nasty, output=nasty, score=0.0)
    note = replace(result.notes[0], text=nasty) if result.notes else samples.Note(text=nasty)
    changed = replace(result, cases=(case,), headline=nasty, notes=(note,), detail=nasty, verdict="could_not_grade")
    text = to_json(make_results(changed, Run(assignment=samples.ASSIGNMENT))).decode()
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "\\u001b" not in text.replace("\\\\", "")
    assert "&lt;script&gt;" in text


def test_tests_carry_number_tier_and_task():
    table = written(samples.right())
    first, second = [test for test in table["tests"] if test.get("number", "").startswith("1.1.")][:2]
    assert (first["number"], second["number"]) == ("1.1.1", "1.1.2")
    assert first["tags"] == ["pass", "task 1.1"]


def test_standard_output_of_hidden_tests_is_not_shown():
    result = samples.right()
    hidden = next(case for case in result.cases if case.visibility == "hidden")
    case = replace(hidden, status="failed", kind="wrong", message="No.", score=0.0, output="printed inputs")
    assert (
        "printed inputs"
        not in to_json(make_results(replace(result, cases=(case,)), Run(assignment=samples.ASSIGNMENT))).decode()
    )


def test_the_leaderboard_lists_what_was_measured():
    result = replace(samples.right(), measures={"accuracy": 0.97123456, "training_s": 12.5})
    wanted = with_settings(leaderboard={"accuracy": "desc", "training_s": "asc", "other": "asc"})
    assert written(result, assignment=wanted)["leaderboard"] == [
        {"name": "accuracy", "value": 0.9712, "order": "desc"},
        {"name": "training_s", "value": 12.5, "order": "asc"},
    ]
    assert "leaderboard" not in written(result, assignment=with_settings())
    assert "leaderboard" not in written(replace(result, verdict="could_not_grade"), assignment=wanted)


def test_extra_data_say_what_it_ran_on():
    data = written(samples.right())["extra_data"]
    assert data["sandbox_tier"] == samples.right().sandbox_tier
    assert data["environment"]["packages"]["numpy"]
    assert (data["run"], data["verdict"], data["tier"]) == ("full", "graded", "outstanding")


# -- late, groups, earlier hand-ins, the limit of a day --


def test_late_hand_ins_and_groups_are_shown():
    metadata = Metadata(
        at=NOON,
        due=NOON - timedelta(hours=3, minutes=12),
        late_due=NOON + timedelta(hours=1),
        names=("First <b>", "Second"),
        earlier=(Earlier(at=NOON - timedelta(days=1), score=41.5),),
    )
    table = written(samples.right(), metadata=metadata)
    assert "Handed in 3 h 12 min after the due date, inside the late period." in table["output"]
    assert "First &lt;b&gt;, Second" in table["output"]
    assert "This is hand-in number 2." in table["output"]
    assert "41.5" not in table["output"]  # it speaks of hidden tests
    assert "41.5 points" in named(table, "Summary of all tests")["output"]


@pytest.mark.parametrize(
    ("due", "late_due", "words"),
    [
        (timedelta(days=1, minutes=1), None, "1 d 1 min after the due date."),
        (timedelta(seconds=1), None, "1 min after the due date."),
        (timedelta(hours=2), timedelta(hours=1), "2 h after the due date, and after the end of the late period."),
    ],
)
def test_how_late_is_said_in_words(due, late_due, words):
    metadata = Metadata(at=NOON, due=NOON - due, late_due=late_due and NOON - late_due)
    assert words in written(samples.right(), metadata=metadata)["output"]


def test_in_time_and_alone_nothing_is_said():
    output = written(samples.right(), metadata=Metadata(at=NOON, due=NOON + timedelta(days=1), names=("One",)))[
        "output"
    ]
    assert "due date" not in output.replace("after the due date", "", 1)
    assert "group" not in output
    assert "hand-in number" not in output


def public_part(result: SubmissionResult) -> SubmissionResult:
    cases = tuple(case for case in result.cases if case.visibility == "visible")
    score = sum(case.score for case in cases if case.status != "awaiting_review")
    return replace(result, cases=cases, score=score)


def limited_run(results: dict[str, Any] | None) -> Run:
    earlier = (Earlier(at=NOON - timedelta(hours=1), score=9.0, results=results),) if results else ()
    assignment = with_settings(full_runs_per_day=1)
    return Run(assignment=assignment, metadata=Metadata(at=NOON, earlier=earlier), public_only=True)


def test_a_full_run_says_how_many_are_left():
    table = written(samples.right(), assignment=with_settings(full_runs_per_day=3), metadata=Metadata(at=NOON))
    assert "All tests run 3 times a day; 2 left today." in table["output"]


def test_past_the_limit_the_hidden_tests_of_the_last_full_run_stay():
    full = written(samples.buggy(), assignment=with_settings(full_runs_per_day=1))
    added = {"id": 5, "name_format": None}
    entries = [
        {**test, **added, **({"score": str(test["score"])} if "score" in test else {})} for test in full["tests"]
    ]
    run = limited_run(full | {"tests": entries})
    table = accepted(make_results(public_part(samples.right()), run))
    hidden = {
        test["name"]: test["score"]
        for test in full["tests"]
        if test["visibility"] == "after_due_date"
        if "score" in test
    }
    kept = {test["name"]: test["score"] for test in table["tests"] if "Not run today" in test.get("output", "")}
    assert kept == hidden
    public = sum(case.score for case in public_part(samples.right()).cases if case.status != "awaiting_review")
    assert table["score"] == pytest.approx(public + sum(hidden.values()))
    assert "4 March, 11:00 earned stays" in table["output"]
    assert table["extra_data"]["run"] == "public"
    assert table["extra_data"]["tier"] is None
    assert not [test for test in table["tests"] if test["name"] == "Summary of all tests"]


@pytest.mark.parametrize(
    "results", [None, {"tests": [{"name": 3}], "extra_data": {"run": "full", "verdict": "graded"}}]
)
def test_past_the_limit_without_a_readable_run_the_public_part_stands_alone(results):
    table = accepted(make_results(public_part(samples.right()), limited_run(results)))
    assert "Hand it in again tomorrow for the others." in table["output"]
    assert table["score"] == pytest.approx(public_part(samples.right()).score)


def test_a_run_that_broke_down_is_no_zero_in_words():
    table = accepted(broken_down("the disk is full <&>", "Traceback"))
    assert "not your fault" in table["output"]
    assert "disk" not in table["output"]
    assert "the disk is full &lt;&amp;&gt;" in table["tests"][0]["output"]
    assert table["tests"][0]["visibility"] == "hidden"
    assert table["extra_data"]["verdict"] == "could_not_grade"
