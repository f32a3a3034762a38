"""One submission's report as one HTML file: no script, no external resource, no colour that carries meaning alone.

Who reads what:

- A *student* reads every case by title, status, points, message and hint, whatever its visibility: messages and
  hints are written for students and never carry a hidden input, and a bare "hidden test failed" teaches nothing.
  What the student's code printed is shown for `visible` cases alone, for it may have printed the inputs that it got.
  Left out are ids of tests, durations, the seed (it replays the hidden inputs), hashes, the machine, tracebacks of
  the kit, and the folder in which the hand-in lay. `after_due_date` and `after_published` count as `hidden`: a file
  knows no dates. Where cases must not be seen at all, Gradescope's own visibilities see to that; this report is
  handed out by a person.
- *Staff* read everything.
"""

from __future__ import annotations

import functools
import os
import re
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import jinja2
from markupsafe import Markup, escape

from grader.files import replace_file
from grader.records import Case, SubmissionResult
from grader.report import plots, text
from grader.report.outline import outline

Audience = Literal["student", "staff"]

MAX_NOTES = 50
_TEMPLATES = Path(__file__).resolve().parent / "templates"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_CODE = re.compile(r"`([^`\n]+)`")


def render(result: SubmissionResult, audience: Audience) -> str:
    """Returns the report as one HTML document.

    Args:
        result: Any result, of either verdict. Its texts may be hostile.
        audience: See the module's docstring.

    Raises:
        ValueError: There is no such audience.
    """
    if audience not in ("student", "staff"):
        raise ValueError(f"audience is {audience!r}; expected 'student' or 'staff'")
    read = outline(result)
    # Of a grading that broke off, only the tasks with a verdict get a section of their own.
    told = [item.task.id for item in read.tasks if item.checked or result.verdict == "graded"]
    template = _environment().get_template("report.html")
    return template.render(
        result=result,
        outline=read,
        anchors={task: number for number, task in enumerate(told, 1)},
        charts=[plots.chart(curve, f"curve-{number}") for number, curve in enumerate(result.curves, 1)],
        staff=audience == "staff",
        file_name=PurePosixPath(result.submission.path.replace("\\", "/")).name,
        max_notes=MAX_NOTES,
    )


def write(result: SubmissionResult, path: str | os.PathLike[str], audience: Audience) -> None:
    """Writes the report, so that a reader of `path` finds the former file or the whole new one, never a part.

    Raises:
        OSError: The folder does not exist or can't be written to.
        ValueError: There is no such audience.
    """
    replace_file(Path(path), render(result, audience).encode("utf-8"))


def shows_output(case: Case, staff: bool) -> bool:
    """Whether a reader sees what the student's code printed in this case."""
    return bool(case.output) and (staff or case.visibility == "visible")


@functools.cache  # the templates are compiled once, not once a report
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Every text that a template prints passes here, so none can be forgotten.
        finalize=_finalize,
    )
    environment.filters.update(
        line=text.clean_line,
        prose=_prose,
        printed=lambda output: escape(text.clean_text(output, text.OUTPUT_CHARS)),
        points=text.points,
        seconds=text.seconds,
        size=text.size,
        moment=_moment,
        mark=text.mark_of,
    )
    environment.globals.update(counted=text.counted, shows_output=shows_output)
    return environment


def _finalize(value: Any) -> Any:
    return text.clean_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _prose(words: str) -> Markup:
    """A message as HTML: `code` in backticks is set as code, everything else is plain text."""
    pieces = _CODE.split(text.clean_text(words))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if index % 2 else escape(piece) for index, piece in enumerate(pieces)
    )


def _moment(iso: str) -> str:
    """An ISO 8601 time in UTC as "22 November 2026, 08:30 UTC"; what is no such time is shown as it is."""
    try:
        moment = datetime.fromisoformat(iso.replace("Z", "+00:00"))
    except ValueError:
        return text.clean_line(iso)
    # Spelled out here, for strftime would follow the machine's locale.
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M} UTC"
