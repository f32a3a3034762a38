"""Grades every variant through the real sandbox, one a core at a time, and judges the suite by the outcome."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import msgspec
from rich.console import Console
from rich.progress import Progress

from grader.audit.baseline import Baseline, read_baseline
from grader.audit.cache import ResultCache, is_final
from grader.audit.variants import Variant, build_variant, read_variants
from grader.catalog import Assignment
from grader.environment import usable_cores
from grader.grading.run import Grader
from grader.records import Case, SubmissionResult

SEED = 20_240_229  # every variant sees the same inputs, so that a verdict that changes is a change of the suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the suite made of one variant.

    Attributes:
        failed_tasks: Tasks in which a test failed.
        survived: Tests that had to fail and didn't, or failed in another way than expected.
        collateral: Tests that failed without being listed.
        lost: A right variant's tests that had to pass and didn't.
        trouble: Why it could not be judged; empty where it could.
    """

    variant: str
    kind: str
    failed_tasks: tuple[str, ...]
    survived: tuple[str, ...] = ()
    collateral: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    trouble: str = ""
    duration_s: float = 0.0
    cached: bool = False

    @property
    def falls_short(self) -> bool:
        return bool(self.survived or self.collateral or self.lost or self.trouble)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The kill matrix of a suite: variants x tasks. `duration_s` is the wall time of the audit."""

    assignment: str
    tasks: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    duration_s: float = 0.0

    @property
    def shortcomings(self) -> list[Verdict]:
        """Variants that the suite did not judge as it must."""
        return [verdict for verdict in self.verdicts if verdict.falls_short]

    def to_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self))


def judge_variant(variant: Variant, result: SubmissionResult, assignment: Assignment, cached: bool = False) -> Verdict:
    """Holds the cases of a graded variant against what it must earn."""
    cases = [case for case in result.cases if case.status != "awaiting_review"]
    failed = [case for case in cases if case.status == "failed"]
    unchecked = [case for case in cases if case.status == "could_not_check"]
    survived: list[str] = []
    collateral: list[str] = []
    lost: list[str] = []
    trouble = "" if result.verdict == "graded" else result.headline or "could not be graded"
    if unchecked and not trouble:
        trouble = f"{unchecked[0].id} could not be checked: {(unchecked[0].detail.splitlines() or [''])[-1]}"
    if not trouble and variant.kind == "wrong":
        survived = [text for name in variant.fails if (text := _survivor(name, cases, variant))]
        if not variant.fails:
            survived = ["no test is named, so none can catch it"]
        collateral = [case.id for case in failed if not any(_is_named(case, name) for name in variant.fails)]
    elif not trouble:
        tiers = assignment.tiers[: assignment.tiers.index(variant.tier) + 1]
        if variant.tier == assignment.tiers[-1]:
            tiers = (*tiers, *assignment.bonus_tiers)
        lost = [f"{case.id}: {case.message}" for case in cases if case.tier in tiers and case.status != "passed"]
    return Verdict(
        variant=variant.name,
        kind=variant.kind,
        failed_tasks=tuple(dict.fromkeys(case.task for case in failed)),
        survived=tuple(survived),
        collateral=tuple(collateral),
        lost=tuple(lost),
        trouble=trouble,
        duration_s=result.duration_s,
        cached=cached,
    )


def audit_assignment(
    assignment: Assignment, variants_file: Path | None, sample: int | None, console: Console
) -> Matrix:
    """Grades the variants of an assignment and judges each.

    Args:
        variants_file: Another file than the suite's own variants.toml.
        sample: That many variants, the same ones every time for the same suite; None for all.
        console: Where progress goes.

    Raises:
        InvalidAssignment: See `read_variants` and `build_variant`.
    """
    started = time.monotonic()
    variants = read_variants(variants_file or assignment.suite_dir / "variants.toml", assignment)
    if sample is not None:
        variants = sorted(variants, key=lambda variant: hashlib.sha256(variant.name.encode()).digest())[:sample]
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        starts = build_starts(assignment, variants, Path(folder) / "unchanged")
        built = [build_variant(variant, assignment, Path(folder) / "built" / variant.name) for variant in variants]
        verdicts = _grade_all(assignment, variants, built, starts, console)
    return Matrix(
        assignment=assignment.name,
        tasks=tuple(assignment.tasks),
        verdicts=tuple(verdicts),
        duration_s=round(time.monotonic() - started, 1),
    )


def build_starts(assignment: Assignment, variants: Sequence[Variant], into: Path) -> dict[Path | None, Path]:
    """What variants are edited from: under None the solution, and each folder of files that several of them share."""
    shared = Counter(variant.folder for variant in variants if variant.edits)
    folders = [None, *(folder for folder, count in shared.items() if folder is not None and count > 1)]
    return {
        folder: build_variant(Variant(name="start", kind="right", folder=folder), assignment, into / str(number))
        for number, folder in enumerate(folders)
    }


def _grade_all(
    assignment: Assignment,
    variants: Sequence[Variant],
    built: Sequence[Path],
    starts: Mapping[Path | None, Path],
    console: Console,
) -> list[Verdict]:
    cache = ResultCache(assignment, SEED)
    keys = [cache.key(folder, variant.trains) for variant, folder in zip(variants, built, strict=True)]
    found = [cache.get(key, SubmissionResult) for key in keys]
    idle: SimpleQueue[Grader] = SimpleQueue()
    baselines: dict[Path | None, Baseline] = {}

    def judge(variant: Variant, folder: Path, key: str, result: SubmissionResult | None) -> Verdict:
        if result is not None:
            return judge_variant(variant, result, assignment, cached=True)
        grader = idle.get()
        try:
            start = variant.folder if variant.folder in baselines else None
            known = baselines[start].known(starts[start], folder)
            result = grader.grade(folder, seed=SEED, trains=variant.trains, known=known)
        finally:
            idle.put(grader)
        if is_final(result):
            cache.put(key, result)
        return judge_variant(variant, result, assignment)

    slots = usable_cores()[: found.count(None)]
    with ExitStack() as stack:
        for core in slots:
            idle.put(stack.enter_context(Grader(assignment, cores=(core,))))
        if slots:
            grader = idle.get()
            edited = {variant.folder for variant, result in zip(variants, found, strict=True) if result is None}
            for start, folder in starts.items():
                if start is None or start in edited:
                    baselines[start] = read_baseline(grader, folder, cache, SEED)
            idle.put(grader)
        progress = stack.enter_context(Progress(console=console, transient=True))
        pool = stack.enter_context(ThreadPoolExecutor(max(1, len(slots))))
        return list(
            progress.track(pool.map(judge, variants, built, keys, found), len(variants), description="variants")
        )


def _is_named(case: Case, name: str) -> bool:
    test = case.id.partition("::")[2]
    return name == test or name == test.partition("[")[0]


def _survivor(name: str, cases: Sequence[Case], variant: Variant) -> str:
    """Why a named test did not catch the variant; "" where it did."""
    named = [case for case in cases if _is_named(case, name)]
    if not named:
        return f"{name}: no such test ran"
    if any(case.status == "failed" and case.kind in variant.how for case in named):
        return ""
    statuses = ", ".join(sorted({f"{case.status} ({case.kind})" for case in named}))
    return f"{name}: {statuses}; expected failed ({' or '.join(variant.how)})"
