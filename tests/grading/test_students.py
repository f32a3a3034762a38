"""Curves from a worker: drawn where they can be, and never an error of ours."""

from __future__ import annotations

import numpy as np
import pytest

from grader.grading.students import Credit, read_curve


def curve(values: object, **changes: object) -> dict[str, object]:
    return {"curve": {"title": "loss", "series": {"train": values}, **changes}}


@pytest.mark.parametrize(
    "values", [[2, 1.5, np.float32(1)], (2, 1.5, 1), np.array([2, 1.5, 1]), np.array([2, 1.5, 1], dtype=np.float16)]
)
def test_numbers_of_any_kind_are_drawn(values):
    found = read_curve(curve(values))
    assert found is not None
    assert found.series == {"train": [2.0, 1.5, 1.0]}


def test_what_diverged_is_a_gap():
    found = read_curve(curve([1.0, float("nan"), float("inf"), 10**400]))
    assert found is not None
    assert found.series == {"train": [1.0, None, None, None]}


@pytest.mark.parametrize(
    "result",
    [
        None,
        {},
        {"curve": 3},
        curve([1j]),
        curve(np.array([1j])),
        curve(np.array(3.0)),
        curve(np.zeros((2, 2))),
        curve(["1"]),
        curve([0.0] * 2_001),
        curve("123"),
        curve([1.0], title=3),
        curve([1.0], series=[1.0]),
        curve([1.0], series={}),
        curve([1.0], series={1: [1.0]}),
        curve([1.0], series={str(number): [1.0] for number in range(9)}),
    ],
)
def test_what_cannot_be_drawn_is_left_out(result):
    assert read_curve(result) is None


@pytest.mark.parametrize(("ratio", "kept"), [(0.5, 0.5), (-1, 0.0), (7, 1.0), (float("nan"), 0.0), (float("inf"), 0.0)])
def test_credit_is_a_ratio_whatever_is_said(ratio, kept):
    credit = Credit()
    credit(ratio, "why")
    assert (credit.ratio, credit.message) == (kept, "why")
