"""What a test sees of a submission: `student`, `trained(name)` and `credit`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from grader.catalog import Assignment, Training
from grader.errors import GradingError, StudentError
from grader.grading.adapters import Adapters
from grader.grading.job import Job
from grader.oracles.mnist import Mnist
from grader.records import Curve
from grader.sandbox.box import Box, Worker, WorkerSpec

_CURVE_SERIES = 8
_CURVE_POINTS = 2_000
_TRACE_S = 5.0


def test_seed(seed: int, case_id: str) -> np.random.SeedSequence:
    """The random inputs of one test: from the seed of the grading and the test's id, on both sides of the pipe."""
    return np.random.SeedSequence([seed, *case_id.encode()])


test_seed.__test__ = False  # type: ignore[attr-defined]  # its name is no test


def worker_spec(
    job: Job, assignment: Assignment, case_id: str, limit_s: float, core: int | None, kind: str
) -> WorkerSpec:
    """The limits of one worker of that kind; its seed follows from the grading's and the test's id."""
    limits = assignment.limits
    return WorkerSpec(
        submission=job.submission_path,
        scratch=kind == "tensorflow",
        memory_bytes=limits.memory_bytes,
        scratch_bytes=limits.scratch_bytes,
        output_bytes=limits.output_bytes,
        cpu_s=limit_s + 5,
        seed=int(test_seed(job.seed, case_id).generate_state(1)[0]),
        core=core,
        forbidden=assignment.forbidden_in(kind),
        traced=job.traced,
    )


class Credit:
    """Partial credit: a ratio in [0, 1], for a test that ends without failing."""

    def __init__(self) -> None:
        self.ratio = 1.0
        self.message = ""

    def __call__(self, ratio: float, message: str = "") -> None:
        """Sets what this test earns.

        Args:
            ratio: Share of its points; clipped to [0, 1], and NaN counts as 0.
            message: What is missing, for the student.
        """
        self.ratio = min(1.0, max(0.0, ratio)) if math.isfinite(ratio) else 0.0
        self.message = message


class Student:
    """The submission in a worker of its own, started at the first call, inside one budget of time.

    Every attribute is the adapter of that name: `student.lstm_cell(x=..., h=..., c=..., units=8)`.
    """

    def __init__(self, box: Box, adapters: Adapters, spec: WorkerSpec, limit_s: float) -> None:
        self._box = box
        self._adapters = adapters
        self._spec = spec
        self._deadline = time.monotonic() + limit_s
        self._worker: Worker | None = None
        self._kept_scratch: Path | None = None
        self.output = ""
        self.peak_memory_bytes = 0
        self.opened: frozenset[str] | None = frozenset()  # files of the submission; None where it can't be told

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda **arguments: self._call(name, arguments)

    def import_module(self, name: str, limit_s: float) -> None:
        """Imports one module of the submission inside `limit_s` seconds."""
        self._started().import_module(name, min(self._deadline, time.monotonic() + limit_s))

    def restart(self, keep_scratch: bool = False) -> None:
        """Goes on with a fresh worker, for tests of resuming; its scratch is kept where asked."""
        if self._worker is not None:
            self._kept_scratch = self._worker.scratch if keep_scratch else None
            self._end(self._worker, keep_scratch)

    def close(self) -> None:
        """Ends the worker; twice is fine."""
        if self._worker is not None:
            self._end(self._worker, keep_scratch=False)

    def _call(self, name: str, arguments: dict[str, Any]) -> Any:
        self._adapters.check_call(name, arguments)
        return self._started().call(name, arguments, self._deadline)

    def _started(self) -> Worker:
        if self._worker is None:
            self._worker = self._box.start(self._spec, scratch_dir=self._kept_scratch)
        return self._worker

    def _end(self, worker: Worker, keep_scratch: bool) -> None:
        if self._spec.traced and self.opened is not None:
            try:
                self.opened |= worker.opened(time.monotonic() + _TRACE_S)
            except GradingError:
                self.opened = None
        worker.close(keep_scratch=keep_scratch)
        self.output += worker.output
        self.peak_memory_bytes = max(self.peak_memory_bytes, worker.peak_memory_bytes)
        self._worker = None


class Trained:
    """A worker after its training. Attributes are adapters, as with `Student`.

    Attributes:
        result: What the training adapter returned.
    """

    def __init__(self, worker: Worker, adapters: Adapters, result: Any, limit_s: float) -> None:
        self._worker = worker
        self._adapters = adapters
        self._deadline = time.monotonic() + limit_s
        self.result = result

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda **arguments: self._call(name, arguments)

    def _call(self, name: str, arguments: dict[str, Any]) -> Any:
        self._adapters.check_call(name, arguments)
        return self._worker.call(name, arguments, self._deadline)


