"""results.json: written as the specification says, read as strictly."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import UnreadableResult
from grader.gradescope.results import Results, Test, from_json, to_json
from tests.gradescope.conftest import SCHEMA, accepted


def results(**changes: object) -> Results:
    return Results(**{"score": 1.0, "execution_time": 2, "output": "", "tests": [], "extra_data": {}, **changes})


def test_what_is_not_said_is_left_out_and_never_null():
    written = accepted(results(tests=[Test(name="a", visibility="visible")]))
    assert written["tests"] == [{"name": "a", "visibility": "visible"}]
    assert "null" not in to_json(results()).decode()
    assert "leaderboard" not in written


def test_standard_output_is_hidden():
    assert accepted(results())["stdout_visibility"] == "hidden"


@given(st.text())
def test_any_text_can_be_written_and_read(text: str):
    test = Test(name=text, visibility="hidden", output=text)
    data = to_json(results(output=text, tests=[test]))
    accepted(data)
    assert from_json(data).tests[0].name == json.loads(data)["output"]


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\x1b[31m", "\x7f"])
def test_what_readers_of_json_refuse_becomes_a_question_mark(text: str):
    assert "?" in accepted(results(output=text))["output"]


@pytest.mark.parametrize(
    "change",
    [
        {"score": None},
        {"tests": [{"name": "a", "visibility": "visible", "status": None}]},
        {"tests": [{"name": "a", "visibility": "visible", "status": "ok"}]},
        {"tests": [{"name": "a", "visibility": "later"}]},
        {"tests": [{"name": "a", "visibility": "visible", "number": 1}]},
        {"stdout_visibility": "staff"},
        {"output_format": "markdown"},
        {"leaderboard": [{"name": "a"}]},
        {"scores": 3},
    ],
)
def test_what_gradescope_refuses_is_refused_by_schema_and_reader(change: dict[str, object]):
    wrong = json.loads(to_json(results())) | change
    with pytest.raises(jsonschema.ValidationError):
        accepted(wrong)
    with pytest.raises(UnreadableResult, match="not what Gradescope accepts"):
        from_json(json.dumps(wrong).encode())


def test_half_a_file_is_no_result():
    with pytest.raises(UnreadableResult):
        from_json(to_json(results())[:-20])


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
