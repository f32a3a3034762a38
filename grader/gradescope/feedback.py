"""`SubmissionResult` -> `Results`: who sees what, and when.

Students see the public tests at once and hidden ones when assignment.toml says so. The text above the tests is always
visible, so it never speaks of what a hidden test found. A first entry without points, which becomes visible together
with the hidden tests, sums up the whole. Where something could not be graded, a last one for the staff alone says why;
since Gradescope shows students no total while an entry is hidden from them, there is none otherwise.

Everything that a submission has a say in is cleaned and escaped here: Gradescope shows HTML.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import msgspec

from grader.assignment import IMPORT_TASK, Assignment
from grader.gradescope.metadata import Metadata
from grader.gradescope.results import LeaderboardEntry, Results, Test, Visibility
from grader.grading import scoring
from grader.records import Case, SubmissionResult
from grader.report.text import MESSAGE_CHARS, OUTPUT_CHARS, clean_line, clean_text, counted, points

NOT_YOUR_FAULT = (
    "Your hand-in could not be graded completely. That is not your fault, and it is no mark: your instructor sees why, "
    "and can run the grading again."
)
_SEEN: dict[Visibility, str] = {
    "after_due_date": "you see their outcome after the due date",
    "after_published": "you see their outcome once the grades are published",
    "hidden": "your instructor sees their outcome",
}
_STAFF_CHARS = 20_000


@dataclass(frozen=True, kw_only=True)
class Run:
    """What kind of run this is.

    Attributes:
        public_only: Whether the limit of a day left the public tests alone.
    """

    assignment: Assignment
    metadata: Metadata = field(default_factory=Metadata)
    public_only: bool = False


def make_results(result: SubmissionResult, run: Run) -> Results:
    """The results.json of a grading, whole or not; truthful at any moment of it."""
    maker = _Maker(result, run)
    return Results(
        score=maker.score(),
        execution_time=round(result.duration_s, 3),
        output=maker.output(),
        tests=maker.tests(),
        leaderboard=maker.leaderboard() or msgspec.UNSET,
        extra_data=maker.extra_data(),
    )


def broken_down(reason: str, detail: str, run: Run | None = None) -> Results:
    """The results.json of a run that came to no result at all: nothing of it is the student's fault."""
    text = f"{reason}\n\n{detail}".strip()
    return Results(
        score=0.0,
        execution_time=0,
        output=_paragraph(NOT_YOUR_FAULT),
        tests=[_staff_test(text)],
        extra_data={"run": "public" if run and run.public_only else "full", "verdict": "could_not_grade"},
    )


