from __future__ import annotations

from dataclasses import replace

from grader.records import Case, SubmissionInfo, SubmissionResult, TaskScore
from grader.report.outline import outline
from tests.report import samples


def case(name: str, task: str = "1", **changes: object) -> Case:
    plain = Case(id=name, task=task, title=name, tier="pass", status="passed", score=1, max_score=1, kind="passed")
    return replace(plain, **changes)


def result(*cases: Case, tasks: tuple[TaskScore, ...] = (), **changes: object) -> SubmissionResult:
    info = SubmissionInfo(path="a.zip", sha256="")
    plain = SubmissionResult(
        assignment="a", assignment_title="A", submission=info, verdict="graded", headline="", cases=cases, tasks=tasks
    )
    return replace(plain, **changes)


def wrong(name: str, message: str, **changes: object) -> Case:
    return case(name, status="failed", kind="wrong", score=0, message=message, **changes)


def test_tasks_keep_the_order_of_the_handout_with_imports_first() -> None:
    read = outline(samples.right())
    assert [item.task.id for item in read.tasks] == ["0", *samples.ASSIGNMENT.tasks]
    assert read.tasks[0].task.title == "The modules can be imported"


def test_written_questions_are_apart_from_tasks() -> None:
    read = outline(samples.right())
    assert [question.id for question in read.questions] == ["Q1", "Q2", "Q3"]
    assert read.points_awaiting_review == 6


def test_a_question_that_is_a_task_only_is_still_a_question() -> None:
    task = TaskScore(id="Q1", title="Why", tier="pass", score=0, max_score=3, status="awaiting_review")
    read = outline(result(tasks=(task,)))
    assert not read.tasks
    assert [(question.id, question.points) for question in read.questions] == [("Q1", 3)]
    assert read.points_awaiting_review == 3


def test_cases_of_an_unknown_task_are_not_lost() -> None:
    read = outline(result(case("a", "9.9"), wrong("b", "no", task="9.9")))
    (item,) = read.tasks
    assert (item.task.id, item.task.status, item.task.score, item.task.max_score) == ("9.9", "failed", 1, 2)


def test_the_same_reason_is_told_once() -> None:
    (item,) = outline(result(wrong("a", "same"), wrong("b", "other"), wrong("c", "same"))).tasks
    assert [[found.id for found in finding.cases] for finding in item.open] == [["a", "c"], ["b"]]


def test_cases_with_output_of_their_own_or_without_a_reason_stay_apart() -> None:
    (item,) = outline(result(wrong("a", "same", output="1"), wrong("b", "same"), wrong("c", ""), wrong("d", ""))).tasks
    assert [finding.count for finding in item.open] == [1, 1, 1, 1]


def test_partial_credit_counts_as_open_whatever_its_status() -> None:
    (item,) = outline(result(case("a", score=0.5))).tasks
    assert not item.passed
    assert item.open[0].mark.word == "partly passed"


def test_a_task_nobody_has_begun_is_open_not_failed() -> None:
    marks = {item.task.id: item.mark.word for item in outline(samples.blank()).tasks}
    assert marks["2.1"] == "still open"
    assert marks["3.1"] == "not run"
    begun = outline(result(case("a"), wrong("b", "Task 1 is still open.", max_score=0))).tasks[0]
    assert begun.mark.word == "failed"


def test_points_that_could_not_be_checked_are_summed() -> None:
    assert outline(samples.buggy()).points_not_checked == 2
    assert outline(samples.right()).points_not_checked == 0


def test_a_tier_counts_its_own_open_tests() -> None:
    tiers = {tier.name: tier for tier in outline(samples.buggy()).tiers}
    assert tiers["pass"].open_tests == sum(
        entry.tier == "pass" and entry.status not in ("passed", "awaiting_review") for entry in samples.buggy().cases
    )
    assert [tier.open_tests for tier in outline(samples.right()).tiers] == [0, 0, 0]
