"""Words for a reader: text from a submission made harmless, points, times and statuses.

Titles, messages, names, notes and output may carry whatever a submission printed. `clean_text` is the one place where
that becomes printable; escaping for HTML or for rich markup is the business of whoever shows it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from grader.records import Case, Status, TaskScore

MESSAGE_CHARS = 2_000
OUTPUT_CHARS = 10_000
LINE_CHARS = 200  # for what is shown on one line: titles, names, paths

# ECMA-48: OSC, DCS, SOS, PM and APC strings up to their terminator (or the end of the line); CSI sequences; the others.
_ANSI = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-Z\\^-~]?"
)
_LINE_ENDS = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Most scripts stack at most a few marks on one letter; piles of them paint over the lines above and below.
_MARKS_A_LETTER = 4
_JOINERS = "\u200c\u200d"  # several scripts and emoji need them


def clean_text(text: str, limit: int = MESSAGE_CHARS) -> str:
    """Makes text from a submission safe to show: it can't steer a terminal, nor reorder or hide what stands around it.

    ANSI sequences are removed and line ends become newlines. Other control characters, invisible format characters
    (bidi overrides among them) and lone surrogates are spelled out as Python does it: `\\x07`, `\\u202e`.

    Args:
        text: Anything.
        limit: Characters to keep; what is longer is cut, and says so.
    """
    # Cut first, so that the work is bounded; twice the limit, for a good part of it may be colour codes.
    kept = _LINE_ENDS.sub("\n", _ANSI.sub("", text[: 2 * limit]))
    shown: list[str] = []
    marks = 0
    for character in kept[:limit]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MARKS_A_LETTER:
            shown.append(_visible(character, category))
    left_out = max(len(text) - 2 * limit, 0) + max(len(kept) - limit, 0)
    if left_out:
        shown.append(f" … ({left_out:,} more characters)")
    return "".join(shown)


def clean_line(text: str, limit: int = LINE_CHARS) -> str:
    """`clean_text` for what has to stay on one line."""
    return " ".join(clean_text(text, limit).split())


def _visible(character: str, category: str) -> str:
    if character in "\n\t" or character in _JOINERS:
        return character
    if category in ("Cc", "Cf", "Cs") or ord(character) & 0xFFFE == 0xFFFE:
        return repr(character)[1:-1]
    return character


def points(value: float) -> str:
    """12.0 -> "12", 7.5 -> "7.5", 2/3 -> "0.67"."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def counted(number: int, noun: str) -> str:
    """1, "check" -> "1 check"; 3, "check" -> "3 checks"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def seconds(value: float) -> str:
    """0.31 -> "0.3 s", 20.0 -> "20 s", 83 -> "1 min 23 s", 420 -> "7 min"."""
    if value < 9.95:
        return f"{points(round(value, 1))} s"
    minutes, rest = divmod(round(value), 60)
    parts = [f"{minutes} min"] * bool(minutes) + [f"{rest} s"] * bool(rest)
    return " ".join(parts)


def size(size_bytes: int) -> str:
    """3 << 30 -> "3 GiB"."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:g} {unit}"
        value /= 1024
    return f"{value:g} GiB"


@dataclass(frozen=True)
class Mark:
    """How a status is shown: never by colour alone.

    Attributes:
        key: Picks the colour.
        symbol: Differs in shape from every other one.
        letter: Stands for the symbol where the terminal has ASCII alone.
    """

    key: str
    symbol: str
    letter: str
    word: str


MARKS: dict[Status, Mark] = {
    "passed": Mark("passed", "✓", "+", "passed"),
    "failed": Mark("failed", "✗", "x", "failed"),
    "not_run": Mark("not-run", "○", "-", "not run"),
    "could_not_check": Mark("could-not-check", "!", "!", "could not check"),
    "awaiting_review": Mark("awaiting-review", "✎", "~", "awaiting review"),
}
PARTLY = Mark("partly", "◐", "%", "partly passed")
STILL_OPEN = Mark("still-open", "□", "o", "still open")


def mark_of(item: Case | TaskScore) -> Mark:
    """The mark of a case or a task.

    It tells more than the status where that helps: what earned a part of its points is "partly passed", and a TODO that
    nobody has touched is "still open" rather than failed.
    """
    if item.status in ("passed", "failed") and 0 < item.score < item.max_score:
        return PARTLY
    if item.status == "failed" and isinstance(item, Case) and item.kind == "open":
        return STILL_OPEN
    return MARKS[item.status]
