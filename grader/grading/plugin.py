"""The judge's pytest plugin: orders the tests, decides what runs, and tells the parent each outcome.

It lives in the trusted process. Student code is reached through `grader.sandbox.box` alone.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from grader import catalog
from grader.errors import InvalidAssignment, KitError, StudentError
from grader.grading.adapters import Adapters
from grader.grading.data import read_data
from grader.grading.events import ANSWERED, encode_event, kind_of
from grader.grading.job import Job, read_job
from grader.grading.marks import Mark, check_points, order, read_mark
from grader.grading.students import Credit, Student, Trainings, test_seed, worker_spec
from grader.records import Case, Kind
from grader.sandbox.box import Box, open_box
from grader.sandbox.jail import set_death_signal

MESSAGE_CHARS = 2_000
OUTPUT_CHARS = 10_000
_OURS = "This test could not be checked. That is not your fault: your instructor is told why."


class NotRun(Exception):
    """A test that is not worth running; its message names the reason."""

    def __init__(self, message: str, kind: Kind, cause: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.cause = cause


class Known(Exception):
    """A test whose outcome is known already."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.id)
        self.case = case


class Judge:
    """State of one session: what the job is, what is known so far."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.declared = catalog.read(Path(job.suite_dir) / "assignment.toml")
        self.assignment = self.declared.for_submission(job.submission_path)
        self.data = read_data(self.assignment)
        if self.data is not None:
            self.tell("data", name=self.data.name)
        self.boxes: dict[str, Box] = {}
        self.opened = ExitStack()
        self.tell("sandbox", tier=self.box(self.assignment.workers[0]).tier)
        self.adapters = Adapters(Path(job.suite_dir) / "adapters.py")
        self.trainings = Trainings(self.adapters, job, self.assignment, self.data, self.tell)
        self.marks: dict[pytest.Item, Mark] = {}
        self.known = {case.id: case for case in job.known}
        self.started: dict[pytest.Item, float] = {}
        self.found: dict[pytest.Item, Case] = {}
        self.kinds: dict[str, set[Kind]] = {}
        self.passed: set[str] = set()  # tasks of which a behavioural test passed
        self.uncollected = ""
        self.deadline = time.monotonic() + self.assignment.limits.total_s

    def box(self, kind: str) -> Box:
        """The box for workers of a kind; opened when it is first asked for, since its zygote may still be importing.

        Raises:
            KitError: See `open_box`.
        """
        if kind not in self.boxes:
            box = open_box(kind, insecure=self.job.insecure, control_fd=self.job.control_fds[kind])
            self.opened.callback(box.close)
            self.boxes[kind] = box
        return self.boxes[kind]

    def tell(self, event: str, **fields: Any) -> None:
        _tell(self.job, event, **fields)

    def gave_no_answer(self, task: str) -> bool:
        """Whether every test of the task so far ended without an answer, and none for a reason of ours."""
        kinds = self.kinds.get(task, set())
        return bool(kinds) and not kinds & (ANSWERED | {"ours"})

    # -- hooks -------------------------------------------------------------------------------------------------------

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            reason = report.longreprtext.strip().splitlines()[-1].removeprefix("E").strip()
            self.uncollected = f"{Path(report.fspath).name} can't be collected: {reason}"

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.uncollected:
            self.give_up(InvalidAssignment(self.uncollected))
        try:
            self.mark(items)
        except InvalidAssignment as error:
            self.give_up(error)

    def give_up(self, error: KitError) -> NoReturn:
        """Ends the session: nothing can be judged, and the parent is told why."""
        self.tell("broken", reason=str(error))
        pytest.exit(str(error), returncode=0)

    def mark(self, items: list[pytest.Item]) -> None:
        """Reads the markers, leaves out what this grading does not ask for, and puts the rest in order."""
        marks = {item: read_mark(item, self.declared) for item in items}
        self.marks = {
            item: mark for item, mark in marks.items() if mark.task in {*self.assignment.tasks, catalog.IMPORT_TASK}
        }
        check_points(list(self.marks.values()), self.assignment)
        items[:] = [item for item, mark in self.marks.items() if self.is_asked_for(mark)]
        items.sort(key=lambda item: order(self.marks[item], self.assignment))

    def is_asked_for(self, mark: Mark) -> bool:
        """Whether this grading, which may be one of a part, runs the test."""
        return (self.job.trains or not mark.trained) and (not self.job.public_only or mark.visibility == "visible")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        marks = [self.marks[item] for item in session.items]
        self.tell("collected", cases=[mark.case() for mark in marks])
        if any(mark.trained for mark in marks):
            try:
                self.trainings.start(self.box(self.assignment.worker))
            except KitError as error:
                self.give_up(error)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        mark = self.marks[item]
        self.started[item] = time.monotonic()
        self.tell("started", case=mark.case_id, limit_s=mark.limit_s)
        if time.monotonic() > self.deadline:
            limit_s = self.assignment.limits.total_s
            raise NotRun(f"The {limit_s:.0f} s for the whole grading were used up before this test.", "time")
        for need in self.assignment.needed_by.get(mark.task, ()):
            if self.gave_no_answer(need):
                raise NotRun(f"This test waits for task {need}.", "waits", need)
        if mark.behind and mark.behind not in self.passed:
            if "ours" in self.kinds.get(mark.behind, set()):
                raise KitError(f"it counts behind task {mark.behind}, which could not be checked")
            raise NotRun(f"This test counts once a test of task {mark.behind} passes.", "waits", mark.behind)
        if mark.case_id in self.known:
            raise Known(self.known[mark.case_id])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "call" or (call.excinfo is not None and item not in self.found):
            self.found[item] = self.outcome(item, call.excinfo.value if call.excinfo else None)
        if call.when == "teardown":
            self.finish(item)
        return report

    def pytest_sessionfinish(self) -> None:
        self.trainings.close()
        self.opened.close()
        self.tell("peak_memory", size_bytes=self.trainings.peak_memory_bytes)

    # -- outcomes ----------------------------------------------------------------------------------------------------

    def outcome(self, item: pytest.Item, error: BaseException | None) -> Case:
        """The case of a test that ended with this exception, or without one."""
        mark = self.marks[item]
        if error is None:
            return self.credited(mark, item.stash.get(CREDIT, Credit()))
        if isinstance(error, Known):
            return error.case
        if isinstance(error, NotRun):
            return mark.case(kind=error.kind, cause=error.cause, message=str(error))
        if isinstance(error, StudentError):
            if error.task in self.assignment.tasks and error.task != mark.task and error.task not in self.passed:
                message = f"This test waits for task {error.task}, which is still open."
                return mark.case(kind="waits", cause=error.task, message=message)
            return mark.failed(kind_of(error), str(error)[:MESSAGE_CHARS])
        if isinstance(error, (AssertionError, pytest.fail.Exception)):
            return mark.failed("wrong", str(error).strip()[:MESSAGE_CHARS] or f"Expected: {mark.title}.")
        detail = "".join(traceback.format_exception(error))[-4 * MESSAGE_CHARS :]
        return mark.case(status="could_not_check", kind="ours", message=_OURS, detail=detail)

    def credited(self, mark: Mark, credit: Credit) -> Case:
        if credit.ratio >= 1:
            return mark.case(status="passed", kind="passed", score=mark.points)
        return mark.failed("wrong", credit.message, score=mark.points * credit.ratio)

    def finish(self, item: pytest.Item) -> None:
        mark = self.marks[item]
        output = item.stash.get(OUTPUT, "") if mark.visibility == "visible" else ""
        duration_s = round(time.monotonic() - self.started[item], 3)
        case = replace(self.found[item], duration_s=duration_s, output=output[:OUTPUT_CHARS])
        if not mark.behind and case.kind:
            self.kinds.setdefault(mark.task, set()).add(case.kind)
            if case.kind == "passed":
                self.passed.add(mark.task)
        self.tell("finished", case=case)


JUDGE = pytest.StashKey[Judge]()
CREDIT = pytest.StashKey[Credit]()
OUTPUT = pytest.StashKey[str]()


def _tell(job: Job, event: str, **fields: Any) -> None:
    line = encode_event(event, **fields)
    while line:
        line = line[os.write(job.events_fd, line) :]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--job", type=Path, required=True, help="the parent's job file")


def pytest_configure(config: pytest.Config) -> None:
    # If the grader is killed; the thread of it that started this process waits for its end.
    set_death_signal(signal.SIGKILL)
    job = read_job(config.getoption("--job"))
    try:
        judge = Judge(job)
    except KitError as error:
        _tell(job, "broken", reason=str(error))
        pytest.exit(str(error), returncode=0)
    config.stash[JUDGE] = judge
    config.pluginmanager.register(judge, "judge")


@pytest.fixture(name="student")
def _student(request: pytest.FixtureRequest) -> Generator[Student]:
    """A fresh worker with the submission; `student.some_adapter(x=...)` calls the adapter of that name."""
    judge = request.config.stash[JUDGE]
    mark = judge.marks[request.node]
    kind = judge.assignment.worker_of(mark.task)
    spec = worker_spec(judge.job, judge.assignment, mark.case_id, mark.limit_s, judge.trainings.free_core(), kind)
    student = Student(judge.box(kind), judge.adapters, spec, mark.limit_s)
    yield student
    student.close()
    judge.trainings.note_peak(student.peak_memory_bytes)
    if judge.job.traced and not mark.trained and student.opened is not None:
        judge.tell("opened", case=mark.case_id, files=sorted(student.opened))
    request.node.stash[OUTPUT] = student.output


@pytest.fixture(name="trained")
def _trained(request: pytest.FixtureRequest) -> Any:
    """`trained(name)`: the worker of that training, once it has finished."""
    judge = request.config.stash[JUDGE]
    mark = judge.marks[request.node]
    return lambda name: judge.trainings.wait(name, mark.limit_s)


@pytest.fixture(name="rng")
def _rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers for this test: derived from the seed of the grading and the test's id."""
    judge = request.config.stash[JUDGE]
    return np.random.default_rng(test_seed(judge.job.seed, judge.marks[request.node].case_id))


@pytest.fixture(name="thresholds")
def _thresholds(request: pytest.FixtureRequest) -> dict[str, float]:
    """The thresholds of assignment.toml, for the data that is there."""
    judge = request.config.stash[JUDGE]
    sample = judge.data is not None and judge.data.is_sample
    return dict(judge.assignment.sample_thresholds if sample else judge.assignment.thresholds)


@pytest.fixture(name="measure")
def _measure(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """`measure(name, value)`: a number for the report and the leaderboard; finite, computed by the suite."""
    judge = request.config.stash[JUDGE]
    return lambda name, value: judge.tell("measure", name=name, value=value)


@pytest.fixture(name="modules")
def _modules(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The modules of a submission, as assignment.toml names them."""
    return request.config.stash[JUDGE].assignment.modules


@pytest.fixture(name="import_limit_s")
def _import_limit_s(request: pytest.FixtureRequest) -> float:
    return request.config.stash[JUDGE].assignment.limits.import_s


@pytest.fixture(name="credit")
def _credit(request: pytest.FixtureRequest) -> Credit:
    """`credit(ratio, message)`: partial credit for a test that doesn't fail."""
    credit = Credit()
    request.node.stash[CREDIT] = credit
    return credit
