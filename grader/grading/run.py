"""One submission -> `SubmissionResult`. A `Grader` keeps its zygotes, so that a course pays for one import a slot."""

from __future__ import annotations

import secrets
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol

import msgspec

from grader import catalog
from grader.catalog import Assignment
from grader.environment import python_environment, usable_cores
from grader.errors import KitError, SandboxFailed
from grader.grading import scoring
from grader.grading.fingerprint import suite_sha256
from grader.grading.job import Job
from grader.grading.judge import JudgeProcess
from grader.intake.prepare import Prepared, prepare
from grader.records import Case, Curve, SubmissionInfo, SubmissionResult
from grader.sandbox.box import ZygoteServer, open_to_spare
from grader.sandbox.temporary import TemporaryFolder

SEED_BITS = 53  # too many to be guessed from a test's inputs, few enough for any reader of JSON
_JUDGE_SLACK_S = 600.0  # the zygote's imports, the self-test, and a last test that begins just before the limit
_INTERRUPTED = "The grading was interrupted before this test. That is not your fault."


class Watcher(Protocol):
    """Somebody who follows a grading: the terminal's progress, or nobody."""

    def collected(self, cases: int) -> None: ...
    def started(self, title: str, task: str, limit_s: float) -> None: ...
    def finished(self, case: Case) -> None: ...
    def training_started(self, name: str, limit_s: float) -> None: ...
    def training_finished(self, name: str) -> None: ...


class Silent:
    """Follows nothing."""

    def collected(self, cases: int) -> None: ...
    def started(self, title: str, task: str, limit_s: float) -> None: ...
    def finished(self, case: Case) -> None: ...
    def training_started(self, name: str, limit_s: float) -> None: ...
    def training_finished(self, name: str) -> None: ...


class Grader:
    """Grades submissions of one assignment, one after another, in one zygote for each kind of worker.

    Args:
        assignment: As `catalog.load` gives it.
        insecure: Go on without a jail where this machine has none; every result then says so.
        cores: Processors to use; all that this process may use by default. The first trains, the last tests.
    """

    def __init__(
        self,
        assignment: Assignment,
        *,
        insecure: bool = False,
        cores: tuple[int, ...] | None = None,
    ) -> None:
        self.assignment = assignment
        self.cores = cores or usable_cores()
        self.insecure = insecure
        self.zygotes = {kind: ZygoteServer(kind) for kind in assignment.workers}
        self._broken: set[str] = set()

    def __enter__(self) -> Grader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the zygotes and whatever they still run."""
        for zygote in self.zygotes.values():
            zygote.close()

    def ready_zygotes(self) -> dict[str, ZygoteServer]:
        """The zygotes; new ones where the last grading left broken ones, so that those cost one submission alone."""
        for kind in self._broken:
            self.zygotes[kind].close()
            self.zygotes[kind] = ZygoteServer(kind)
        self._broken.clear()
        return self.zygotes

    def end_workers(self) -> None:
        """Kills what a judge left behind. A zygote that can't is broken, which says nothing about tests that ended."""
        for kind, zygote in self.zygotes.items():
            try:
                zygote.kill_all()
            except SandboxFailed:
                self._broken.add(kind)

    def grade(
        self,
        path: Path,
        *,
        seed: int | None = None,
        trains: bool = True,
        public_only: bool = False,
        known: Sequence[Case] = (),
        on_opened: Callable[[str, frozenset[str]], None] | None = None,
        watcher: Watcher | None = None,
        on_update: Callable[[SubmissionResult], None] | None = None,
    ) -> SubmissionResult:
        """Grades one zip or folder; the verdict says what is the fault of the submission or of the machine.

        Args:
            path: The hand-in.
            seed: Of all random inputs; drawn if None.
            trains: False leaves out every test that needs a training; such a result is for audits alone.
            public_only: Runs the public tests alone, as students can at home.
            known: Outcomes of tests that are taken as they are, in place of running them; for audits alone.
            on_opened: Gets, for each test that can tell, the files of the submission that it opened; for audits alone.
            watcher: Is told what runs.
            on_update: Gets a whole, truthful result at the start and after each test.
        """
        seed = secrets.randbits(SEED_BITS) if seed is None else seed
        run = _Run(
            self, path, seed, _Part(trains, public_only, tuple(known), on_opened), watcher or Silent(), on_update
        )
        try:
            return run.whole()
        except KitError as error:
            return run.could_not_grade(str(error), error.detail)
        except OSError as error:
            return run.could_not_grade(f"this machine could not do it: {error.strerror}", traceback.format_exc())
        # A bug of ours must cost neither the student a point nor a course the gradings after this one.
        except Exception as error:
            return run.could_not_grade(f"the grader broke down ({type(error).__name__})", traceback.format_exc())


