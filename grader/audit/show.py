"""The kill matrix on a terminal."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.audit.matrix import Matrix, Verdict

_COMPACT: dict[str, Any] = {"box": SIMPLE_HEAD, "padding": (0, 1, 0, 0), "title_justify": "left", "pad_edge": False}
_LONGEST_WORD, _LEAST_NAME = "lost points", 12  # of the verdict; characters of a variant's name


def show_matrix(matrix: Matrix, console: Console) -> None:
    """Prints variants x tasks, then what falls short, one line each."""
    for kind in ("wrong", "right"):
        table = Table(
            title=f"{matrix.assignment}, {kind} variants: x marks the tasks in which a test failed", **_COMPACT
        )
        heading = " ".join(matrix.tasks)  # one column: cells of their own would not fit 80 characters
        room = max(_LEAST_NAME, console.width - len(heading) - len(_LONGEST_WORD) - 6)
        table.add_column("variant", overflow="ellipsis", no_wrap=True, max_width=room)
        table.add_column("verdict", no_wrap=True, min_width=len(_LONGEST_WORD))
        table.add_column(heading, no_wrap=True)
        for verdict in matrix.verdicts:
            if verdict.kind == kind:
                marks = [("x" if task in verdict.failed_tasks else "·").center(len(task)) for task in matrix.tasks]
                table.add_row(escape(verdict.variant), _word(verdict), " ".join(marks))
        if table.rows:
            console.print(table)
    for verdict in matrix.shortcomings:
        for text in _explanations(verdict):
            console.print(f"{verdict.variant}: {text}", markup=False, highlight=False, soft_wrap=True)
    wrong = [verdict for verdict in matrix.verdicts if verdict.kind == "wrong"]
    right = [verdict for verdict in matrix.verdicts if verdict.kind == "right"]
    caught = sum(not verdict.survived and not verdict.trouble for verdict in wrong)
    fair = sum(not verdict.falls_short for verdict in right)
    cached = sum(verdict.cached for verdict in matrix.verdicts)
    console.print(
        f"{caught} of {len(wrong)} wrong variants caught at their named tests, {fair} of {len(right)} right ones "
        f"earned their tier; {len(matrix.shortcomings)} fall short. "
        f"{matrix.duration_s:.0f} s, {cached} results from the cache",
        highlight=False,
    )


def _word(verdict: Verdict) -> str:
    if verdict.trouble:
        return "none"
    if verdict.survived:
        return "survived"
    if verdict.collateral:
        return "collateral"
    if verdict.lost:
        return "lost points"
    return "caught" if verdict.kind == "wrong" else "full marks"


def _explanations(verdict: Verdict) -> list[str]:
    lines = [f"no verdict: {verdict.trouble}"] if verdict.trouble else []
    lines += [f"survived: {text}" for text in verdict.survived]
    lines += [f"collateral: {text}" for text in verdict.collateral]
    return lines + [f"lost: {text}" for text in verdict.lost]