class _Maker:
    """Sorts one result into what students see at once, what they see later, and what the staff sees."""

    def __init__(self, result: SubmissionResult, run: Run) -> None:
        self.result = result
        self.run = run
        self.assignment = run.assignment
        self.later = cast(Visibility, run.assignment.gradescope.hidden_tests)
        self.automatic = [case for case in result.cases if case.status != "awaiting_review"]
        self.public = [case for case in self.automatic if case.visibility == "visible"]
        self.kept = _kept_tests(run) if run.public_only else []

    def score(self) -> float:
        return round(scoring.total(self.automatic) + sum(_points_of(test) for test in self.kept), 6)

    def visibility(self, case: Case) -> Visibility:
        return self.later if case.visibility == "hidden" else case.visibility

    # -- tests -------------------------------------------------------------------------------------------------------

    def tests(self) -> list[Test]:
        numbers: Counter[str] = Counter()
        made = []
        for case in self.automatic:
            numbers[case.task] += 1
            made.append(self.test(case, f"{case.task}.{numbers[case.task]}"))
        summary = [self.summary()] if self.result.verdict == "graded" and not self.run.public_only else []
        ours = self.result.verdict == "could_not_grade" or any(
            case.status == "could_not_check" for case in self.automatic
        )
        staff = [_staff_test(staff_text(self.result, self.run.metadata))] if ours else []
        return [*summary, *made, *self.kept, *staff]

    def test(self, case: Case, number: str) -> Test:
        checked = case.status != "could_not_check"
        task = self.assignment.tasks.get(case.task)
        return Test(
            name=clean_line(case.title),
            number=number,
            visibility=self.visibility(case),
            # What we could not check is neither passed nor failed, and gets no zero.
            score=case.score if checked else msgspec.UNSET,
            max_score=case.max_score if checked else msgspec.UNSET,
            status=_status(case) if checked else msgspec.UNSET,
            output=_case_output(case) or msgspec.UNSET,
            tags=[case.tier, f"task {case.task}" if task or case.task != IMPORT_TASK else "imports"],
            extra_data={"id": case.id, "status": case.status, "duration_s": case.duration_s},
        )

    def summary(self) -> Test:
        """The whole in a few lines, shown when the hidden tests are."""
        result = self.result
        lines = [f"{points(result.score)} of {points(result.max_score)} points from tests.", result.headline]
        lines += [f"Tier {tier.name}: {'reached' if tier.reached else 'not reached'}." for tier in result.tiers]
        lines += self.earlier()
        return Test(
            name="Summary of all tests",
            number="0",
            visibility=self.later,
            output="".join(map(_paragraph, lines)),
            tags=[name for name in (result.tier,) if name],
        )

    def earlier(self) -> list[str]:
        """The hand-in before this one; its score speaks of hidden tests too, so it is told with them."""
        earlier = self.run.metadata.earlier
        if not earlier or earlier[-1].score is None:
            return []
        return [f"The hand-in before this one got {points(earlier[-1].score)} points."]

    # -- the text above ----------------------------------------------------------------------------------------------

    def output(self) -> str:
        paragraphs = [self.public_line(), *self.not_graded(), *self.hidden_line(), *self.limit_line()]
        if self.result.points_awaiting_review:
            waiting = points(self.result.points_awaiting_review)
            paragraphs.append(f"{waiting} further points are for written answers, which a person marks.")
        paragraphs += metadata_lines(self.run.metadata)
        notes = [clean_line(note.text, MESSAGE_CHARS) for note in self.result.notes]
        return "".join(map(_paragraph, filter(None, paragraphs))) + _list("About the files in your hand-in:", notes)

    def public_line(self) -> str:
        if not self.public:
            return ""
        got, most = sum(case.score for case in self.public), sum(case.max_score for case in self.public)
        if self.result.verdict == "could_not_grade":
            return f"Public tests so far: {points(got)} of {points(most)} points."
        headline = scoring.headline(self.assignment, self.public)
        if headline == "Every test passes.":
            headline = "All of them pass."
        return f"Public tests: {points(got)} of {points(most)} points. {headline}"

    def not_graded(self) -> list[str]:
        return [NOT_YOUR_FAULT] if self.result.verdict == "could_not_grade" else []

    def hidden_line(self) -> list[str]:
        hidden = len(self.automatic) - len(self.public)
        if not hidden or self.result.verdict == "could_not_grade":
            return []
        verb = "has" if hidden == 1 else "have"
        return [f"{counted(hidden, 'hidden test')} {verb} run too: {_SEEN[self.later]}."]

    def limit_line(self) -> list[str]:
        limit = self.assignment.gradescope.full_runs_per_day
        if not limit:
            return []
        if not self.run.public_only:
            left = max(limit - self.run.metadata.full_runs_today - 1, 0)
            return [
                f"All tests run {_times(limit)} a day; {left} left today. After that the public ones go on running."
            ]
        text = f"All tests run {_times(limit)} a day, so this hand-in got the public ones alone."
        last = self.run.metadata.last_full_run
        if last is None or not self.kept:
            return [f"{text} Hand it in again tomorrow for the others."]
        return [f"{text} For the others, what your hand-in of {_clock(last.at)} earned stays; hand in again tomorrow."]

    # -- for the next run --------------------------------------------------------------------------------------------

    def leaderboard(self) -> list[LeaderboardEntry]:
        if self.result.verdict != "graded":
            return []
        return [
            LeaderboardEntry(name=name, value=round(self.result.measures[name], 4), order=_order(order))
            for name, order in self.assignment.gradescope.leaderboard.items()
            if name in self.result.measures
        ]

    def extra_data(self) -> dict[str, Any]:
        result = self.result
        return {
            "run": "public" if self.run.public_only else "full",
            "verdict": result.verdict,
            "assignment": result.assignment,
            "tier": result.tier if not self.run.public_only else None,
            "sandbox_tier": result.sandbox_tier,
            "seed": result.seed,
            "measures": result.measures,
            "handout_version": result.handout_version,
            "kit_version": result.kit_version,
            "suite_sha256": result.suite_sha256,
            "submission_sha256": result.submission.sha256,
            "data": result.data,
            "peak_memory_bytes": result.peak_memory_bytes,
            "environment": msgspec.to_builtins(result.environment),
        }


