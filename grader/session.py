"""What `grader grade` does around a grading: progress, the result file, the table and the report."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from rich.console import Console

from grader import catalog
from grader.files import remove_leftovers, replace_file
from grader.grading.run import Grader
from grader.records import SubmissionResult
from grader.report import html, schema, terminal
from grader.report.progress import Progress


def grade_and_report(
    submission: Path,
    assignment: str,
    json_file: Path | None,
    html_file: Path | None,
    audience: Literal["student", "staff"],
    seed: int | None,
    insecure: bool,
    console: Console,
    progress_console: Console,
) -> SubmissionResult:
    """Grades one submission with progress on `progress_console`; writes what was asked for, prints the table.

    The result file is whole and true at any moment: it says "interrupted" first, and is replaced after each test. A
    disk that is full for a while costs nothing: what can't be written then is written later, and the table is printed
    even if the result can't be kept at all.

    Raises:
        UnknownAssignment, InvalidAssignment: See `catalog.load`.
        OSError: A file can't be written. A folder that can't be made is known before anything is graded.
    """
    for file in filter(None, (json_file, html_file)):
        file.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(file)
    kept = 0

    def keep(result: SubmissionResult) -> None:
        if json_file is not None:
            replace_file(json_file, schema.to_json(result))

    def keep_meanwhile(result: SubmissionResult) -> None:
        nonlocal kept
        try:
            keep(result)
        except OSError:
            if not kept:  # nothing is graded yet, so nothing is lost
                raise
        kept += 1

    with Grader(catalog.load(assignment), insecure=insecure) as grader, Progress(progress_console) as progress:
        result = grader.grade(submission, seed=seed, watcher=progress, on_update=keep_meanwhile)
    try:
        keep(result)
    finally:
        terminal.show(result, console)
    if html_file is not None:
        html.write(result, html_file, audience)
    return result
