"""Runs one adapter beside the student's code and says in plain values what came of it.

A worker of the grader and the handout's conftest.py use the same functions, so a student reads the same words at home.
A reply is `{"ok": True, "value": ...}` or `{"ok": False, "error": {...}}` with these keys:

    kind     not_implemented | missing | import_failed | signature | forbidden | raised | memory | unsendable
    type     name of the exception's class
    message  its text, at most 500 characters
    name     the adapter, or the module that was imported
    task     id of the open task, or None
    place    {"file", "line", "function", "code"} of the innermost line of the submission, or None

The handout holds a copy of this file, so it imports the standard library, NumPy, `wire` and `hollow` alone.
"""

from __future__ import annotations

import importlib
import linecache
import os
import re
import traceback
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from . import hollow, wire

MESSAGE_CHARS = 500
KINDS = ("not_implemented", "missing", "import_failed", "signature", "forbidden", "raised", "memory", "unsendable")
# Files of the kit that lie in the same folder as the student's.
_KIT_FILES = frozenset(("adapters.py", "conftest.py", "test_public.py"))
_KIT_FOLDER = "kit"
_TASK = re.compile(r"\bTask (\w+(?:\.\w+)*)")
_USER_CODE = re.compile(r'File "([^"\n]+)", line (\d+), in (\S+)')
_KERAS_WORDS = re.compile(
    r"Exception encountered when calling [^\n]*\n\s*\n(.*?)(?:\n\s*\nArguments received by |\Z)", re.DOTALL
)
_BOLD = re.compile(r"\x1b\[[0-9;]*m")  # Keras writes messages in bold
_MOST_WRAPPINGS = 8
_ARGUMENTS = re.compile(r"argument|not callable|takes \d|too many values")


def call(adapters: ModuleType | str, name: str, arguments: Mapping[str, Any], root: str) -> dict[str, Any]:
    """Calls the adapter of that name and returns the reply; raises nothing.

    Args:
        adapters: The module, or its name, to be imported first (a failure of that is the reply).
        arguments: Passed by keyword.
        root: Folder of the submission: tells the student's lines from others.
    """
    try:
        module = importlib.import_module(adapters) if isinstance(adapters, str) else adapters
        value = wire.copied(getattr(module, name)(**arguments))
    except wire.WireError as error:
        return _failed("unsendable", error, name, None)
    # Student code may raise SystemExit, KeyboardInterrupt or a BaseException of its own: all are its answer.
    except BaseException as error:
        return {"ok": False, "error": failure(error, name, root)}
    return {"ok": True, "value": value}


def load(name: str, root: str) -> dict[str, Any]:
    """Imports one module of the submission and returns the reply, whose value is None; raises nothing."""
    try:
        module = importlib.import_module(name)
        origin = getattr(module, "__file__", None)
        if not isinstance(origin, str) or _relative(origin, os.path.realpath(root)) is None:
            text = f"`{name}` is the name of an installed package, and no module of that name is in the submission"
            return _failed("missing", ModuleNotFoundError(text), name, None)
    # As in `call`: a module that calls sys.exit() must not end the process.
    except BaseException as error:
        return {"ok": False, "error": failure(error, name, root)}
    return {"ok": True, "value": None}


def failure(error: BaseException, name: str, root: str) -> dict[str, Any]:
    """Describes an exception of the student's code as a plain dict (see the top of this file)."""
    try:
        return _Failure(error, name, os.path.realpath(root)).as_dict()
    # The exception's class may be hostile: `__str__` that raises, a traceback of a foreign type.
    except BaseException:
        return _failed("raised", Exception("(its text can't be shown)"), name, None)["error"]  # type: ignore[no-any-return]


