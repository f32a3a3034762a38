"""Solution text -> stencil text: what stands between `# BEGIN SOLUTION 2.1` and `# END SOLUTION` is taken out.

In its place the stencil has `# TODO 2.1: ...` (the block's `# HINT` lines) and, inside a function,
`raise NotImplementedError("Task 2.1: ...")`. At module or class level the raise is left out, as it would stop the
import; a block there without a hint (a private helper of the solution) leaves no trace. In Markdown the tokens are
HTML comments, and the place of an answer is held by `*Your answer.*`.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.catalog import Assignment
from grader.errors import InvalidAssignment
from grader.handout import outline

ANSWER = "*Your answer.*"
_WIDTH = 120  # of a comment in the stencil, in characters
_CONTINUED = "#     "

# Anything that looks like a marker; what is no well-formed one is refused, or a typing slip would hand out a solution.
_NEAR_MARKER = re.compile(r"\b(BEGIN|END)[ _-]*SOLUTION", re.IGNORECASE)
_NEAR_HINT = re.compile(r"#\s*HINT\b")
_HINT = re.compile(r"^\s*# HINT (?P<text>\S.*)$")


@dataclass(frozen=True, slots=True)
class _Syntax:
    begin: re.Pattern[str]
    end: re.Pattern[str]
    example: str


_SYNTAX = {
    ".py": _Syntax(
        re.compile(r"^(?P<indent>\s*)# BEGIN SOLUTION (?P<id>\S+)$"),
        re.compile(r"^(?P<indent>\s*)# END SOLUTION$"),
        "# BEGIN SOLUTION 2.1` ... `# END SOLUTION",
    ),
    ".md": _Syntax(
        re.compile(r"^(?P<indent>\s*)<!-- BEGIN SOLUTION (?P<id>\S+) -->$"),
        re.compile(r"^(?P<indent>\s*)<!-- END SOLUTION -->$"),
        "<!-- BEGIN SOLUTION Q1 -->` ... `<!-- END SOLUTION -->",
    ),
}


@dataclass(frozen=True, slots=True)
class Block:
    """One solution block of one file.

    Attributes:
        id: Of the task (.py) or question (.md).
        first: Number of the line with BEGIN, from 1.
        last: Number of the line with END.
        indent: White space before both.
        hints: What the stencil says in its place.
        lines: The solution itself, (line number, text), without hints and blank lines.
    """

    id: str
    first: int
    last: int
    indent: str
    hints: tuple[str, ...]
    lines: tuple[tuple[int, str], ...]

    @property
    def span(self) -> range:
        return range(self.first, self.last + 1)


def find_blocks(source: str, path: str) -> list[Block]:
    """Finds the solution blocks of a file, in order.

    Args:
        source: Text with Unix line ends.
        path: Of the file, for its suffix and for messages. Kinds other than .py and .md hold no blocks.

    Raises:
        InvalidAssignment: A marker is nested, unmatched, unclosed, malformed or indented unlike its partner, a HINT
            stands outside a block, or a block is empty.
    """
    syntax = _SYNTAX.get(PurePosixPath(path).suffix)
    if syntax is None:
        if near := _NEAR_MARKER.search(source):
            number = source.count("\n", 0, near.start()) + 1
            raise _fail(path, number, "a marker in a file that is neither .py nor .md; it would be handed out as it is")
        return []
    blocks: list[Block] = []
    reader = _BlockReader(path, syntax)
    for number, line in enumerate(source.split("\n"), start=1):
        if block := reader.feed(number, line):
            blocks.append(block)
    reader.finish()
    return blocks


def strip_solution(source: str, assignment: Assignment, path: str) -> str:
    """Turns one solution file into its stencil.

    Args:
        source: Text with Unix line ends.
        assignment: Names the tasks and questions that a block may carry.
        path: Of the file, for its suffix and for messages.

    Raises:
        InvalidAssignment: See `find_blocks`; or an unknown id, a stencil that does not compile, or a signature,
            docstring or import inside a block.
    """
    blocks = find_blocks(source, path)
    python = PurePosixPath(path).suffix == ".py"
    tree = _parse(source, path) if python else None
    lines = source.split("\n")
    result: list[str] = []
    copied = 0  # lines of the source that are dealt with
    for block in blocks:
        title = _title(block, assignment, path, python)
        result += lines[copied : block.first - 1]
        if tree is None:
            result.append(block.indent + ANSWER)
        elif todo := _todo(block, title, in_function=_is_in_function(tree, block.first)):
            result += todo
        else:
            while result and not result[-1].strip():  # of the blank lines around it, those behind it stay
                result.pop()
        copied = block.last
    result += lines[copied:]
    stencil = "\n".join(result)
    if tree is not None:
        _check_python(source, stencil, tree, blocks, path)
    return stencil


def check_coverage(blocks: Mapping[str, Iterable[Block]], assignment: Assignment) -> None:
    """Holds the blocks of a whole solution against assignment.toml.

    Args:
        blocks: The blocks of each file.

    Raises:
        InvalidAssignment: No block carries a task with `code = true`, or a question.
    """
    carried = {block.id for found in blocks.values() for block in found}
    for task in assignment.tasks.values():
        if task.code and task.id not in carried:
            raise InvalidAssignment(
                f"no block of the solution carries task {task.id} ({task.title}); "
                "mark one, or say `code = false` in assignment.toml"
            )
    for question in assignment.questions:
        if question.id not in carried:
            raise InvalidAssignment(f"no block of the solution's .md files carries question {question.id}")


class _BlockReader:
    """Collects blocks line by line and words what is wrong with them."""

    def __init__(self, path: str, syntax: _Syntax) -> None:
        self.path = path
        self.syntax = syntax
        self.begin: tuple[int, str, str] | None = None  # line number, indent, id
        self.hints: list[str] = []
        self.lines: list[tuple[int, str]] = []

    def feed(self, number: int, line: str) -> Block | None:
        line = line.rstrip()
        if begin := self.syntax.begin.match(line):
            if self.begin:
                raise _fail(self.path, number, f"BEGIN SOLUTION inside the block that began at line {self.begin[0]}")
            self.begin, self.hints, self.lines = (number, begin["indent"], begin["id"]), [], []
        elif end := self.syntax.end.match(line):
            return self.close(number, end["indent"])
        elif _NEAR_MARKER.search(line):
            raise _fail(
                self.path, number, f"a malformed marker; expected `{self.syntax.example}`, each on its own line"
            )
        elif self.path.endswith(".py") and _NEAR_HINT.search(line):
            self.add_hint(number, line)
        elif self.begin and line.strip():
            self.lines.append((number, line))
        return None

    def add_hint(self, number: int, line: str) -> None:
        hint = _HINT.match(line)
        if not self.begin:
            raise _fail(self.path, number, "HINT outside a solution block")
        if not hint:
            raise _fail(self.path, number, "a malformed hint; expected `# HINT text` on a line of its own")
        self.hints.append(hint["text"])

    def close(self, number: int, indent: str) -> Block:
        if not self.begin:
            raise _fail(self.path, number, "END SOLUTION without a BEGIN SOLUTION")
        first, begin_indent, block_id = self.begin
        if indent != begin_indent:
            raise _fail(self.path, number, f"END SOLUTION is indented unlike its BEGIN at line {first}")
        if not self.lines:
            raise _fail(self.path, first, f"the block of {block_id} holds no solution")
        self.begin = None
        return Block(block_id, first, number, indent, tuple(self.hints), tuple(self.lines))

    def finish(self) -> None:
        if self.begin:
            raise _fail(self.path, self.begin[0], f"the block of {self.begin[2]} is never closed")


def _fail(path: str, line: int, text: str) -> InvalidAssignment:
    return InvalidAssignment(f"{path}, line {line}: {text}")


def _parse(source: str, path: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise _fail(path, error.lineno or 1, f"the solution does not compile: {error.msg}") from error


def _title(block: Block, assignment: Assignment, path: str, python: bool) -> str:
    titles = {entry.id: entry.title for entry in (assignment.tasks.values() if python else assignment.questions)}
    kind = "task" if python else "question"
    if block.id not in titles:
        raise _fail(
            path, block.first, f"unknown {kind} {block.id!r}; assignment.toml has {', '.join(titles) or 'none'}"
        )
    if python and not assignment.tasks[block.id].code:
        raise _fail(path, block.first, f"a block of task {block.id}, for which assignment.toml says `code = false`")
    return titles[block.id]


def _todo(block: Block, title: str, *, in_function: bool) -> list[str]:
    """The lines that take a block's place; none for a helper of the solution at module or class level."""
    if not in_function and not block.hints:
        return []
    first, *further = block.hints or (title,)
    lines = _comment(f"# TODO {block.id}: ", first, block.indent)
    for hint in further:
        lines += _comment(_CONTINUED, hint, block.indent)
    if in_function:
        message = json.dumps(f"Task {block.id}: {title}", ensure_ascii=False)
        lines.append(f"{block.indent}raise NotImplementedError({message})")
    return lines