class Trainings:
    """The trainings of a suite: each runs once, in the background on the first core, and is shared by its tests.

    Where the assignment has data, the training adapters get the images and labels to train on, and never others.
    """

    def __init__(
        self,
        adapters: Adapters,
        job: Job,
        assignment: Assignment,
        data: Mnist | None,
        tell: Callable[..., None],
    ) -> None:
        self._adapters = adapters
        self._job = job
        self._assignment = assignment
        self._data = data
        self._tell = tell
        self._running: dict[str, tuple[Worker, float]] = {}
        self._ended: dict[str, tuple[Worker, Any] | GradingError] = {}
        self.peak_memory_bytes = 0

    def start(self, box: Box) -> None:
        """Starts every training of the assignment in a box for its kind of worker."""
        for training in self._assignment.trainings.values():
            self._tell("training_started", name=training.name, limit_s=training.limit_s)
            limit_s = training.limit_s + 60
            case_id, kind = f"training:{training.name}", self._assignment.worker
            spec = worker_spec(self._job, self._assignment, case_id, limit_s, self._job.cores[0], kind)
            arguments = {**training.arguments, "seed": spec.seed}
            if self._data is not None:
                arguments |= training.sample if self._data.is_sample else {}
                arguments |= {"images": self._data.train_images, "labels": self._data.train_labels}
            self._adapters.check_call(training.adapter, arguments)
            worker = box.start(spec)
            deadline = time.monotonic() + training.limit_s
            worker.submit(training.adapter, arguments, deadline)
            self._running[training.name] = (worker, deadline)

    def free_core(self) -> int | None:
        """The core for a test: the last, while a training has the first; None where all are free."""
        return self._job.cores[-1] if self._running or len(self._job.cores) == 1 else None

    def wait(self, name: str, limit_s: float) -> Trained:
        """The training of that name once it has ended; its calls then have `limit_s` seconds.

        Raises:
            StudentError: The training failed; the same one for every test that shares it.
            KitError: It failed for a reason of ours.
        """
        if name in self._running:
            self._finish(self._assignment.trainings[name])
        ended = self._ended[name]
        if isinstance(ended, GradingError):
            raise ended
        worker, result = ended
        return Trained(worker, self._adapters, result, limit_s)

    def note_peak(self, size_bytes: int) -> None:
        """Remembers the largest worker."""
        self.peak_memory_bytes = max(self.peak_memory_bytes, size_bytes)

    def close(self) -> None:
        """Ends every worker, finished or not."""
        workers = [worker for worker, _ in self._running.values()]
        workers += [ended[0] for ended in self._ended.values() if not isinstance(ended, GradingError)]
        for worker in workers:
            worker.close()
            self.note_peak(worker.peak_memory_bytes)
        self._running.clear()
        self._ended.clear()

    def _finish(self, training: Training) -> None:
        worker, deadline = self._running.pop(training.name)
        try:
            result = worker.result(deadline)
        except GradingError as error:
            self._ended[training.name] = error
            if isinstance(error, StudentError):  # else the box ends the worker, if anything can
                worker.close()
                self.note_peak(worker.peak_memory_bytes)
        else:
            self._ended[training.name] = (worker, result)
            curve = read_curve(result)
            if curve is not None:
                self._tell("curve", curve=curve)
        self._tell("training_finished", name=training.name)


def read_curve(result: Any) -> Curve | None:
    """The curve that a training adapter returned under "curve", or None where there is none that can be drawn."""
    found = result.get("curve") if isinstance(result, dict) else None
    if not isinstance(found, dict):
        return None
    title, series = found.get("title"), found.get("series")
    if not isinstance(title, str) or not isinstance(series, dict) or len(series) > _CURVE_SERIES:
        return None
    drawn: dict[str, list[float | None]] = {}
    for name, values in series.items():
        if isinstance(values, np.ndarray):
            values = list(values) if values.ndim == 1 else None
        if not isinstance(name, str) or not isinstance(values, (list, tuple)) or len(values) > _CURVE_POINTS:
            return None
        if not all(isinstance(value, Real) for value in values):
            return None
        drawn[name[:40]] = [_finite(value) for value in values]
    return Curve(title=title[:120], series=drawn) if drawn else None


def _finite(value: Real) -> float | None:
    try:
        found = float(value)
    except OverflowError:  # an integer of Python's own
        return None
    return found if math.isfinite(found) else None