def describe(error: Mapping[str, Any], *, with_place: bool = True) -> str:
    """Says in one sentence for the student what an error dict holds.

    Args:
        error: The `error` of a reply.
        with_place: Ends the sentence with file, line and code.
    """
    kind, what, name = error["kind"], f"{error['type']}: {error['message']}".rstrip(": "), error["name"]
    place = error["place"]
    where = f"`{place['function']}`" if place and place["function"] else f"`{name}`"
    if kind == "not_implemented":
        text = f"Task {error['task']} is still open" if error["task"] else f"{where} is still open"
        text += f": {where} raises NotImplementedError" if error["task"] else ": it raises NotImplementedError"
    elif kind == "missing":
        text = f"A name that the handout fixes is missing: {error['message']}"
    elif kind == "import_failed":
        module = f"`{place['file']}`" if place else "a module of the submission"
        advice = (
            '; put what runs as a program under `if __name__ == "__main__":`' if error["type"] == "SystemExit" else ""
        )
        text = f"Importing {module} failed with {what}{advice}"
    elif kind == "signature":
        text = f"`{name}` can't use the submission as the handout fixes it: {what}"
    elif kind == "forbidden":
        text = f"{where} uses a package that this assignment does not allow: {error['message']}"
    elif kind == "memory":
        text = f"{where} asked for more memory than it may use: {what}"
    elif kind == "unsendable":
        text = f"The answer of `{name}` holds {error['message']}"
    elif place:
        text = f"{where} raised {what}"
    else:
        text = f"`{name}` failed with {what}"
    if not (with_place and place):
        return text
    code = f": `{place['code']}`" if place["code"] else ""
    return f"{text} ({place['file']}, line {place['line']}{code})"


def clean(text: str, limit_chars: int = MESSAGE_CHARS) -> str:
    """Cuts a text to a length and replaces what a terminal or a report must not see."""
    kept = text[: limit_chars + 1]
    kept = "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in kept)
    return kept if len(kept) <= limit_chars else kept[: limit_chars - 1] + "…"


def _failed(kind: str, error: BaseException, name: str, place: dict[str, Any] | None) -> dict[str, Any]:
    message = clean(str(error))
    entry = {"kind": kind, "type": type(error).__name__, "message": message, "name": name, "task": None, "place": place}
    return {"ok": False, "error": entry}


