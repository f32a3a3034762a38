"""Which functions of a submission can no longer be called as the handout fixes it, read from the source alone.

CPython's parser may crash on hostile source (see the warning at `ast.parse`), so the comparison runs in a process of
its own, from this file alone: `python -I -B signatures.py STENCIL SUBMISSION MODULE...` prints a JSON list a module.
"""

from __future__ import annotations

import ast
import contextlib
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_SOURCE_BYTES = 512 << 10
_LIMIT_S = 10
_MEMORY_BYTES = 1 << 30
_SHOWN_LENGTH = 120

# `main` belongs to a program's own command line.
_FREE_NAMES = frozenset({"main"})
_SPECIAL_NAMES = frozenset({"__init__", "__call__"})
_UNREADABLE = (OSError, SyntaxError, ValueError, RecursionError, MemoryError)


def changed_signatures(stencil_dir: Path, submission_dir: Path, modules: tuple[str, ...]) -> tuple[str, ...]:
    """Compares the public functions and methods of a submission with the stencil's.

    Args:
        stencil_dir: May be missing: then nothing is compared.
        submission_dir: The submission's root.
        modules: Dotted names, as in assignment.toml.

    Returns:
        A phrase for each function that changed, in the stencil's order. What the submission lacks is not named, nor
        is a module that can't be parsed: the tests tell.
    """
    command = [sys.executable, "-I", "-B", __file__, str(stencil_dir), str(submission_dir), *modules]
    try:
        # Whatever its exit code: before a crash it may have compared some modules.
        output = subprocess.run(command, capture_output=True, timeout=_LIMIT_S).stdout  # noqa: S603 - our own module
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
    whole_lines = output.split(b"\n")[:-1]
    return tuple(phrase for line in whole_lines for phrase in json.loads(line))


@dataclass(frozen=True)
class Signature:
    """The parameters of one function; `self` counts by its place, not by its name.

    Attributes:
        required: Positional ones without a default, in order.
        optional: Positional ones with a default.
        keyword_required: Keyword-only ones without a default.
        keyword_optional: Keyword-only ones with a default.
        takes_any: Whether there is `*args` or `**kwargs`.
        text: The names in parentheses, as written.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    keyword_required: tuple[str, ...]
    keyword_optional: tuple[str, ...]
    takes_any: bool
    text: str

    def accepts(self, handout: Signature) -> bool:
        """Whether the handout's parameters are all here, and no further one must be given.

        Those without a default must also come first and in order; the others are given by name.
        """
        positional = self.required + self.optional
        names = {*positional, *self.keyword_required, *self.keyword_optional}
        promised = {*handout.required, *handout.optional, *handout.keyword_required, *handout.keyword_optional}
        if not self.takes_any and (promised - names or positional[: len(handout.required)] != handout.required):
            return False
        return not {*self.required, *self.keyword_required} - promised


def compare(handout: str | bytes, submitted: str | bytes, file: str) -> list[str]:
    """Compares two sources of one module.

    Args:
        file: Name of the module's file, for the phrases.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: As `ast.parse` does.
    """
    theirs: dict[str, list[Signature]] = {}
    for name, signature in _signatures(ast.parse(submitted).body):
        theirs.setdefault(name, []).append(signature)
    changed = []
    for name, signature in _signatures(ast.parse(handout).body):
        variants = theirs.get(name, [])  # several where an `if` or @overload chooses
        if variants and not any(variant.accepts(signature) for variant in variants):
            changed.append(f"`{name}{variants[-1].text}` in {file}; the handout fixes `{signature.text}`")
    return changed


def _signatures(body: list[ast.stmt], owner: str = "") -> Iterator[tuple[str, Signature]]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if _is_public(node.name):
                yield owner + node.name, _signature(node, is_method=bool(owner))
        elif isinstance(node, ast.ClassDef):
            if _is_public(node.name):
                yield from _signatures(node.body, f"{owner}{node.name}.")
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            yield from _signatures(node.body, owner)
            yield from _signatures(getattr(node, "orelse", []), owner)
            for handler in getattr(node, "handlers", []):
                yield from _signatures(handler.body, owner)


def _is_public(name: str) -> bool:
    return name in _SPECIAL_NAMES or not (name.startswith("_") or name in _FREE_NAMES)


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef, *, is_method: bool) -> Signature:
    arguments = node.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    listed = list(names)
    is_static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in node.decorator_list)
    if is_method and names and not is_static:
        names[0] = "self"
    first_default = len(names) - len(arguments.defaults)
    keyword = list(zip((argument.arg for argument in arguments.kwonlyargs), arguments.kw_defaults, strict=True))
    if arguments.vararg or keyword:
        listed.append(f"*{arguments.vararg.arg}" if arguments.vararg else "*")
    listed += [name for name, _ in keyword]
    if arguments.kwarg:
        listed.append(f"**{arguments.kwarg.arg}")
    return Signature(
        required=tuple(names[:first_default]),
        optional=tuple(names[first_default:]),
        keyword_required=tuple(name for name, default in keyword if default is None),
        keyword_optional=tuple(name for name, default in keyword if default is not None),
        takes_any=bool(arguments.vararg or arguments.kwarg),
        text=f"({', '.join(listed)})"[:_SHOWN_LENGTH],
    )


def _compare_files(stencil_dir: Path, submission_dir: Path, file: str) -> list[str]:
    try:
        if (submission_dir / file).stat().st_size > MAX_SOURCE_BYTES:
            return []
        return compare((stencil_dir / file).read_bytes(), (submission_dir / file).read_bytes(), file)
    except _UNREADABLE:
        return []


def _main(stencil: str, submission: str, *modules: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # macOS knows the limit but refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for module in modules:
        phrases = _compare_files(Path(stencil), Path(submission), f"{module.replace('.', '/')}.py")
        print(json.dumps(phrases), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
