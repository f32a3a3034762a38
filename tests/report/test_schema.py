from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from grader import catalog
from grader.errors import UnreadableResult
from grader.records import Curve
from grader.report import schema
from tests.report import samples

SCHEMA_FILE = catalog.ROOT_DIR / "docs" / schema.SCHEMA_ID


def test_the_published_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema.schema_text(), (
        f"run: python -m grader.report.schema > {SCHEMA_FILE.relative_to(Path(catalog.ROOT_DIR))}"
    )


def test_the_schema_is_a_schema_and_explains_its_fields() -> None:
    table = schema.json_schema()
    jsonschema.Draft202012Validator.check_schema(table)
    fields = table["$defs"]["SubmissionResult"]["properties"]
    assert fields["headline"]["description"] == "One sentence: the root cause, or that all is well."
    assert table["$defs"]["Case"]["properties"]["status"]["enum"] == sorted(
        ["passed", "failed", "not_run", "could_not_check", "awaiting_review"]
    )


@pytest.mark.parametrize("name", samples.ALL)
def test_every_result_fits_the_schema(name: str) -> None:
    table = json.loads(schema.to_json(samples.ALL[name]()))
    jsonschema.validate(table, schema.json_schema(), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("name", ["right", "blank", "could_not_grade", "interrupted"])
def test_a_result_survives_the_way_there_and_back(name: str) -> None:
    result = samples.ALL[name]()
    assert schema.from_json(schema.to_json(result)) == result


@pytest.mark.parametrize("name", samples.ALL)
def test_writing_again_what_was_read_gives_the_same_bytes(name: str) -> None:
    data = schema.to_json(samples.ALL[name]())
    assert schema.to_json(schema.from_json(data)) == data


def test_json_is_indented_and_in_the_order_of_the_record() -> None:
    lines = schema.to_json(samples.right()).decode().splitlines()
    assert lines[0] == "{"
    keys = [line.strip().split('"')[1] for line in lines if line.startswith('  "')]
    assert keys[:5] == ["assignment", "assignment_title", "submission", "verdict", "headline"]


def test_a_diverged_epoch_is_null() -> None:
    result = replace(samples.right(), curves=(Curve(title="Loss", series={"loss": [1.0, None]}),))
    data = schema.to_json(result)
    assert json.loads(data)["curves"][0]["series"] == {"loss": [1.0, None]}
    assert schema.from_json(data) == result


def test_a_lone_surrogate_does_not_stop_the_writing() -> None:
    data = schema.to_json(replace(samples.right(), headline="half \ud800 of a pair"))
    assert schema.from_json(data).headline == "half ? of a pair"


def test_keys_of_a_later_version_are_left_aside() -> None:
    table = json.loads(schema.to_json(samples.right()))
    table |= {"schema_version": 2, "weather": "fine"}
    assert schema.from_json(json.dumps(table)).schema_version == 2


def without(name: str) -> dict[str, Any]:
    table = json.loads(schema.to_json(samples.right()))
    del table[name]
    return table


def changed(**fields: Any) -> dict[str, Any]:
    return {**json.loads(schema.to_json(samples.right())), **fields}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b"[]", "Expected `object`"),
        (b'"text"', "Expected `object`"),
        (b'{"cases": ' + b"[" * 100_000, "Expected `object`"),
        (json.dumps(without("verdict")), "missing required field `verdict`"),
        (json.dumps(changed(verdict="perhaps")), "Invalid enum value 'perhaps'"),
        (json.dumps(changed(score="100")), "Expected `float`, got `str`"),
        (json.dumps(changed(score=None)), "Expected `float`"),
        (json.dumps(changed(cases=[{"id": 3}])), "cases"),
        (json.dumps(changed(curves=3)), "curves"),
        (json.dumps(changed(curves=[3])), "curves"),
        (json.dumps(changed(curves=[{"title": "x", "series": 3}])), "series"),
        (json.dumps(changed(curves=[{"title": "x", "series": {"loss": ["1"]}}])), "Expected `float | null`"),
    ],
)
def test_what_is_no_result_is_refused_with_the_place(data: bytes | str, words: str) -> None:
    with pytest.raises(UnreadableResult, match="(?i)no result of grading.*" + re.escape(words)):
        schema.from_json(data)
