"""Cases -> scores, tiers and the one sentence that names the root cause."""

from __future__ import annotations

from collections.abc import Sequence

from grader.catalog import IMPORT_TASK, Assignment
from grader.records import Case, Kind, Status, TaskScore, TierResult

# What a first failure is called in the headline, after "Task 2.1 (The LSTM cell) ".
_CAUSES: dict[str, str] = {
    "open": "is still open",
    "missing": "lacks a name that the handout fixes",
    "signature": "has a name that can't be called as the handout fixes it",
    "forbidden": "uses a package that is not allowed",
    "raised": "raises an error",
    "time": "takes too long",
    "memory": "needs too much memory",
    "died": "ends the process that runs it",
    "wrong": "gives a wrong answer",
}
_NO_ANSWER: frozenset[Kind] = frozenset({"open", "missing", "import", "signature"})
_UNUSABLE: tuple[Kind, ...] = ("import", "missing", "waits")  # how tests end where a module can't be imported


def question_cases(assignment: Assignment) -> list[Case]:
    """The written questions: their points come from a person."""
    return [
        Case(
            id=question.id,
            task=question.id,
            title=question.title,
            tier=assignment.tiers[0],
            status="awaiting_review",
            score=0.0,
            max_score=question.points,
            visibility="visible",
        )
        for question in assignment.questions
    ]


def total(cases: Sequence[Case]) -> float:
    """Automatic points, bonus included."""
    return round(sum(case.score for case in cases if case.status != "awaiting_review"), 6)


def task_scores(assignment: Assignment, cases: Sequence[Case]) -> tuple[TaskScore, ...]:
    """One line a task, in the order of the handout."""
    scores = []
    for task in assignment.tasks.values():
        own = [case for case in cases if case.task == task.id]
        if own:
            scores.append(
                TaskScore(
                    id=task.id,
                    title=task.title,
                    tier=task.tier,
                    score=round(sum(case.score for case in own), 6),
                    max_score=round(sum(case.max_score for case in own), 6),
                    status=_worst([case.status for case in own]),
                )
            )
    return tuple(scores)


def tier_results(assignment: Assignment, cases: Sequence[Case]) -> tuple[TierResult, ...]:
    """Which tiers are reached: every test of the tier, and of those before it, passed."""
    results: list[TierResult] = []
    so_far = True
    for tier in assignment.tiers:
        so_far = so_far and _all_passed(cases, tier)
        results.append(TierResult(name=tier, reached=so_far))
    results.extend(TierResult(name=tier, reached=_all_passed(cases, tier)) for tier in assignment.bonus_tiers)
    return tuple(results)


def reached_tier(assignment: Assignment, results: Sequence[TierResult]) -> str | None:
    """The highest tier reached, bonus apart."""
    reached = [result.name for result in results if result.reached and result.name in assignment.tiers]
    return reached[-1] if reached else None


def headline(assignment: Assignment, cases: Sequence[Case], changed_signatures: Sequence[str] = ()) -> str:
    """One sentence: the first cause and what waits for it, or that all is well."""
    failures = [case for case in cases if case.status in ("failed", "not_run")]
    ours = sum(case.status == "could_not_check" for case in cases)
    sentences = [f"{_tests(ours)} could not be checked; that is not your fault."] if ours else []
    if failures:
        sentences.insert(0, _first_cause(assignment, failures))
        if not ours and all(case.tier in assignment.bonus_tiers for case in failures):
            sentences.insert(0, "Every test outside the bonus passes.")
        if changed_signatures:
            sentences.append(f"A signature differs from the handout: {changed_signatures[0]}.")
    return " ".join(sentences) or "Every test passes."


def _first_cause(assignment: Assignment, failures: Sequence[Case]) -> str:
    causes = [case for case in failures if case.status == "failed"]
    if not causes:  # all wait for a test that could not be checked, or the time was used up
        return f"{_tests(len(failures))} could not run: {failures[0].message}"
    for case in causes:
        if case.kind == "import" or case.task == IMPORT_TASK:
            others = [
                failure
                for failure in failures
                if failure.task != IMPORT_TASK and failure.kind in (case.kind, *_UNUSABLE)
            ]
            return f"{case.message.rstrip('.')}.{_waiting(len(others), 'could not run')}"
    first = causes[0]
    task = assignment.tasks[first.task]
    name = f"Task {task.id} ({task.title})"
    if first.kind == "open":
        return f"Start with task {task.id} ({task.title}): it is still open.{_others_open(assignment, causes, task.id)}"
    waiting = [case for case in failures if case.cause == task.id and case.task != task.id]
    if first.kind in _NO_ANSWER or waiting:
        return f"{name} {_CAUSES[first.kind]}.{_waiting(len(waiting), 'wait for it')}"
    return f"{name} {_CAUSES[first.kind]}: see “{first.title}”."


def _others_open(assignment: Assignment, causes: Sequence[Case], first: str) -> str:
    still_open = {case.task for case in causes if case.kind == "open"} - {first}
    listed = [task for task in assignment.tasks if task in still_open]
    if not listed:
        return ""
    verb = "is" if len(listed) == 1 else "are"
    return f" So {verb} {', '.join(listed)}."


def _waiting(count: int, what: str) -> str:
    if count == 0:
        return ""
    verb = what.replace("wait ", "waits ") if count == 1 else what
    return f" {_tests(count)} {verb}."


def _tests(count: int) -> str:
    return f"{count} test" if count == 1 else f"{count} tests"


def _all_passed(cases: Sequence[Case], tier: str) -> bool:
    own = [case for case in cases if case.tier == tier and case.status != "awaiting_review"]
    return bool(own) and all(case.status == "passed" for case in own)


def _worst(statuses: Sequence[Status]) -> Status:
    return min(statuses, key=("could_not_check", "failed", "not_run", "passed", "awaiting_review").index)
