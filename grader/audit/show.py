"""The kill matrix on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.audit.matrix import Matrix, Verdict


def show_matrix(matrix: Matrix, console: Console) -> None:
    """Prints variants x tasks, then what falls short, one line each."""
    table = Table(title=f"{matrix.assignment}: x marks the tasks in which a variant failed", title_justify="left")
    table.add_column("variant", no_wrap=True)
    table.add_column("kind")
    for task in matrix.tasks:
        table.add_column(task, justify="center")
    table.add_column("verdict")
    for verdict in matrix.verdicts:
        marks = ["x" if task in verdict.failed_tasks else "·" for task in matrix.tasks]
        table.add_row(escape(verdict.variant), verdict.kind, *marks, _word(verdict))
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
        f"{caught} of {len(wrong)} wrong variants caught at their named tests, {fair} of {len(right)} right ones earned "
        f"their tier; {len(matrix.shortcomings)} fall short. {matrix.duration_s:.0f} s, {cached} results from the cache",
        highlight=False,
    )


def _word(verdict: Verdict) -> str:
    if verdict.trouble:
        return "no verdict"
    if verdict.survived:
        return "survived"
    if verdict.collateral:
        return "caught, with collateral"
    if verdict.lost:
        return "lost points"
    return "caught" if verdict.kind == "wrong" else "full marks"


def _explanations(verdict: Verdict) -> list[str]:
    lines = [f"no verdict: {verdict.trouble}"] if verdict.trouble else []
    lines += [f"survived: {text}" for text in verdict.survived]
    lines += [f"collateral: {text}" for text in verdict.collateral]
    return lines + [f"lost: {text}" for text in verdict.lost]
