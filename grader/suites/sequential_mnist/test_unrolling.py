"""Task 5.1: static and dynamic unrolling."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_dict, as_items, as_number, assert_close, expect


def last_state(kernel, x, h):
    """The kit's cell, over all steps, in float64."""
    h = h.astype(np.float64)
    for t in range(x.shape[1]):
        h = h / 2 + np.tanh(x[:, t].astype(np.float64) @ kernel + h[:, ::-1])
    return h


@pytest.mark.task("5.1", points=1, hint="tf.while_loop; `tf.shape(x)[1]` is T where `x.shape[1]` is None")
def test_dynamic_serves_every_length(student, rng):
    """One graph of `unroll_dynamic` serves every batch size and length."""
    kernel = rng.normal(size=(3, 5)).astype(np.float32)
    calls = [
        {
            "x": rng.normal(size=(batch, steps, 3)).astype(np.float32),
            "h": rng.normal(size=(batch, 5)).astype(np.float32),
        }
        for batch, steps in ((4, 6), (2, 11), (1, 1))
    ]
    answer = student.unrolled(way="dynamic", kernel=kernel, calls=calls, open_steps=True)
    for call, found in zip(calls, as_items(answer, "the answers", length=len(calls)), strict=True):
        what = f"what `unroll_dynamic` returned for {call['x'].shape[1]} steps"
        assert_close(found, last_state(kernel, call["x"], call["h"]), what, rtol=1e-4, atol=1e-4)


@pytest.mark.task("5.1", points=1, hint="A Python loop writes a step into the graph each time; tf.while_loop once")
def test_graphs_grow_as_they_should(student):
    """The graph of `unroll_static` grows with T, that of `unroll_dynamic` does not."""
    sizes = {}
    for way in ("static", "dynamic"):
        graphs = as_items(student.unrolled_graphs(way=way, lengths=[4, 12]), "the graphs", length=2)
        graphs = [as_dict(graph, "a graph", ["operations", "loops"]) for graph in graphs]
        sizes[way] = [as_number(graph["operations"], "the number of operations") for graph in graphs]
        loops = as_number(graphs[1]["loops"], "the number of loops")
        expect((loops > 0) == (way == "dynamic"), f"the graph of `unroll_{way}` holds {loops:.0f} loops.")
    short, long = sizes["dynamic"]
    expect(long == short, f"the graph of `unroll_dynamic` has {short:.0f} operations for 4 steps, {long:.0f} for 12.")
    short, long = sizes["static"]
    # Eight steps more, of five operations each.
    expect(
        long >= short + 24, f"the graph of `unroll_static` has {short:.0f} operations for 4 steps, {long:.0f} for 12."
    )
