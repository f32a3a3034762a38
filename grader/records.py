"""The records that flow from a zip to a report: frozen, forward only.

`SubmissionResult` is the one that leaves the program (JSON, HTML, gradebooks). Its JSON Schema lies in
docs/submission-result.schema.json; changes are additive, and `SCHEMA_VERSION` rises with them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

SCHEMA_VERSION = 1

Status = Literal["passed", "failed", "not_run", "could_not_check", "awaiting_review"]
Visibility = Literal["visible", "hidden", "after_due_date", "after_published"]
Verdict = Literal["graded", "could_not_grade"]
Severity = Literal["note", "warning"]

# Why a case ended as it did. `wrong`: the code answered, and the answer is wrong; `waits`: a needed task gave none;
# `ours`: the kit or the machine failed; `review`: a person marks it. The others say why no answer came.
Kind = Literal[
    "passed",
    "wrong",
    "open",
    "missing",
    "import",
    "signature",
    "forbidden",
    "raised",
    "time",
    "memory",
    "died",
    "waits",
    "ours",
    "review",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The outcome of one test, or of one written question.

    Attributes:
        id: `file::test[parameter]` inside the suite, or the id of a question.
        task: Id of the task that it belongs to.
        title: One line for the student.
        tier: The tier that needs it.
        score: Points, between 0 and `max_score`.
        kind: Why; "" while it has not run.
        cause: Id of the task that is to blame where it is another one.
        message: What was expected, what came. Empty where it passed.
        hint: Where to look. May be empty.
        duration_s: Wall time, seconds.
        output: What the student's code printed, for visible tests alone; at most 10,000 characters.
        detail: For the staff alone: why a case `could_not_check`.
    """

    id: str
    task: str
    title: str
    tier: str
    status: Status
    score: float
    max_score: float
    visibility: Visibility = "hidden"
    kind: Kind | Literal[""] = ""
    cause: str = ""
    message: str = ""
    hint: str = ""
    duration_s: float = 0.0
    output: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScore:
    """What one task of the handout earned; the sums of its cases."""

    id: str
    title: str
    tier: str
    score: float
    max_score: float
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class TierResult:
    """Whether every test of a tier passed (a tier includes those before it, bonus apart)."""

    name: str
    reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A training curve that the suite's adapter returned: one value an epoch and series; None where it diverged."""

    title: str
    series: dict[str, list[float | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something about the hand-in that is no test: what was dropped, restored or renamed."""

    text: str
    severity: Severity = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionInfo:
    """Which hand-in this is.

    Attributes:
        path: As given on the command line.
        sha256: Of the zip's bytes, or of the sorted file contents of a folder.
        submitters: Names, where the export tells them.
    """

    path: str
    sha256: str
    submitters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a submission may use. `memory_bytes` and `scratch_bytes` hold for each worker."""

    import_s: float = 20.0
    test_s: float = 20.0
    total_s: float = 600.0
    memory_bytes: int = 3 << 30
    scratch_bytes: int = 64 << 20
    output_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the submission ran on."""

    python: str
    platform: str
    cpu: str
    cores: int
    packages: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionResult:
    """Everything that is known about one graded (or not gradable) submission.

    Attributes:
        score: Automatic points, bonus included; written answers are apart.
        max_score: Automatic points without bonus.
        points_awaiting_review: Points that a person gives for written answers.
        tier: The highest tier reached, or None.
        headline: One sentence: the root cause, or that all is well.
        detail: For the staff alone: more on why it could not be graded.
        handout_version: Version stamp found in the submission, or "" where it carries none.
        kit_version: Version of the handout that this kit would build.
        suite_sha256: Of the suite's files.
        seed: Of all random inputs; `--seed` replays it.
        sandbox_tier: `jailed`, `bubblewrap` or `bare`, with what it promises in docs/security.md.
        measures: What the suite measured, such as {"accuracy": 0.97}.
        data: "mnist" or "mnist-mini" (the sample), which decides thresholds; "" where the assignment needs none.
        peak_memory_bytes: Of the largest worker, with what it shares with its zygote; 0 where none ended.
        started_at: ISO 8601 in UTC.
    """

    assignment: str
    assignment_title: str
    submission: SubmissionInfo
    verdict: Verdict
    headline: str
    detail: str = ""
    score: float = 0.0
    max_score: float = 0.0
    points_awaiting_review: float = 0.0
    tier: str | None = None
    tiers: tuple[TierResult, ...] = ()
    tasks: tuple[TaskScore, ...] = ()
    cases: tuple[Case, ...] = ()
    curves: tuple[Curve, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    handout_version: str = ""
    kit_version: str = ""
    suite_sha256: str = ""
    seed: int = 0
    sandbox_tier: str = ""
    data: str = ""
    limits: Limits = field(default_factory=Limits)
    environment: Environment | None = None
    peak_memory_bytes: int = 0
    started_at: str = ""
    duration_s: float = 0.0
    schema_version: int = SCHEMA_VERSION
