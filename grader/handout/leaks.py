"""Finds solution lines and hidden tests in what students get.

What counts as a solution line: a statement of a block, or the head of one, that has at least `CODE_LENGTH` characters
without white space, is no idiom (`self.units = units`) and stands nowhere in the solution's given code, which students
get anyway. The same holds for what a statement computes (`(x.sum() > 0).astype(int)`), whatever it is called there,
from `VALUE_LENGTH` characters on. Both are compared token by token, so another line break, spacing or a comment hides
nothing. Given code may repeat one statement of a block by chance, but not two in a row, nor a whole block of one.
"""

from __future__ import annotations

import ast
import bisect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from grader.handout import markers, outline
from grader.handout.markers import Block

CODE_LENGTH = 12  # characters of a statement, without white space
VALUE_LENGTH = 20  # of an expression with an operator
PROSE_LENGTH = 30  # of a comment, a line of an answer or of a rubric
PUBLIC_TESTS = "test_public.py"

_TOKEN = re.compile(r"\w+|[^\w\s]")
# In the notation of `_normal`: tokens with single spaces between. Any program of this kind has such lines.
_IDIOMS = tuple(
    re.compile(pattern)
    for pattern in (
        r"super \( \) \. __init__ \( .*\)",
        r"self \. (\w+) = \1",
        r"(return|yield) (self \. )?\w+( , \w+)*",
        r"for \w+ in range \( \w+ \) :",
        r"for \w+ , \w+ in \w+ :",
        r"with (tf \. )?GradientTape \( \) as tape :",
    )
)
_HOLDERS = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Yield, ast.Expr)


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that must not be in a handout.

    Attributes:
        what: Words for the message: where it comes from and how it reads.
        tokens: How it is searched for, see `_normal`.
    """

    what: str
    tokens: str


class _Text:
    """A file's tokens, with the line of each."""

    def __init__(self, source: str) -> None:
        parts: list[str] = []
        self._lines: list[int] = []  # number of each part's line
        for number, line in enumerate(source.split("\n"), start=1):
            if tokens := _normal(line):
                if tokens[0] in ")]}" and parts:
                    parts[-1] = parts[-1].removesuffix(" ,")
                parts.append(tokens)
                self._lines.append(number)
        self.tokens = " " + " ".join(parts) + " "
        ends = accumulate(len(part) + 1 for part in parts)
        self._starts = [0, *ends]  # offset of each part in `tokens`, less the leading space

    def line_of(self, tokens: str) -> int | None:
        """Number of the line in which these tokens begin, or None where they don't occur."""
        offset = self.tokens.find(f" {tokens} ")
        if offset < 0:
            return None
        return self._lines[bisect.bisect_right(self._starts, offset) - 1]


def solution_secrets(files: Mapping[str, str]) -> list[Secret]:
    """The solution lines of a tree: those of its blocks that its given code does not hold.

    Args:
        files: Text of every .py and .md file of solution/<a>/, by its path there.
    """
    given_code = " ; ".join(f" {line} " for path, text in files.items() for line in _given_statements(path, text))
    given_prose = [_Text(given_text(path, text)) for path, text in files.items() if path.endswith(".md")]
    secrets: dict[str, Secret] = {}
    for path, text in files.items():
        for block in markers.find_blocks(text, path):
            for number, line in [*_statements(path, text, block), *_values(path, text, block)]:
                if f" {line} " not in given_code:
                    secrets.setdefault(line, Secret(f"the solution line `{line}` ({path}, line {number})", line))
            for number, line in _prose(path, block):
                if all(other.line_of(line) is None for other in given_prose):
                    secrets.setdefault(line, Secret(f"`{line}` of a solution ({path}, line {number})", line))
    return list(secrets.values())


def hidden_test_secrets(suite_dir: Path, given: Mapping[str, str]) -> list[Secret]:
    """Names and titles of the hidden tests, and the lines of rubrics.

    Args:
        suite_dir: The folder of the suite.
        given: Text of the stencil's files: a rubric may repeat the questions.
    """
    public_file = suite_dir / PUBLIC_TESTS
    public = set(_test_words(public_file)) if public_file.is_file() else set()
    secrets = [
        Secret(f"{words!r} of the hidden {path.name}", _normal(words))
        for path in sorted(suite_dir.glob("test_*.py"))
        if path.name != PUBLIC_TESTS
        for words in _test_words(path)
        if words not in public
    ]
    texts = [_Text(text) for text in given.values()]
    for path in sorted(suite_dir.glob("*.md")):
        for line in path.read_text(encoding="utf-8").splitlines():
            tokens = _normal(line)
            if _length(tokens) >= PROSE_LENGTH and all(text.line_of(tokens) is None for text in texts):
                secrets.append(Secret(f"`{line.strip()}` of {path.name}", tokens))
    return secrets


