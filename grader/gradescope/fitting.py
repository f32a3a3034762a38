"""Which of Gradescope's sizes an assignment fits into: measured where it ran, calculated where it did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grader.gradescope.container import Ended
from grader.gradescope.results import Results
from grader.gradescope.sizes import SIZES, Size, Use
from grader.report.text import counted, points, seconds

DEFAULT_LIMIT_S = 600.0  # Gradescope's time limit, if the instructor does not choose another
LONGEST_LIMIT_S = 2400.0
# A machine of Gradescope's may be slower than this one, and memory differs a little from run to run.
_SLOWER = 1.5
_MORE_MEMORY = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of a bundle at one size."""

    size: Size
    ended: Ended
    use: Use
    results: Results
    log: str

    @property
    def verdict(self) -> str:
        return str(self.results.extra_data.get("verdict", ""))

    @property
    def unchecked(self) -> int:
        """Tests that could not be checked."""
        return sum(_status(test.extra_data) == "could_not_check" for test in self.results.tests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is known of one size.

    Attributes:
        fits: None where neither a run nor a calculation tells.
        measured: Whether it ran; else it is calculated from the others.
        reason: Why, for the instructor.
        limit_min: The time limit to choose, where it fits.
    """

    size: Size
    fits: bool | None
    measured: bool
    reason: str
    limit_min: Literal[10, 20, 30, 40] | None = None


def fits(run: Measured, largest: Measured) -> bool:
    """Whether a run came to the same verdict as one with more room, in time and without a process being killed."""
    return not _complaint(run, largest)


def candidates(run: Measured) -> list[Size]:
    """The smaller sizes that could do by calculation, smallest first."""
    smaller = [size for size in SIZES if size.cpus < run.size.cpus]
    return [size for size in smaller if _calculated(size, [run]).fits]


def judge(measured: Sequence[Measured]) -> list[Judgement]:
    """One judgement for each of the four sizes."""
    largest = max(measured, key=lambda run: (run.size.cpus, run.verdict == "graded"))
    runs = {run.size: run for run in measured}
    return [
        _of_run(runs[size], largest) if size in runs else _calculated(size, sorted(measured, key=_cpus))
        for size in SIZES
    ]


def _cpus(run: Measured) -> float:
    return run.size.cpus


def _of_run(run: Measured, largest: Measured) -> Judgement:
    used = f"{_gigabytes(run.use.peak_bytes)} of memory, {seconds(run.ended.duration_s)}"
    complaint = _complaint(run, largest)
    if complaint:
        return Judgement(size=run.size, fits=False, measured=True, reason=f"too small: {complaint} ({used})")
    return Judgement(
        size=run.size, fits=True, measured=True, reason=f"fits: {used}", limit_min=limit_min(run.ended.duration_s)
    )


def _complaint(run: Measured, largest: Measured) -> str:
    if run.ended.code is None:
        return f"not done after {seconds(LONGEST_LIMIT_S)}, the longest time limit"
    if run.use.kills:
        killed = "a process was" if run.use.kills == 1 else f"{run.use.kills} processes were"
        return f"memory ran full, and {killed} killed"
    if run.verdict != "graded":
        return "the hand-in could not be graded"
    if run.unchecked:
        return f"{counted(run.unchecked, 'test')} could not be checked"
    if run.results.score < largest.results.score - 1e-9:
        here, there = points(run.results.score), points(largest.results.score)
        return f"the hand-in earns {here} points here and {there} at {largest.size.name}"
    if limit_min(run.ended.duration_s) is None:
        return (
            f"{seconds(run.ended.duration_s)} here leave no room to the longest time limit, {seconds(LONGEST_LIMIT_S)}"
        )
    return ""


def _calculated(size: Size, runs: Sequence[Measured]) -> Judgement:
    """Memory does not depend on the size; time depends on its share of processors."""
    killed = [run for run in runs if run.use.kills]
    if any(size.memory_bytes <= run.size.memory_bytes for run in killed):
        return Judgement(size=size, fits=False, measured=False, reason=f"too small: {killed[-1].size.name} is already")
    whole = [run for run in runs if not run.use.kills and run.ended.code is not None]
    if not whole:
        return Judgement(size=size, fits=None, measured=False, reason=f"not known: try --size {size.name}")
    run = whole[-1]
    needed = run.use.peak_bytes * _MORE_MEMORY
    if needed > size.memory_bytes:
        reason = f"too small: {_gigabytes(run.use.peak_bytes)} of memory are needed, and some to spare"
        return Judgement(size=size, fits=False, measured=False, reason=reason)
    busy = run.use.cpu_s / size.cpus
    expected_s = max(run.ended.duration_s, busy) if size.cpus < run.size.cpus else run.ended.duration_s
    limit = limit_min(expected_s)
    if limit is None:
        return Judgement(size=size, fits=False, measured=False, reason=f"too small: about {seconds(expected_s)}")
    reason = f"should fit: {_gigabytes(run.use.peak_bytes)} of memory, about {seconds(expected_s)}"
    return Judgement(size=size, fits=True, measured=False, reason=reason, limit_min=limit)


def limit_min(duration_s: float, slower: float = _SLOWER) -> Literal[10, 20, 30, 40] | None:
    """The shortest time limit, in minutes, that leaves room for a machine that is so much slower."""
    for minutes in (10, 20, 30, 40):
        if duration_s * slower <= 60 * minutes:
            return minutes
    return None


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.2f} GB"


def _status(data: object) -> object:
    return data.get("status") if isinstance(data, dict) else None