class _Part(NamedTuple):
    """Which tests a grading runs."""

    trains: bool
    public_only: bool
    known: tuple[Case, ...]
    on_opened: Callable[[str, frozenset[str]], None] | None


class _Run:
    """One grading under way."""

    def __init__(
        self,
        grader: Grader,
        path: Path,
        seed: int,
        part: _Part,
        watcher: Watcher,
        on_update: Callable[[SubmissionResult], None] | None,
    ) -> None:
        self.grader = grader
        self.assignment = grader.assignment
        self.path = path
        self.seed = seed
        self.part = part
        self.watcher = watcher
        self.on_update = on_update
        self.started = time.monotonic()
        self.started_at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self.prepared: Prepared | None = None
        self.expected: dict[str, Case] = {}
        self.ended: dict[str, Case] = {}
        self.curves: list[Curve] = []
        self.measures: dict[str, float] = {}
        self.tier = ""
        self.data = ""
        self.peak_memory_bytes = 0

    def whole(self) -> SubmissionResult:
        self.update("The grading was interrupted before the first test.")
        with ExitStack() as stack:
            temporary = TemporaryFolder("grading-")
            stack.callback(temporary.remove)
            work_dir = temporary.path
            self.prepared = prepare(self.path, self.assignment, work_dir)
            self.assignment = self.assignment.for_submission(self.prepared.submission_dir)
            open_to_spare(work_dir)
            self.update("The grading was interrupted before the first test.")
            self.judge(stack, work_dir, self.prepared.submission_dir)
        missing = [case for case in self.expected.values() if case.id not in self.ended]
        if missing or not self.expected:
            return self.could_not_grade(f"the judge ended before {len(missing)} of {len(self.expected)} tests")
        return self.result()

    def judge(self, stack: ExitStack, work_dir: Path, submission_dir: Path) -> None:
        zygotes = self.grader.ready_zygotes()
        job = Job(
            suite_dir=str(self.assignment.suite_dir),
            submission_dir=str(submission_dir),
            control_fds={kind: zygote.control_fd for kind, zygote in zygotes.items()},
            insecure=self.grader.insecure,
            seed=self.seed,
            cores=self.grader.cores,
            trains=self.part.trains,
            public_only=self.part.public_only,
            known=self.part.known,
            traced=self.part.on_opened is not None,
        )
        trainings_s = sum(training.limit_s for training in self.assignment.trainings.values())
        stack.callback(self.grader.end_workers)
        judge = JudgeProcess(job, work_dir, self.assignment.limits.total_s + trainings_s + _JUDGE_SLACK_S)
        stack.callback(judge.close)
        for zygote in zygotes.values():
            zygote.wait_ready()  # it knows why an import failed; the judge works meanwhile
        for event in judge.events():
            self.take(event)

    def take(self, event: dict[str, Any]) -> None:
        """Takes in one event of the judge (see `events`)."""
        kind = event["event"]
        if kind == "sandbox":
            self.tier = event["tier"]
        elif kind == "data":
            self.data = event["name"]
        elif kind == "broken":
            raise KitError(event["reason"])
        elif kind == "collected":
            cases = msgspec.convert(event["cases"], list[Case])
            self.expected = {case.id: case for case in cases}
            self.watcher.collected(len(cases))
        elif kind == "started":
            case = self.expected[event["case"]]
            self.watcher.started(case.title, case.task, event["limit_s"])
        elif kind == "finished":
            case = msgspec.convert(event["case"], Case)
            self.ended[case.id] = case
            self.watcher.finished(case)
            self.update(f"The grading was interrupted after {len(self.ended)} of {len(self.expected)} tests.")
        elif kind == "opened":
            if self.part.on_opened is not None:
                self.part.on_opened(event["case"], frozenset(event["files"]))
        elif kind == "training_started":
            self.watcher.training_started(event["name"], event["limit_s"])
        elif kind == "training_finished":
            self.watcher.training_finished(event["name"])
        elif kind == "curve":
            self.curves.append(msgspec.convert(event["curve"], Curve))
        elif kind == "measure":
            self.measures[event["name"]] = float(event["value"])
        elif kind == "peak_memory":
            self.peak_memory_bytes = event["size_bytes"]

    def update(self, headline: str) -> None:
        """Tells a result that is true if everything ends here."""
        if self.on_update is not None:
            self.on_update(self.could_not_grade(headline))

    def result(self) -> SubmissionResult:
        cases = [self.ended[case_id] for case_id in self.expected]
        tiers = scoring.tier_results(self.assignment, cases)
        changed = self.prepared.signature_changes if self.prepared else ()
        return replace(
            self.frame(),
            verdict="graded",
            headline=scoring.headline(self.assignment, cases, changed),
            score=scoring.total(cases),
            tier=scoring.reached_tier(self.assignment, tiers),
            tiers=tiers,
            tasks=scoring.task_scores(self.assignment, cases),
            cases=(*cases, *scoring.question_cases(self.assignment)),
        )

    def could_not_grade(self, reason: str, detail: str = "") -> SubmissionResult:
        """What is known so far; tests that did not end are ours, not the student's."""
        cases = [
            self.ended[case.id]
            if case.id in self.ended
            else replace(case, status="could_not_check", kind="ours", message=_INTERRUPTED)
            for case in self.expected.values()
        ]
        return replace(
            self.frame(),
            headline=reason,
            detail=detail,
            score=scoring.total(cases),
            tasks=scoring.task_scores(self.assignment, cases),
            cases=(*cases, *scoring.question_cases(self.assignment)) if cases else (),
        )

    def frame(self) -> SubmissionResult:
        """What is true of the result whatever the tests say."""
        assignment, prepared = self.assignment, self.prepared
        return SubmissionResult(
            assignment=assignment.name,
            assignment_title=assignment.title,
            submission=prepared.info if prepared else SubmissionInfo(path=str(self.path), sha256=""),
            verdict="could_not_grade",
            headline="",
            max_score=assignment.max_score,
            points_awaiting_review=assignment.points_awaiting_review,
            curves=tuple(self.curves),
            measures=dict(self.measures),
            notes=prepared.notes if prepared else (),
            handout_version=prepared.handout_version if prepared else "",
            kit_version=assignment.version,
            suite_sha256=suite_sha256(assignment.suite_dir),
            seed=self.seed,
            sandbox_tier=self.tier,
            data=self.data,
            limits=assignment.limits,
            environment=python_environment(),
            peak_memory_bytes=self.peak_memory_bytes,
            started_at=self.started_at,
            duration_s=round(time.monotonic() - self.started, 3),
        )


def grade(path: str | Path, assignment: str, *, seed: int | None = None, insecure: bool = False) -> SubmissionResult:
    """Grades one zip or folder: the Python caller's way in.

    Args:
        path: The hand-in.
        assignment: Name of the assignment, such as "integration".
        seed: Of all random inputs; the same seed gives the same verdicts.
        insecure: Go on without a jail where this machine has none.

    Raises:
        UnknownAssignment: There is no such assignment.
        InvalidAssignment: Its assignment.toml contradicts itself.
    """
    with Grader(catalog.load(assignment), insecure=insecure) as grader:
        return grader.grade(Path(path), seed=seed)


__all__ = ["Grader", "Silent", "Watcher", "grade"]
