"""A call that no adapter takes is the suite's mistake, and never looks like the student's."""

from __future__ import annotations

import pytest

from grader.errors import InvalidAssignment
from grader.grading.adapters import Adapters

SOURCE = """
kept = {}

def step(x, h, scale=1.0, *, units, bias=True):
    pass
"""


@pytest.fixture
def adapters(tmp_path) -> Adapters:
    path = tmp_path / "adapters.py"
    path.write_text(SOURCE)
    return Adapters(path)


@pytest.mark.parametrize(
    "arguments", [{"x": 1, "h": 2, "units": 3}, {"x": 1, "h": 2, "scale": 0.5, "units": 3, "bias": False}]
)
def test_a_call_that_fits_passes(adapters, arguments):
    adapters.check_call("step", arguments)
    with pytest.raises(InvalidAssignment):
        adapters.check_call("step", {**arguments, "more": 1})


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("walk", {}, "no such function"),
        ("kept", {}, "no such function"),
        ("step", {"x": 1, "h": 2}, "units"),
        ("step", {"x": 1, "h": 2, "units": 3, "y": 4}, "y"),
    ],
)
def test_a_call_that_does_not_fit_is_refused(adapters, name, arguments, words):
    with pytest.raises(InvalidAssignment, match=words):
        adapters.check_call(name, arguments)
