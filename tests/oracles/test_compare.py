"""The comparisons: whatever crosses the pipe ends in a value or in a polite `Mismatch`, never in another error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from grader.oracles import compare
from grader.oracles.compare import Mismatch

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=5)
arrays = stn.arrays(
    st.sampled_from(["?", "i1", "u8", "i8", "f2", "f4", "f8"]), stn.array_shapes(min_dims=0, max_dims=3, max_side=3)
)
wire_values = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(wire_values)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_any_value_is_taken_or_refused_politely(value):
    attempts = (
        lambda: compare.as_array(value, "it"),
        lambda: compare.as_array(value, "it", shape=(None, 2), kind="integer", dtype="int32"),
        lambda: compare.as_items(value, "it", length=2, names="a and b"),
        lambda: compare.as_dict(value, "it", ["a"]),
        lambda: compare.as_shape(value, "it"),
        lambda: compare.as_number(value, "it", low=0),
        lambda: compare.as_numbers(value, "it"),
        lambda: compare.assert_close(value, [1.0, 2.0], "it", rtol=0, atol=1e-6),
    )
    for attempt in attempts:
        try:
            attempt()
        except Mismatch as error:
            assert str(error)  # noqa: PT017 - most values are refused, some are not
    assert compare.same(value, value, atol=0) in (True, False)
    assert compare.describe(value)


def test_mismatch_is_an_assertion():
    assert issubclass(Mismatch, AssertionError)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        ([[1, 2], [3]], "makes no array"),
        ("text", "the string 'text'"),
        (np.zeros((4, 8, 1)), "(4, 8, 1)"),
        (np.zeros((4, 8), np.int32), "int32"),
        (np.full((4, 8), np.nan), "NaN"),
    ],
)
def test_as_array_says_what_came(value, words):
    with pytest.raises(Mismatch) as caught:
        compare.as_array(value, "c of `LSTMCell.call`", shape=(4, 8), axes="batch x units", kind="float")
    assert words in str(caught.value)
    assert str(caught.value).startswith("c of `LSTMCell.call`")


def test_as_array_says_what_was_expected():
    with pytest.raises(Mismatch, match=r"expected a float array of shape \(4, any\): batch x units\."):
        compare.as_array(np.zeros(3), "h", shape=(4, None), axes="batch x units", kind="float")


def test_as_array_takes_lists_and_asks_only_arrays_for_an_exact_dtype():
    assert compare.as_array([[1, 2]], "it", shape=(1, 2), dtype="float32").shape == (1, 2)
    with pytest.raises(Mismatch, match="float64"):
        compare.as_array(np.zeros(2), "it", dtype="float32")


def test_as_items_refuses_a_dict_a_string_and_a_wrong_length():
    for value in ({"a": 1}, "ab", [1, 2, 3], np.array(1.0)):
        with pytest.raises(Mismatch, match="2 values: h and c"):
            compare.as_items(value, "the states", length=2, names="h and c")
    assert len(compare.as_items(np.zeros((2, 5)), "the states", length=2)) == 2


def test_as_dict_names_missing_keys():
    with pytest.raises(Mismatch, match="lacks 'val_loss'"):
        compare.as_dict({"loss": [1.0]}, "the history", ["loss", "val_loss"])


def test_as_number_refuses_what_is_outside_or_not_one_number():
    assert compare.as_number(np.array([[0.5]]), "it", low=0, high=1) == 0.5
    for value in (2.0, [1, 2], None, float("nan")):
        with pytest.raises(Mismatch):
            compare.as_number(value, "it", low=0, high=1)


def test_as_shape_reads_sizes():
    assert compare.as_shape((2, 3), "it") == (2, 3)
    with pytest.raises(Mismatch):
        compare.as_shape((2, 3.5), "it")


def test_assert_close_counts_and_places_the_deviation():
    got = np.zeros((2, 3))
    got[1, 2] = 0.5
    with pytest.raises(Mismatch, match=r"1 of 6 entries.*0\.5 at index \(1, 2\): expected 0, got 0\.5\. Look there\."):
        compare.assert_close(got, np.zeros((2, 3)), "the outputs", rtol=0, atol=1e-6, hint="Look there.")


def test_assert_close_keeps_to_its_tolerances():
    expected = np.array([100.0, 0.0])
    compare.assert_close(np.array([100.9, 0.009]), expected, "it", rtol=0.009, atol=0.01)
    with pytest.raises(Mismatch):
        compare.assert_close(np.array([100.0, 0.02]), expected, "it", rtol=0.009, atol=0.01)


def test_assert_close_never_shows_the_expected_array():
    expected = np.arange(1000.0, 1100.0)
    with pytest.raises(Mismatch) as caught:
        compare.assert_close(np.zeros(100), expected, "it", rtol=0, atol=0)
    assert sum(f"{value:.0f}" in str(caught.value) for value in expected) <= 1


def test_assert_close_refuses_a_shape_that_would_broadcast():
    with pytest.raises(Mismatch, match="shape"):
        compare.assert_close(np.zeros((1, 3)), np.zeros((2, 3)), "it", rtol=0, atol=1)


def test_same_needs_equal_shapes():
    assert compare.same(np.zeros(2), [0.0, 1e-9], atol=1e-6)
    assert not compare.same(np.zeros((1, 2)), np.zeros(2), atol=1)
    assert not compare.same(np.zeros(2), None, atol=1)
