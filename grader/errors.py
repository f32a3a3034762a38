"""Every error of the kit, in two trees that are never mixed.

GradingError
├── StudentError            the submission's fault: a graded outcome
│   ├── NotImplementedYet   a TODO is still open
│   ├── MissingName         a module, class or function of the handout is not there
│   ├── ImportFailed        a module of the submission can't be imported
│   ├── WrongSignature      a name can't be called as the handout fixes it
│   ├── ForbiddenUse        the student's code uses a package that the assignment does not allow
│   ├── StudentRaised       the student's code raised an exception
│   ├── TimeLimit           no answer inside the limit
│   ├── MemoryLimit         more memory than the limit
│   ├── WorkerDied          the process ended without an answer
│   └── BadAnswer           the answer is no array or plain value, or not a whole message
└── KitError                ours or the machine's: could not grade, never zero points
    ├── UnusableSubmission  the hand-in can't be read at all, so nothing was graded
    ├── UnknownAssignment
    ├── InvalidAssignment   assignment.toml, a suite or the markers contradict themselves
    ├── SandboxUnavailable  this machine offers no tier that holds
    ├── SandboxFailed       zygote or judge broke down
    ├── UnreadableResult    a file that should hold a result holds something else
    ├── PreviewUnavailable  this machine can't imitate Gradescope's container
    └── HandoutLeak         a solution line or a hidden test would be in the handout
"""

from __future__ import annotations

from dataclasses import dataclass


class GradingError(Exception):
    """Root of both trees; catch one of the two below instead."""


@dataclass(frozen=True)
class Place:
    """Where in the submission something happened."""

    file: str
    line: int
    function: str = ""
    code: str = ""

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


class StudentError(GradingError):
    """The submission's fault.

    Args:
        message: What happened, in words for the student.
        task: Id of the task whose open TODO or code is the cause, where it is known.
        place: The last line of the submission that took part, where there is one.
    """

    def __init__(self, message: str, *, task: str | None = None, place: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.task = task
        self.place = place

    def __str__(self) -> str:
        return f"{self.message} ({self.place})" if self.place else self.message


class NotImplementedYet(StudentError):
    """A TODO of the stencil is still open."""


class MissingName(StudentError):
    """A module, class or function that the handout fixes is not in the submission."""


class ImportFailed(StudentError):
    """A module of the submission can't be imported."""


class WrongSignature(StudentError):
    """A name can't be called with the arguments that the handout fixes."""


class ForbiddenUse(StudentError):
    """The student's code uses a package that the assignment does not allow."""


class StudentRaised(StudentError):
    """The student's code raised an exception."""


class TimeLimit(StudentError):
    """No answer came inside the limit."""


class MemoryLimit(StudentError):
    """The submission asked for more memory than the limit."""


class WorkerDied(StudentError):
    """The process that ran the submission ended without an answer."""


class BadAnswer(StudentError):
    """What came back is no array or plain value, or no whole message."""


class KitError(GradingError):
    """Ours or the machine's: the submission could not be graded.

    Args:
        message: One sentence that a student may read.
        detail: More, for the staff alone, such as the end of a log.
    """

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class UnusableSubmission(KitError):
    """The hand-in can't be read at all: nothing was graded, and nobody gets zero points for it."""


class UnknownAssignment(KitError):
    """No assignment of that name."""


class InvalidAssignment(KitError):
    """assignment.toml, a suite or the markers of a solution contradict themselves."""


class SandboxUnavailable(KitError):
    """This machine offers no sandbox tier that holds."""


class SandboxFailed(KitError):
    """The zygote or the judge broke down."""


class UnreadableResult(KitError):
    """A file that should hold a result of grading holds something else."""


class PreviewUnavailable(KitError):
    """This machine can't imitate Gradescope's container."""


class HandoutLeak(KitError):
    """A solution line or a hidden test would be in the handout."""