def _comment(start: str, text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=indent + start,
        subsequent_indent=indent + _CONTINUED,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _is_in_function(tree: ast.Module, line: int) -> bool:
    return any(
        node.lineno < line < (node.end_lineno or 0)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )


def _check_python(source: str, stencil: str, tree: ast.Module, blocks: list[Block], path: str) -> None:
    for line in outline.logical_lines(source):
        for block in blocks:
            if line.line in block.span and line.column < len(block.indent):
                raise _fail(path, line.line, f"indented less than its block, which began at line {block.first}")
    try:
        compile(stencil, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise InvalidAssignment(
            f"{path}: its stencil does not compile at the stencil's line {error.lineno}: {error.msg}; the solution has "
            f"blocks at lines {', '.join(str(block.first) for block in blocks)}"
        ) from error
    spans = [block.span for block in blocks]
    if differing := outline.differences(outline.outline(stencil), outline.outline(source, spans)):
        raise InvalidAssignment(f"{path}: signatures, docstrings and imports stand outside blocks, but {differing[0]}")
    _check_names(tree, spans, path)


def _check_names(tree: ast.Module, spans: list[range], path: str) -> None:
    """Refuses given code that uses a module-level name which only a block binds: no student could know of it."""
    bound: dict[bool, set[str]] = {True: set(), False: set()}  # inside a block or not
    for statement in tree.body:
        bound[_is_within(statement.lineno, spans)] |= _bound_names(statement)
    missing = bound[True] - bound[False]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in missing and not _is_within(node.lineno, spans):
            raise _fail(path, node.lineno, f"given code uses {node.id}, which only a solution block defines")


def _is_within(line: int, spans: list[range]) -> bool:
    return any(line in span for span in spans)


def _bound_names(statement: ast.stmt) -> set[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
