"""A result in the order in which a person reads it: tasks, what is open in each, and what a person still marks.

Both the HTML report and the terminal walk along this outline, so they never disagree on what counts as open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from grader.catalog import IMPORT_TASK
from grader.records import Case, Status, SubmissionResult, TaskScore
from grader.report.text import STILL_OPEN, Mark, mark_of


@dataclass(frozen=True)
class Finding:
    """Cases of one task that did not pass for the same reason, told once."""

    mark: Mark
    cases: tuple[Case, ...]

    @property
    def message(self) -> str:
        return self.cases[0].message

    @property
    def count(self) -> int:
        return len(self.cases)

    @property
    def cause(self) -> str:
        return self.cases[0].cause

    @property
    def hint(self) -> str:
        return self.cases[0].hint


@dataclass(frozen=True)
class TaskOutline:
    """One task: what to look at, what did not run, what passed."""

    task: TaskScore
    open: tuple[Finding, ...]
    not_run: tuple[Finding, ...]
    passed: tuple[Case, ...]

    @property
    def mark(self) -> Mark:
        if self.open and not self.passed and all(finding.mark == STILL_OPEN for finding in self.open):
            return STILL_OPEN
        return mark_of(self.task)

    @property
    def checked(self) -> bool:
        """Whether the grading came to any verdict on it."""
        return bool(self.passed) or any(
            finding.mark.key != "could-not-check" for finding in (*self.open, *self.not_run)
        )


@dataclass(frozen=True)
class Question:
    """A written answer that waits for its mark."""

    id: str
    title: str
    points: float


@dataclass(frozen=True)
class TierOutline:
    """A tier and how many tests of its own it still asks for."""

    name: str
    reached: bool
    open_tests: int


@dataclass(frozen=True)
class Outline:
    """The whole result, as it is read.

    Attributes:
        points_awaiting_review: The result's own figure, or the sum of the questions where that is larger.
        points_not_checked: Points that nobody could check, which is the kit's fault.
    """

    tasks: tuple[TaskOutline, ...]
    tiers: tuple[TierOutline, ...]
    questions: tuple[Question, ...]
    points_awaiting_review: float
    points_not_checked: float


def outline(result: SubmissionResult) -> Outline:
    """Sorts the cases of a result under their tasks, and the written questions apart from both."""
    automatic = [case for case in result.cases if case.status != "awaiting_review"]
    questions = _questions(result)
    return Outline(
        tasks=tuple(
            _task(task, [case for case in automatic if case.task == task.id]) for task in _tasks(result, automatic)
        ),
        tiers=tuple(
            TierOutline(tier.name, tier.reached, sum(case.tier == tier.name and not _done(case) for case in automatic))
            for tier in result.tiers
        ),
        questions=questions,
        points_awaiting_review=max(result.points_awaiting_review, sum(question.points for question in questions)),
        points_not_checked=sum(case.max_score - case.score for case in automatic if case.status == "could_not_check"),
    )


def _done(case: Case) -> bool:
    return case.status == "passed" and case.score >= case.max_score


def _tasks(result: SubmissionResult, automatic: list[Case]) -> list[TaskScore]:
    """The tasks of the handout; before and after them what belongs to none of them, the imports for one."""
    declared = [task for task in result.tasks if task.status != "awaiting_review"]
    known = {task.id for task in declared}
    others: dict[str, list[Case]] = {}
    for case in automatic:
        if case.task not in known:
            others.setdefault(case.task, []).append(case)
    extra = [_stand_in(task_id, cases) for task_id, cases in others.items()]
    first = [task for task in extra if task.id == IMPORT_TASK]
    return first + declared + [task for task in extra if task.id != IMPORT_TASK]


def _stand_in(task_id: str, cases: list[Case]) -> TaskScore:
    statuses: dict[Status, int] = {case.status: 1 for case in cases if not _done(case)}
    order: tuple[Status, ...] = ("failed", "could_not_check", "not_run")
    return TaskScore(
        id=task_id,
        title="The modules can be imported" if task_id == IMPORT_TASK else "Other tests",
        tier=cases[0].tier,
        score=sum(case.score for case in cases),
        max_score=sum(case.max_score for case in cases),
        status=next((status for status in order if status in statuses), "passed"),
    )


def _task(task: TaskScore, cases: list[Case]) -> TaskOutline:
    return TaskOutline(
        task=task,
        open=_findings([case for case in cases if not _done(case) and case.status != "not_run"]),
        not_run=_findings([case for case in cases if case.status == "not_run"]),
        passed=tuple(case for case in cases if _done(case)),
    )


def _findings(cases: list[Case]) -> tuple[Finding, ...]:
    """Joins neighbours and others with the same words, so that one open TODO isn't told six times."""
    joined: dict[tuple[str, ...], list[Case]] = {}
    # What a test looks at helps nobody before there is code; the TODO has hints of its own.
    for case in (replace(case, hint="") if case.kind == "open" else case for case in cases):
        # What one case printed or met belongs to that case alone.
        alone = case.output or case.detail or not case.message
        key = (mark_of(case).key, case.message, case.hint, case.cause, case.id if alone else "")
        joined.setdefault(key, []).append(case)
    return tuple(Finding(mark_of(group[0]), tuple(group)) for group in joined.values())


def _questions(result: SubmissionResult) -> tuple[Question, ...]:
    waiting = {
        case.id: Question(case.id, case.title, case.max_score)
        for case in result.cases
        if case.status == "awaiting_review"
    }
    covered = {case.task for case in result.cases} | set(waiting)
    for task in result.tasks:
        if task.status == "awaiting_review" and task.id not in covered:
            waiting[task.id] = Question(task.id, task.title, task.max_score)
    return tuple(waiting.values())
