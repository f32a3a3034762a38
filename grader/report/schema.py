"""`SubmissionResult` as JSON: writing, reading, and the JSON Schema in docs/submission-result.schema.json."""

from __future__ import annotations

import inspect
import json
import re
import sys
from typing import Any

import msgspec

from grader.errors import UnreadableResult
from grader.records import SCHEMA_VERSION, SubmissionResult

SCHEMA_ID = "submission-result.schema.json"
# One entry of a docstring's "Attributes:", its continuation lines being indented further.
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)


def to_json(result: SubmissionResult) -> bytes:
    """Returns the result as indented JSON in UTF-8, fields in the order of the records.

    A lone surrogate, which UTF-8 cannot carry, becomes a question mark.
    """
    plain = _encodable(msgspec.to_builtins(result))
    return msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"


def from_json(data: bytes | str) -> SubmissionResult:
    """Reads what `to_json` wrote; types are checked strictly, unknown keys (of a later version) are left aside.

    Raises:
        UnreadableResult: It is no JSON, lacks a field, or a field has another type or an unknown value.
    """
    try:
        return msgspec.json.decode(data, type=SubmissionResult)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableResult(f"this is no result of grading, or a damaged one: {error}") from error


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a result."""
    (reference,), components = msgspec.json.schema_components([SubmissionResult], ref_template="#/$defs/{name}")
    definitions: dict[str, Any] = dict(components)
    for definition in definitions.values():
        _spread_docstring(definition)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": f"SubmissionResult, version {SCHEMA_VERSION}",
        **reference,
        "$defs": definitions,
    }


def schema_text() -> str:
    """The content of docs/submission-result.schema.json."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _spread_docstring(definition: dict[str, Any]) -> None:
    """Gives each property the words that the record's docstring has for it, in place."""
    # Python 3.13 strips the indentation of docstrings, older ones do not.
    summary, _, attributes = inspect.cleandoc(definition["description"]).partition("\n\nAttributes:\n")
    definition["description"] = " ".join(summary.split())
    for name, words in _ATTRIBUTE.findall(attributes):
        definition["properties"][name].update(description=" ".join(words.split()))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value


if __name__ == "__main__":  # python -m grader.report.schema > docs/submission-result.schema.json
    sys.stdout.write(schema_text())