class _Failure:
    """Finds kind, task and place of one exception."""

    def __init__(self, error: BaseException, name: str, root: str) -> None:
        self.error = error
        self.name = name
        self.root = root
        # (path inside the submission or None, line, code object), outermost first.
        self.frames = [
            (_relative(frame.f_code.co_filename, root), line, frame.f_code)
            for frame, line in traceback.walk_tb(error.__traceback__)
        ]
        self.own = [entry for entry in self.frames if _is_students(entry[0])]
        self.text = _BOLD.sub("", _text(error))

    def as_dict(self) -> dict[str, Any]:
        message = clean(_last_words(self.text))
        task = _TASK.search(self.text) if isinstance(self.error, NotImplementedError) else None
        return {
            "kind": self.kind(),
            "type": clean(str(type(self.error).__name__), 100),
            "message": message,
            "name": self.name,
            "task": task.group(1) if task else None,
            "place": self.place(),
        }

    def kind(self) -> str:
        error = self.error
        if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
            return "memory"
        if isinstance(error, NotImplementedError) and (_TASK.search(self.text) or self.innermost_is_students()):
            return "not_implemented"
        if isinstance(error, ModuleNotFoundError) and (not self.own or error.name == self.name):
            return "missing"
        if any(code.co_name == "<module>" for _, _, code in self.own):
            return "import_failed"
        if isinstance(error, SyntaxError) and (not self.own or self.unparsed() is not None):
            return "import_failed"
        if isinstance(error, hollow.ForbiddenUse):
            return "forbidden"
        if not self.own:
            return self.kind_of_use()
        return "raised"

    def kind_of_use(self) -> str:
        """The kind of an error in which no line of the student's took part."""
        error = self.error
        innermost = self.frames[-1][2].co_filename if self.frames else ""
        in_adapter = Path(innermost).name in _KIT_FILES or innermost == call.__code__.co_filename
        if isinstance(error, ImportError):
            return "missing"
        # A file that can't even be decoded; the import system takes its own frames away.
        if innermost.startswith("<frozen importlib") or (isinstance(error, ValueError) and "null bytes" in self.text):
            return "import_failed"
        if isinstance(error, AttributeError) and in_adapter:
            # A name that a module, class or object of the submission lacks; None without `.shape` is another matter.
            owner = getattr(error, "obj", None)
            named = isinstance(owner, (ModuleType, type)) or type(owner).__module__ != "builtins"
            return "missing" if named else "raised"
        # Keras binds the arguments itself, so a wrong signature may show in its frames.
        if isinstance(error, TypeError) and (in_adapter or _ARGUMENTS.search(self.text)):
            return "signature"
        return "raised"

    def unparsed(self) -> str | None:
        """The file of the submission that a SyntaxError names."""
        name = self.error.filename if isinstance(self.error, SyntaxError) else None
        return _relative(name, self.root) if isinstance(name, str) else None

    def innermost_is_students(self) -> bool:
        return bool(self.frames) and _is_students(self.frames[-1][0])

    def place(self) -> dict[str, Any] | None:
        error = self.error
        if isinstance(error, SyntaxError) and (file := self.unparsed()) is not None:
            code = clean(str(error.text or "").strip(), 200)
            return {"file": file, "line": int(error.lineno or 0), "function": "", "code": code}
        # AutoGraph raises anew and keeps the student's lines in the message alone.
        for path, line, function in reversed(_USER_CODE.findall(self.text)):
            file = _relative(path, self.root)
            if file is not None and _is_students(file):
                return self.entry(path, file, int(line), function)
        if not self.own:
            return None
        found, line, code_object = self.own[-1]
        return self.entry(code_object.co_filename, str(found), line, _qualified(code_object))

    def entry(self, path: str, file: str, line: int, function: str) -> dict[str, Any]:
        function = "" if function == "<module>" else function
        return {
            "file": file,
            "line": line,
            "function": clean(function, 100),
            "code": clean(linecache.getline(path, line).strip(), 200),
        }


@lru_cache(maxsize=1024)  # a deep recursion has one file and thousands of frames
def _relative(path: str, root: str) -> str | None:
    """Path inside the submission with forward slashes, or None."""
    if path.startswith("<"):
        return None
    full = os.path.realpath(path)
    if not os.path.normcase(full).startswith(os.path.normcase(root).rstrip(os.sep) + os.sep):
        return None
    return os.path.relpath(full, root).replace(os.sep, "/")


def _is_students(file: str | None) -> bool:
    return file is not None and file not in _KIT_FILES and not file.startswith(_KIT_FOLDER + "/")


def _qualified(code: CodeType) -> str:
    """`LSTMCell.call`, or `call` before Python 3.11."""
    return str(getattr(code, "co_qualname", code.co_name)).replace(".<locals>", "")


def _text(error: BaseException) -> str:
    try:
        # Its text would repeat the place.
        return str.__str__(error.msg if isinstance(error, SyntaxError) else str(error))
    # Hostile `__str__`.
    except BaseException:
        return "(its text can't be shown)"


def _last_words(text: str) -> str:
    """The message that the student's code gave, out of what AutoGraph and Keras wrap around it."""
    for _ in range(_MOST_WRAPPINGS):
        bare = text.strip()
        if bare.startswith("in user code:"):
            # Lines of a traceback, then, indented alike, "ValueError: message".
            lines = [line.removeprefix("    ") for line in bare.splitlines()]
            last = max((number for number, line in enumerate(lines) if _USER_CODE.search(line)), default=0)
            end = next((number for number in range(last, len(lines)) if not lines[number].strip()), last)
            bare = re.sub(r"^\w+: ", "", "\n".join(lines[end:]).strip())
        found = _KERAS_WORDS.match(bare)
        bare = found.group(1).strip() if found else bare
        if bare == text:
            break
        text = bare
    return text
