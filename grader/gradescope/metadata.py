"""What Gradescope tells of a hand-in, in submission_metadata.json: when, by whom, and what came before.

The file's format may change, by its own documentation, so nothing here is required: what is missing or looks wrong is
left out, and grading goes on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

MAX_BYTES = 64 << 20  # it holds the results of every earlier hand-in


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier hand-in of the same student or group.

    Attributes:
        at: When it was handed in, or None.
        score: As Gradescope counts it, or None.
        results: The results.json of that time; {} where there was none.
    """

    at: datetime | None = None
    score: float | None = None
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        """Whether every test ran to its end, so that it counts against the limit of a day."""
        data = self.results.get("extra_data")
        return isinstance(data, dict) and data.get("run") == "full" and data.get("verdict") == "graded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """A hand-in.

    Attributes:
        at: When it was handed in, or None.
        due: When it was due, or None.
        late_due: The end of the late period, or None.
        names: Of those who handed it in; several in a group.
        earlier: Oldest first.
    """

    at: datetime | None = None
    due: datetime | None = None
    late_due: datetime | None = None
    names: tuple[str, ...] = ()
    earlier: tuple[Earlier, ...] = ()

    @property
    def late_by(self) -> timedelta | None:
        """How long after the due date it came; None where it is in time, or nothing is known."""
        if self.at is None or self.due is None or self.at <= self.due:
            return None
        return self.at - self.due

    @property
    def full_runs_today(self) -> int:
        """Earlier full runs of the same day. A day begins at midnight where the course is, as the time stamp says."""
        if self.at is None:
            return 0
        zone, day = self.at.tzinfo, self.at.date()
        return sum(one.is_full and one.at is not None and one.at.astimezone(zone).date() == day for one in self.earlier)

    @property
    def last_full_run(self) -> Earlier | None:
        """The latest full run, which a run of the public tests alone goes on from."""
        return next((one for one in reversed(self.earlier) if one.is_full), None)


def read_metadata(path: Path) -> Metadata:
    """Reads submission_metadata.json; what can't be read is left out."""
    try:
        with path.open("rb") as file:
            table = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return Metadata()
    if not isinstance(table, dict):
        return Metadata()
    assignment = _table(table.get("assignment"))
    return Metadata(
        at=_time(table.get("created_at")),
        due=_time(assignment.get("due_date")),
        late_due=_time(assignment.get("late_due_date")),
        names=tuple(name for user in _tables(table.get("users")) if isinstance(name := user.get("name"), str)),
        earlier=_earlier(_tables(table.get("previous_submissions"))),
    )


def _earlier(entries: list[dict[str, Any]]) -> tuple[Earlier, ...]:
    found = [
        Earlier(at=_time(entry.get("submission_time")), score=_number(entry.get("score")), results=_table(results))
        for entry in entries
        for results in (entry.get("results"),)
    ]
    first = datetime.min.replace(tzinfo=timezone.utc)
    return tuple(sorted(found, key=lambda one: one.at or first))


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    """A number, also one in quotes, as Gradescope writes some."""
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _time(value: Any) -> datetime | None:
    """An ISO 8601 time with its zone; without one it could not be compared with the others."""
    try:
        found = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except (AttributeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
