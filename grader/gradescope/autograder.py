"""What `run_autograder` runs, inside Gradescope's container: `python -m grader.gradescope.autograder FOLDER`.

FOLDER is /autograder. results.json there says "interrupted" before this program starts, and is replaced at once after
each test, so that a kill at the time limit, or by the system where memory runs out, leaves a whole and true file.
What is printed here goes to Gradescope's log, which the staff alone sees.
"""

from __future__ import annotations

import sys
import traceback
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from grader import catalog
from grader.errors import InvalidAssignment, SandboxFailed, SandboxUnavailable
from grader.files import replace_file
from grader.gradescope.feedback import Run, broken_down, make_results, staff_text
from grader.gradescope.metadata import read_metadata
from grader.gradescope.results import to_json
from grader.grading.run import Grader
from grader.records import SubmissionResult
from grader.sandbox.box import JailedBox, ZygoteServer, self_test

RESULTS = "results/results.json"
SUBMISSION = "submission"
METADATA = "submission_metadata.json"


def main(arguments: list[str]) -> int:
    """`FOLDER` grades; `--check` says what this machine can do, at the end of the set-up."""
    if arguments == ["--check"]:
        return check()
    run_in(Path(arguments[0]))
    return 0


def run_in(folder: Path) -> None:
    """Grades `folder`/submission and writes `folder`/results/results.json, whatever happens."""
    place = folder / RESULTS
    place.parent.mkdir(parents=True, exist_ok=True)
    run: Run | None = None
    try:
        run = plan(folder)
        result = grade(folder, run, place)
        replace_file(place, to_json(make_results(result, run)))
        print(f"{result.verdict}: {result.score:g} of {result.max_score:g} points, sandbox {result.sandbox_tier}")
        print(result.headline if result.verdict == "graded" else "")
        print(staff_text(result, run.metadata))
    except Exception as error:  # ours, whatever it is: the student must not pay for it
        traceback.print_exc(file=sys.stdout)
        reason = f"the autograder broke down ({type(error).__name__}: {error})"
        replace_file(place, to_json(broken_down(reason, traceback.format_exc(), run)))


def plan(folder: Path) -> Run:
    """Which assignment this bundle grades, and how much of it runs today.

    Raises:
        InvalidAssignment: The bundle holds none, or several.
    """
    names = catalog.names()
    if len(names) != 1:
        raise InvalidAssignment(f"a bundle holds one assignment; this one holds {', '.join(names) or 'none'}")
    assignment, metadata = catalog.load(names[0]), read_metadata(folder / METADATA)
    limit = assignment.gradescope.full_runs_per_day
    return Run(
        assignment=assignment,
        metadata=metadata,
        public_only=bool(limit) and metadata.full_runs_today >= limit,
    )


def grade(folder: Path, run: Run, place: Path) -> SubmissionResult:
    """Grades with a results.json after each test."""

    def keep(result: SubmissionResult) -> None:
        replace_file(place, to_json(make_results(named(result), run)))

    def named(result: SubmissionResult) -> SubmissionResult:
        return replace(result, submission=replace(result.submission, submitters=run.metadata.names))

    with Grader(run.assignment) as grader:
        return named(grader.grade(folder / SUBMISSION, public_only=run.public_only, on_update=keep))


def check() -> int:
    """Imports what a grading imports, and proves the jail; a failure here shows in the build, not to students."""
    assignment = catalog.load(catalog.names()[0])
    try:
        for kind in assignment.workers:
            with ZygoteServer(kind) as zygote:
                zygote.wait_ready()
                with closing(JailedBox(zygote.control_fd)) as box:
                    print(f"{assignment.name}: sandbox tier jailed, {kind}: {self_test(box)}")
    except SandboxUnavailable as error:  # an image may be built on another kernel than it runs on
        print(f"{assignment.name}: no jail while building: {error}")
    except SandboxFailed as error:
        print(f"{assignment.name} can't be graded here: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
