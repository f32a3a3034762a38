"""What a worker's reply, silence or end means: turns untrusted bytes and exit statuses into `grader.errors`."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

from grader.errors import (
    BadAnswer,
    ForbiddenUse,
    ImportFailed,
    MemoryLimit,
    MissingName,
    NotImplementedYet,
    Place,
    SandboxFailed,
    StudentError,
    StudentRaised,
    TimeLimit,
    WorkerDied,
    WrongSignature,
)
from grader.sandbox import calls, wire

CRASH = "Fatal Python error: "  # faulthandler's first words

_ERRORS: dict[str, type[StudentError]] = {
    "not_implemented": NotImplementedYet,
    "missing": MissingName,
    "import_failed": ImportFailed,
    "signature": WrongSignature,
    "forbidden": ForbiddenUse,
    "raised": StudentRaised,
    "memory": MemoryLimit,
    "unsendable": BadAnswer,
}
_OUT_OF_MEMORY = re.compile(
    rb"bad_alloc|MemoryError|Cannot allocate memory|out of memory|OOM when allocating|Resource temporarily unavailable",
    re.IGNORECASE,
)
_DUMPED_LINE = re.compile(r'^  File "([^"\n]+)", line (\d{1,9}) in (.+)$', re.MULTILINE)
_SOURCE_BYTES = 1 << 20
_MOST_LINE = 10**9


def checked_reply(message: Any, request_id: str) -> dict[str, Any]:
    """Returns the reply inside a message; believes nothing.

    Raises:
        wire.WireError: It is no reply of the form that `calls` gives, or not to this request.
    """
    if not isinstance(message, dict) or message.get("id") != request_id:
        raise wire.WireError("a message that answers no question")
    reply = message.get("reply")
    if not isinstance(reply, dict) or not isinstance(reply.get("ok"), bool):
        raise wire.WireError("a message of unknown form")
    if reply["ok"]:
        if "value" not in reply:
            raise wire.WireError("a message of unknown form")
        return reply
    error = reply.get("error")
    if not isinstance(error, dict) or not isinstance(error.get("kind"), str) or error["kind"] not in _ERRORS:
        raise wire.WireError("a message of unknown form")
    return reply


def student_error(error: dict[str, Any], name: str) -> StudentError:
    """Builds the exception of an error dict, of which `checked_reply` has looked at the kind alone."""
    task = _text(error.get("task"), 20) or None
    place = _place(error.get("place"))
    checked: dict[str, Any] = {
        "kind": error["kind"],
        "type": _text(error.get("type"), 100),
        "message": _text(error.get("message"), calls.MESSAGE_CHARS),
        "name": name,
        "task": task,
        "place": vars(place) if place else None,
    }
    return _ERRORS[checked["kind"]](calls.describe(checked, with_place=False), task=task, place=place)


def _seconds(limit_s: float) -> str:
    """Two digits of a short time, whole seconds of a longer one."""
    return f"{max(limit_s, 0.0):.2g}" if limit_s < 10 else f"{limit_s:.0f}"


def overdue(what: str, limit_s: float, place: Place | None) -> StudentError:
    """No answer inside the limit; `what` names the call or import."""
    verb = "took longer than" if what.startswith("Importing") else "gave no answer within"
    return TimeLimit(f"{what} {verb} {_seconds(limit_s)} s", place=place)


def scratch_full(what: str, scratch_bytes: int) -> StudentError:
    """The folder held more than it may, and the worker was stopped."""
    size = f"{scratch_bytes >> 20} MB"
    return WorkerDied(f"{what} was stopped: it wrote more or larger files than its folder may hold ({size})")


def too_many_threads(what: str, most: int) -> StudentError:
    """More threads than a worker may start, and it was stopped."""
    return WorkerDied(f"{what} was stopped: it started more than {most} threads")


def ended(
    what: str, status: int | None, tail: bytes, place: Place | None, memory_bytes: int, cpu_s: float
) -> StudentError:
    """Says why a process ended by itself.

    Args:
        status: As of os.wait; None: it lives, but has closed its line.
        tail: The end of its output.
        place: The line that faulthandler named, if any.

    Raises:
        SandboxFailed: Something else than the box or the process itself ended it.
    """
    if status is None:
        return WorkerDied(f"{what} closed its line to the grader and gave no answer")
    if os.WIFEXITED(status):
        return WorkerDied(f"{what} ended the process (exit code {os.WEXITSTATUS(status)}) before an answer was there")
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU:
        return TimeLimit(f"{what} used more than {_seconds(cpu_s)} s of processor time a core")
    if number in (signal.SIGABRT, signal.SIGKILL, signal.SIGSEGV) and _OUT_OF_MEMORY.search(tail):
        return MemoryLimit(
            f"{what} needed more than the {memory_bytes >> 20} MB of memory that it may use", place=place
        )
    if number == signal.SIGKILL:  # not by the box: that has words of its own
        raise SandboxFailed(f"{what} was killed from outside, as the system does where memory runs out")
    names: dict[int, str] = {signal.SIGSEGV: "a segmentation fault", signal.SIGABRT: "an abort"}
    return WorkerDied(f"{what} crashed the process ({names.get(number, f'signal {number}')})", place=place)


def dumped_place(tail: bytes, root: Path, *, at_import: bool = False) -> Place | None:
    """The innermost line of the submission in what faulthandler wrote; the student could have written that too.

    Args:
        tail: The end of the worker's output.
        root: Folder of the submission.
        at_import: Prefers a line at a module's top level: that is what an import should not run.
    """
    text = tail.decode("utf-8", errors="replace")
    found = [
        (file, int(line), function)
        for path, line, function in _DUMPED_LINE.findall(text[max(text.rfind(CRASH), 0) :])
        if (file := Path(path)).is_relative_to(root) and ".." not in file.parts and file.name != "adapters.py"
    ]
    if at_import:
        found = [entry for entry in found if entry[2] == "<module>"] or found
    if not found:
        return None
    file, number, function = found[0]
    function = "" if function == "<module>" else calls.clean(function, 100)
    return Place(_text(file.relative_to(root).as_posix(), 200), number, function, _source_line(file, number))


def _text(value: object, limit_chars: int) -> str:
    return calls.clean(value, limit_chars) if isinstance(value, str) else ""


def _place(found: object) -> Place | None:
    if not isinstance(found, dict) or not isinstance(found.get("line"), int) or not _text(found.get("file"), 200):
        return None
    line = max(0, min(found["line"], _MOST_LINE))
    return Place(_text(found["file"], 200), line, _text(found.get("function"), 100), _text(found.get("code"), 200))


def _source_line(file: Path, number: int) -> str:
    """That line of a file of the submission, or "" where there is none."""
    try:
        with file.open("rb") as source:
            lines = source.read(_SOURCE_BYTES).decode("utf-8", errors="replace").splitlines()
    except (OSError, ValueError):  # ValueError: a name that no file can have, such as one with a NUL
        return ""
    return calls.clean(lines[number - 1].strip(), 200) if 0 < number <= len(lines) else ""
