"""The verdict on types and docstrings: what counts, and in which words it is told."""

from __future__ import annotations

import pytest

from grader.oracles.compare import Mismatch
from grader.oracles.docstrings import documented


def function(name, docstring=True, untyped=()):
    return {"name": name, "docstring": docstring, "untyped": list(untyped)}


def test_share_counts_whole_functions():
    answer = [function("a"), function("b", docstring=False), function("c", untyped=["x", "y"]), function("d")]
    share, flaws = documented(answer, "data")
    assert share == 0.5
    assert flaws == "In data.py: `b` has no docstring; `c` has no types for x, y."


def test_a_function_with_two_flaws_counts_once():
    share, flaws = documented([function("a", docstring=False, untyped=["x"]), function("b")], "data")
    assert share == 0.5
    assert flaws.count("`a`") == 2


def test_methods_that_keras_documents_need_nothing():
    assert documented([function("Model.build", docstring=False, untyped=["input_shape"])], "model") == (1, "")


def test_long_lists_of_flaws_are_cut():
    _, flaws = documented([function(f"f{i}", docstring=False) for i in range(20)], "model")
    assert flaws.count("has no docstring") == 6


@pytest.mark.parametrize("answer", [None, [], [{"name": "a"}], [function("a") | {"untyped": None}]])
def test_an_answer_of_another_form_is_a_mismatch(answer):
    with pytest.raises(Mismatch):
        documented(answer, "model")
