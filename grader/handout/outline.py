"""The structure of Python source that a stencil and its solution share: signatures, docstrings, imports."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A function or class without its body.

    Attributes:
        kind: `def`, `async def` or `class`.
        signature: Arguments with annotations and defaults, or the bases of a class.
    """

    kind: str
    signature: str
    decorators: tuple[str, ...]
    docstring: str | None


@dataclass(frozen=True, slots=True)
class Outline:
    """Everything about a module that a stencil keeps, in the order of the file."""

    docstring: str | None
    imports: tuple[str, ...]
    headings: dict[str, Heading] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """One statement or the head of one, over as many physical lines as it takes.

    Attributes:
        line: Number of its first physical line, from 1.
        column: Indentation in characters.
        text: Its tokens without comments, joined by single spaces.
    """

    line: int
    column: int
    text: str


def outline(source: str, blocks: Sequence[range] = ()) -> Outline:
    """Reads the outline of a module.

    Args:
        source: Python source that compiles.
        blocks: Line ranges of solution blocks; functions and classes that begin there are no part of the outline,
            imports are.

    Raises:
        SyntaxError: The source does not compile.
    """
    tree = ast.parse(source)
    imports = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    headings: dict[str, Heading] = {}
    for name, node in _definitions(tree, ""):
        if not any(node.lineno in block for block in blocks):
            headings[_free_name(name, headings)] = _heading(node)
    return Outline(ast.get_docstring(tree), tuple(imports), headings)


def differences(stencil: Outline, solution: Outline) -> list[str]:
    """Says in words what differs, most telling first; empty where nothing does."""
    found: list[str] = []
    for name in [*solution.headings, *(name for name in stencil.headings if name not in solution.headings)]:
        ours, theirs = stencil.headings.get(name), solution.headings.get(name)
        if ours is None or theirs is None:
            found.append(f"{name} stands only in the {'solution' if ours is None else 'stencil'}")
            continue
        found += _heading_differences(name, ours, theirs)
    if stencil.docstring != solution.docstring:
        found.append("the docstring of the module differs")
    if stencil.imports != solution.imports:
        only_stencil = [entry for entry in stencil.imports if entry not in solution.imports]
        only_solution = [entry for entry in solution.imports if entry not in stencil.imports]
        sides = [f"only in the {side}: {'; '.join(entries)}" for side, entries in
                 (("stencil", only_stencil), ("solution", only_solution)) if entries]  # fmt: skip
        found.append("the imports differ: " + (", ".join(sides) or "same ones, in another order or number"))
    return found


def logical_lines(source: str) -> Iterator[LogicalLine]:
    """Splits source that compiles into logical lines, without comments and docstring layout."""
    parts: list[tokenize.TokenInfo] = []
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            if parts:
                text = " ".join(part.string for part in parts)
                yield LogicalLine(parts[0].start[0], parts[0].start[1], text)
            parts = []
        elif token.type not in skipped:
            parts.append(token)


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Definition]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield prefix + child.name, child
            yield from _definitions(child, f"{prefix}{child.name}.")
        else:
            yield from _definitions(child, prefix)


def _free_name(name: str, taken: dict[str, Heading]) -> str:
    """A property's setter bears the getter's name: both count."""
    number = 2
    free = name
    while free in taken:
        free = f"{name} (no. {number})"
        number += 1
    return free


def _heading(node: Definition) -> Heading:
    if isinstance(node, ast.ClassDef):
        kind = "class"
        signature = "(" + ", ".join(ast.unparse(base) for base in [*node.bases, *node.keywords]) + ")"
    else:
        kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
        signature = f"({ast.unparse(node.args)})" + (f" -> {ast.unparse(node.returns)}" if node.returns else "")
    decorators = tuple("@" + ast.unparse(decorator) for decorator in node.decorator_list)
    return Heading(kind=kind, signature=signature, decorators=decorators, docstring=ast.get_docstring(node))


def _heading_differences(name: str, ours: Heading, theirs: Heading) -> list[str]:
    pairs = (
        ("kind", ours.kind, theirs.kind),
        ("base classes" if theirs.kind == "class" else "signature", ours.signature, theirs.signature),
        ("decorators", " ".join(ours.decorators) or "none", " ".join(theirs.decorators) or "none"),
    )
    found = []
    for what, stencil, solution in pairs:
        if stencil != solution:
            verb = "differ" if what.endswith("s") else "differs"
            found.append(f"the {what} of {name} {verb}: {stencil} in the stencil, {solution} in the solution")
    if ours.docstring != theirs.docstring:
        found.append(f"the docstring of {name} differs")
    return found
