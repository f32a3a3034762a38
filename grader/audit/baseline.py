"""What unchanged files earn, test by test: a test that opens no file that a variant changes need not run again.

They are those of the solution, or of a folder that several variants start from.

A test's inputs follow from the seed and its id, so with the same files its outcome is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grader.audit.cache import ResultCache, is_final
from grader.grading.run import Grader
from grader.records import Case, SubmissionResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """One grading of files that variants are edited from, without trainings.

    Attributes:
        opened: Names of the files that each test opened; a test that can't tell is left out.
    """

    result: SubmissionResult
    opened: dict[str, frozenset[str]]

    def known(self, solution: Path, variant: Path) -> tuple[Case, ...]:
        """The outcomes that hold for a variant too. None where it adds a file or takes one away."""
        names = _names(solution)
        if names != _names(variant):
            return ()
        changed = {name for name in names if (solution / name).read_bytes() != (variant / name).read_bytes()}
        return tuple(
            case for case in self.result.cases if case.id in self.opened and not self.opened[case.id] & changed
        )


def read_baseline(grader: Grader, solution: Path, cache: ResultCache, seed: int) -> Baseline:
    """Grades the solution, unless that has been done before; `solution` is a copy as variants are built from."""
    key = cache.key(solution, trains=False)
    found = cache.get(f"{key}.opened", Baseline)
    if found is None:
        opened: dict[str, frozenset[str]] = {}
        result = grader.grade(solution, seed=seed, trains=False, on_opened=opened.__setitem__)
        ended = {case.id for case in result.cases if case.status in ("passed", "failed")}
        found = Baseline(result=result, opened={case: files for case, files in opened.items() if case in ended})
        if is_final(result):
            cache.put(f"{key}.opened", found)
    return found


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
