"""Markers against assignment.toml, and cases -> scores, tiers and headline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.errors import InvalidAssignment
from grader.grading import scoring
from grader.grading.events import kind_of
from grader.grading.marks import check_points, read_mark
from grader.records import Case

SUITE = """
import pytest

@pytest.mark.task({arguments})
def test_it():
    {docstring}
"""


@pytest.fixture
def mark_of(pytester_like, toy):
    def read(arguments: str, docstring: str = '"""A title."""'):
        return read_mark(pytester_like(SUITE.format(arguments=arguments, docstring=docstring)), toy)

    return read


@pytest.fixture
def pytester_like(request, tmp_path):
    """Collects one test from a source text, without running it."""

    def collect(source: str) -> pytest.Item:
        path = tmp_path / "test_one.py"
        path.write_text(source)
        module = pytest.Module.from_parent(request.session, path=path)
        (item,) = module.collect()
        return item

    return collect


def test_a_marker_takes_tier_and_limit_from_its_task(mark_of):
    mark = mark_of("'1.1', points=2")
    assert (mark.task, mark.points, mark.tier, mark.visibility, mark.limit_s) == ("1.1", 2.0, "pass", "hidden", 1.0)
    assert (mark.title, mark.case_id) == ("A title", "test_one.py::test_it")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "has no @pytest.mark.task"),
        ("'9.9', points=1", "unknown task '9.9'"),
        ("'1.1', points=1, tier='gold'", "unknown tier 'gold'"),
        ("'1.1', points=1, visibility='secret'", "unknown visibility 'secret'"),
        ("'1.1', points=1, behind='9.9'", "behind the unknown task '9.9'"),
        ("'1.1', points=1, colour='red'", "unknown keys colour"),
    ],
)
def test_a_wrong_marker_is_refused(mark_of, arguments, words):
    with pytest.raises(InvalidAssignment, match=words):
        mark_of(arguments)


def test_a_test_without_a_title_is_refused(mark_of):
    with pytest.raises(InvalidAssignment, match="no docstring"):
        mark_of("'1.1', points=1", "pass")


def test_two_tests_of_one_id_are_refused(mark_of, toy):
    mark = mark_of("'1.1', points=2")
    whole = replace(toy, tasks={"1.1": toy.tasks["1.1"]})
    with pytest.raises(InvalidAssignment, match="two tests have the same id"):
        check_points([mark, mark], whole)


def test_points_must_add_up(mark_of, toy):
    with pytest.raises(InvalidAssignment, match=r"tests of task 1\.1 add up to 2 points; assignment\.toml says 4"):
        check_points([mark_of("'1.1', points=2")], toy)


def make_case(task: str, status: str = "passed", kind: str = "passed", **fields: object) -> Case:
    tier = {"3.1": "bonus"}.get(task, "pass")
    values = {
        "id": f"test_toy.py::test_{task}",
        "title": "A title",
        "tier": tier,
        "score": 0.0,
        "max_score": 1.0,
        **fields,
    }
    return Case(task=task, status=status, kind=kind, **values)  # type: ignore[arg-type]


def test_a_tier_needs_every_test_of_it_and_of_those_before(toy):
    cases = [
        make_case("1.1"),
        make_case("1.2", "failed", "wrong"),
        make_case("2.1", tier="outstanding"),
        make_case("3.1"),
    ]
    results = scoring.tier_results(toy, cases)
    assert [(result.name, result.reached) for result in results] == [
        ("pass", False),
        ("outstanding", False),
        ("bonus", True),
    ]
    assert scoring.reached_tier(toy, results) is None


def test_written_answers_are_apart_from_the_total(toy):
    assert scoring.total([make_case("1.1", score=2.0), *scoring.question_cases(toy)]) == 2.0


def test_what_the_kit_could_not_check_is_no_fault_in_the_headline(toy):
    headline = scoring.headline(toy, [make_case("1.1", "could_not_check", "ours")])
    assert headline == "1 test could not be checked; that is not your fault."


def test_what_the_kit_could_not_check_is_told_beside_what_failed(toy):
    cases = [make_case("1.1", "failed", "wrong"), make_case("1.2", "could_not_check", "ours")]
    assert scoring.headline(toy, cases).endswith("“A title”. 1 test could not be checked; that is not your fault.")


def test_only_tests_that_an_import_stops_are_counted_with_it(toy):
    message = "Importing `numbers_.py` failed with SyntaxError: invalid syntax (numbers_.py, line 1)"
    cases = [
        make_case("0", "failed", "import", message=message),
        make_case("1.1", "failed", "import"),
        make_case("1.2", "failed", "wrong"),
        make_case("2.1", "not_run", "waits", cause="1.1"),
    ]
    assert scoring.headline(toy, cases) == f"{message}. 2 tests could not run."


def test_a_test_that_the_time_did_not_reach_is_no_slow_task(toy):
    message = "The 60 s for the whole grading were used up before this test."
    cases = [make_case("1.1"), make_case("1.2", "not_run", "time", message=message)]
    assert scoring.headline(toy, cases) == f"1 test could not run: {message}"


def test_an_open_bonus_is_no_flaw_of_the_rest(toy):
    cases = [make_case("1.1"), make_case("3.1", "failed", "open")]
    headline = scoring.headline(toy, cases)
    assert headline == "Every test outside the bonus passes. Start with task 3.1 (More): it is still open."


@pytest.mark.parametrize(
    "kind", ["wrong", "open", "missing", "import", "signature", "raised", "time", "memory", "died"]
)
def test_every_kind_of_failure_has_a_headline(toy, kind):
    assert "1.1" in scoring.headline(toy, [make_case("1.1", "failed", kind, message="task 1.1")])


def test_the_first_wrong_answer_is_the_headline(toy):
    cases = [
        make_case("1.1"),
        make_case("1.2", "failed", "wrong", title="Four halved is two"),
        make_case("2.1", "failed", "wrong"),
    ]
    assert scoring.headline(toy, cases) == "Task 1.2 (Halving) gives a wrong answer: see “Four halved is two”."


def test_a_changed_signature_is_in_the_headline(toy):
    cases = [make_case("1.2", "failed", "signature")]
    headline = scoring.headline(toy, cases, ["`halve(y)` in numbers_.py; the handout fixes `(x)`"])
    assert "can't be called as the handout fixes it" in headline
    assert "halve(y)" in headline


def test_an_unknown_student_error_counts_as_raised():
    from grader.errors import StudentError

    assert kind_of(StudentError("x")) == "raised"
