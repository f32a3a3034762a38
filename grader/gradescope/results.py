"""results.json: the file that Gradescope reads, by its specification (docs/gradescope-results.schema.json)."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from grader.errors import UnreadableResult

Visibility = Literal["visible", "after_due_date", "after_published", "hidden"]
Format = Literal["text", "html", "simple_format", "md", "ansi"]
Unset = msgspec.UnsetType

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Test(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the list of tests. A status is `passed` or `failed`, or left out; never null.

    Attributes:
        number: Before the name, such as "2.1.3"; without one Gradescope numbers by itself.
        output: HTML, folded away until somebody opens it.
    """

    __test__ = False  # pytest: this is no test class

    name: str
    visibility: Visibility
    number: str | Unset = msgspec.UNSET
    score: float | Unset = msgspec.UNSET
    max_score: float | Unset = msgspec.UNSET
    status: Literal["passed", "failed"] | Unset = msgspec.UNSET
    name_format: Format | Unset = msgspec.UNSET
    output: str | Unset = msgspec.UNSET
    output_format: Format | Unset = msgspec.UNSET
    tags: list[str] | Unset = msgspec.UNSET
    extra_data: dict[str, Any] | Unset = msgspec.UNSET


class LeaderboardEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column of the leaderboard."""

    name: str
    value: float | str
    order: Literal["asc", "desc"] = "desc"


class Results(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        score: What the hand-in gets; it overrides the sum of the tests.
        execution_time: Seconds.
        output: HTML, above the tests; students see it at once.
        extra_data: Comes back as `previous_submissions` at the next hand-in.
    """

    score: float
    execution_time: float | int
    output: str
    tests: list[Test]
    extra_data: dict[str, Any]
    leaderboard: list[LeaderboardEntry] | Unset = msgspec.UNSET
    visibility: Visibility = "visible"
    stdout_visibility: Visibility = "hidden"
    output_format: Format = "html"
    test_output_format: Format = "html"
    test_name_format: Format = "text"


def to_json(results: Results) -> bytes:
    """Indented JSON in UTF-8. Lone surrogates and control characters, which some readers refuse, become `?`."""
    plain = _plain(msgspec.to_builtins(results))
    return msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n"


def from_json(data: bytes) -> Results:
    """Reads results.json strictly: what Gradescope would refuse or leave aside is an error.

    Raises:
        UnreadableResult: It is no JSON, or not by the specification; the text names the place.
    """
    try:
        return msgspec.json.decode(data, type=Results)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableResult(f"results.json is not what Gradescope accepts: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _CONTROL.sub("?", value).encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