def find_secrets(files: Mapping[str, str], secrets: Iterable[Secret]) -> list[str]:
    """Names file, line and origin of every secret that occurs; empty where none does."""
    texts = {path: _Text(text) for path, text in files.items()}
    found: dict[tuple[str, int], str] = {}  # one for each line: a statement and its value are one finding
    for secret in secrets:
        for path, text in texts.items():
            if (line := text.line_of(secret.tokens)) is not None:
                found.setdefault((path, line), f"{path}, line {line}: {secret.what}")
    return list(found.values())


def copied_blocks(files: Mapping[str, str]) -> list[str]:
    """Names given code that repeats two statements in a row of a block, or the whole of a block of one.

    Args:
        files: As for `solution_secrets`.
    """
    given = {path: _given_statements(path, text) for path, text in files.items()}
    found = []
    for path, text in files.items():
        for block in markers.find_blocks(text, path):
            lines = _statements(path, text, block)
            length = min(2, len(lines))
            for start in range(len(lines) - length + 1 if lines else 0):
                run = [line for _, line in lines[start : start + length]]
                holder = next((name for name, other in given.items() if _has_run(other, run)), None)
                if holder:
                    found.append(
                        f"{holder}: given code repeats the solution of {block.id} at {path}, line {lines[start][0]}: "
                        f"`{run[0]}`; has a block been forgotten?"
                    )
                    break
    return found


def _normal(text: str) -> str:
    """Tokens with single spaces between, without the commas that a line break brings along."""
    return re.sub(r" , (?=[)\]}])", " ", " ".join(_TOKEN.findall(text)))


def _length(tokens: str) -> int:
    return len(tokens.replace(" ", ""))


def _is_telling(tokens: str) -> bool:
    return _length(tokens) >= CODE_LENGTH and not any(idiom.fullmatch(tokens) for idiom in _IDIOMS)


def _statements(path: str, source: str, block: Block) -> list[tuple[int, str]]:
    """(line number, tokens) of every telling statement of a block."""
    return [entry for entry in _telling_lines(path, source) if entry[0] in block.span]


def _given_statements(path: str, source: str) -> list[str]:
    """Tokens of every telling statement outside blocks."""
    spans = [block.span for block in markers.find_blocks(source, path)]
    return [tokens for line, tokens in _telling_lines(path, source) if not any(line in span for span in spans)]


def _telling_lines(path: str, source: str) -> Iterator[tuple[int, str]]:
    if not path.endswith(".py"):
        return
    for line in outline.logical_lines(source):
        tokens = _normal(line.text)
        if _is_telling(tokens) and not re.match(r"[rbuf]*['\"]", line.text, re.IGNORECASE):  # a docstring is prose
            yield line.line, tokens


def _prose(path: str, block: Block) -> Iterator[tuple[int, str]]:
    """(line number, tokens) of the block's comments (.py) or of its text (.md)."""
    for number, line in block.lines:
        text = line.strip()
        if path.endswith(".md") or text.startswith("#"):
            tokens = _normal(text.lstrip("#"))
            if _length(tokens) >= PROSE_LENGTH:
                yield number, tokens


def _values(path: str, source: str, block: Block) -> Iterator[tuple[int, str]]:
    """(line number, tokens) of what the statements of a block compute, and of the parts where that is a tuple."""
    if not path.endswith(".py"):
        return
    for node in ast.walk(ast.parse(source)):
        value = getattr(node, "value", None)
        if not isinstance(node, _HOLDERS) or value is None:
            continue
        for part in value.elts if isinstance(value, (ast.Tuple, ast.List)) else (value,):
            tokens = _normal(ast.get_source_segment(source, part) or "")
            computes = any(isinstance(inner, (ast.BinOp, ast.Compare, ast.BoolOp)) for inner in ast.walk(part))
            if part.lineno in block.span and computes and _length(tokens) >= VALUE_LENGTH:
                yield part.lineno, tokens


def given_text(path: str, source: str) -> str:
    """A file with the lines of its blocks emptied."""
    lines = source.split("\n")
    for block in markers.find_blocks(source, path):
        lines[block.first - 1 : block.last] = [""] * len(block.span)
    return "\n".join(lines)


def _has_run(lines: list[str], run: list[str]) -> bool:
    return any(lines[start : start + len(run)] == run for start in range(len(lines) - len(run) + 1))


def _test_words(path: Path) -> Iterator[str]:
    """The name of every test of a file and the first line of its docstring, which students read as its title."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test"):
            yield node.name
            title = (ast.get_docstring(node) or "").partition("\n")[0]
            if _length(_normal(title)) >= CODE_LENGTH:
                yield title
