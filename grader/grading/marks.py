"""The `task` marker: parsed once, and checked against assignment.toml before any test runs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from grader.catalog import IMPORT_TASK, Assignment
from grader.errors import InvalidAssignment
from grader.records import Case, Kind, Visibility


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What `@pytest.mark.task(...)` says of one test.

    Attributes:
        behind: Id of the task of which a behavioural test must have passed before this one counts.
        trained: Whether the test needs a training.
    """

    case_id: str
    task: str
    title: str
    points: float
    tier: str
    visibility: Visibility
    behind: str
    limit_s: float
    hint: str
    trained: bool

    def failed(self, kind: Kind, message: str, score: float = 0.0) -> Case:
        """The case of this test, failed."""
        return self.case(status="failed", kind=kind, score=score, message=message, hint=self.hint)

    def case(self, **outcome: Any) -> Case:
        """The case of this test with the fields of its outcome; not run where they name no status."""
        return Case(
            id=self.case_id,
            task=self.task,
            title=self.title,
            tier=self.tier,
            max_score=self.points,
            visibility=self.visibility,
            **{"status": "not_run", "score": 0.0, **outcome},
        )


def read_mark(item: pytest.Item, assignment: Assignment) -> Mark:
    """Reads the marker of one test.

    Raises:
        InvalidAssignment: The marker is missing, or names a task, tier, visibility or key that doesn't exist.
    """
    marker = item.get_closest_marker("task")
    where = f"{Path(str(item.path)).name}::{item.name}"
    if marker is None or len(marker.args) != 1:
        raise InvalidAssignment(f"{where} has no @pytest.mark.task(id, points=...)")
    (task_id,), options = marker.args, dict(marker.kwargs)
    task = assignment.tasks.get(task_id)
    if task is None and task_id != IMPORT_TASK:
        raise InvalidAssignment(f"{where} belongs to the unknown task {task_id!r}")
    tier = options.pop("tier", task.tier if task else assignment.tiers[0])
    if tier not in assignment.tiers + assignment.bonus_tiers:
        raise InvalidAssignment(f"{where} has the unknown tier {tier!r}")
    visibility = options.pop("visibility", "hidden")
    if visibility not in get_args(Visibility):
        raise InvalidAssignment(f"{where} has the unknown visibility {visibility!r}")
    behind = options.pop("behind", "")
    if behind and behind not in assignment.tasks:
        raise InvalidAssignment(f"{where} is behind the unknown task {behind!r}")
    mark = Mark(
        case_id=where,
        task=task_id,
        title=_title(item),
        points=float(options.pop("points", 0)),
        tier=tier,
        visibility=visibility,
        behind=behind,
        limit_s=float(options.pop("limit_s", assignment.limits.test_s)),
        hint=options.pop("hint", ""),
        trained="trained" in getattr(item, "fixturenames", ()),
    )
    if options:
        raise InvalidAssignment(f"{where}: @pytest.mark.task has the unknown keys {', '.join(sorted(options))}")
    return mark


def check_points(marks: list[Mark], assignment: Assignment) -> None:
    """Holds the sums of points, the ids and the titles of a whole suite against assignment.toml.

    Raises:
        InvalidAssignment: The points of a task's tests don't add up, or two tests have the same id.
    """
    sums: dict[str, float] = defaultdict(float)
    for mark in marks:
        sums[mark.task] += mark.points
    for task in assignment.tasks.values():
        if abs(sums[task.id] - task.points) > 1e-9:
            raise InvalidAssignment(
                f"{assignment.name}: the tests of task {task.id} add up to {sums[task.id]:g} points; "
                f"assignment.toml says {task.points:g}"
            )
    if len({mark.case_id for mark in marks}) != len(marks):
        raise InvalidAssignment(f"{assignment.name}: two tests have the same id")


def order(mark: Mark, assignment: Assignment) -> tuple[int, bool, bool]:
    """Sort key: tasks in their order, trained tests last in each, static checks after what they count behind."""
    position = -1 if mark.task == IMPORT_TASK else list(assignment.tasks).index(mark.task)
    behind = list(assignment.tasks).index(mark.behind) if mark.behind else position
    return max(position, behind), mark.trained, bool(mark.behind)


def _title(item: pytest.Item) -> str:
    docstring = getattr(getattr(item, "function", None), "__doc__", None)
    if not docstring:
        raise InvalidAssignment(f"{item.name} has no docstring; its first line is the title for the student")
    title = docstring.strip().splitlines()[0].rstrip(".")
    callspec = getattr(item, "callspec", None)
    return f"{title} [{callspec.id}]" if callspec else title