def staff_text(result: SubmissionResult, metadata: Metadata) -> str:
    """What the staff may want to know of a run: why something could not be graded, and all that a replay needs."""
    lines = [result.headline, result.detail, ""] if result.verdict == "could_not_grade" else []
    lines += [f"{case.id} could not be checked:\n{case.detail}\n" for case in result.cases if case.detail]
    lines += [
        f"sandbox: {result.sandbox_tier or 'not known yet'}",
        f"seed: {result.seed}",
        f"suite: {result.suite_sha256[:16]}",
        f"handout: {result.handout_version or 'unknown'}; this bundle: {result.kit_version}",
        f"hand-in: {result.submission.sha256[:16]}; by: {', '.join(metadata.names) or 'unknown'}",
    ]
    if result.peak_memory_bytes:
        lines.append(f"memory of the largest worker: {result.peak_memory_bytes / 2**20:.0f} MiB")
    environment = result.environment
    if environment:
        versions = ", ".join(f"{name} {version}" for name, version in environment.packages.items())
        lines.append(f"Python {environment.python} on {environment.platform}, {environment.cpu}: {versions}")
    return "\n".join(lines)


def metadata_lines(metadata: Metadata) -> list[str]:
    """Late, in a group, which hand-in: sentences for what is known."""
    lines = []
    late_by = metadata.late_by
    if late_by is not None:
        after = "" if metadata.late_due is None or metadata.at is None else _against_late_period(metadata)
        lines.append(f"Handed in {_span(late_by)} after the due date{after}.")
    if len(metadata.names) > 1:
        lines.append(f"Handed in by a group: {', '.join(clean_line(name, 80) for name in metadata.names)}.")
    if metadata.earlier:
        lines.append(f"This is hand-in number {len(metadata.earlier) + 1}.")
    return lines


def _against_late_period(metadata: Metadata) -> str:
    inside = metadata.at is not None and metadata.late_due is not None and metadata.at <= metadata.late_due
    return ", inside the late period" if inside else ", and after the end of the late period"


def _kept_tests(run: Run) -> list[Test]:
    """The hidden tests of the last full run; nothing where its results can't be read."""
    last = run.metadata.last_full_run
    if last is None:
        return []
    kept = []
    for entry in last.results.get("tests") or ():
        try:
            # Gradescope may add to what it was given, and write numbers as text.
            known = {key: value for key, value in entry.items() if key in Test.__struct_fields__ and value is not None}
            test = msgspec.convert(known, Test, strict=False)
        except (AttributeError, msgspec.ValidationError):
            return []
        if test.visibility != "visible" and test.score is not msgspec.UNSET:
            note = _paragraph(f"Not run today: this is the outcome of the hand-in of {_clock(last.at)}.")
            output = "" if isinstance(test.output, msgspec.UnsetType) else test.output
            kept.append(msgspec.structs.replace(test, output=note + output))
    return kept


def _points_of(test: Test) -> float:
    return 0.0 if isinstance(test.score, msgspec.UnsetType) else test.score


def _staff_test(text: str) -> Test:
    shown = clean_text(text.strip(), _STAFF_CHARS)
    return Test(name="For the staff", number="99", visibility="hidden", output=f"<pre>{html.escape(shown)}</pre>")


def _status(case: Case) -> Literal["passed", "failed"]:
    return "passed" if case.status == "passed" else "failed"


def _case_output(case: Case) -> str:
    shown = ""
    if case.message:
        shown += _paragraph(clean_text(case.message, MESSAGE_CHARS))
    if case.hint and case.status == "failed":
        shown += _paragraph(f"Hint: {clean_text(case.hint)}")
    if case.output.strip() and case.visibility == "visible":
        printed = html.escape(clean_text(case.output.strip(), OUTPUT_CHARS))
        shown += f"<p>Your code printed:</p><pre>{printed}</pre>"
    return shown


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(clean_text(text)).replace(chr(10), '<br>')}</p>" if text else ""


def _list(heading: str, items: Iterable[str]) -> str:
    entries = "".join(f"<li>{html.escape(item)}</li>" for item in items)
    return f"<p>{html.escape(heading)}</p><ul>{entries}</ul>" if entries else ""


def _order(order: str) -> Literal["asc", "desc"]:
    return "asc" if order == "asc" else "desc"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _clock(at: datetime | None) -> str:
    return at.strftime("%d %B, %H:%M").lstrip("0") if at else "earlier"


def _span(span: timedelta) -> str:
    """timedelta(hours=3, minutes=12) -> "3 h 12 min"."""
    minutes = max(int(span.total_seconds()) // 60, 1)
    days, rest = divmod(minutes, 24 * 60)
    parts = [f"{days} d"] * bool(days) + [f"{rest // 60} h"] * bool(rest // 60) + [f"{rest % 60} min"] * bool(rest % 60)
    return " ".join(parts)
