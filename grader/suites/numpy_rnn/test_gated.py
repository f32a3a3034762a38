"""Task 4: steps of a GRU and of an LSTM, forward and back.

The way back may be right for the true cell or for the submission's own forward step: see grader.oracles.nearby.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import differences, gru, lstm, nearby
from grader.oracles.compare import Mismatch, as_array, as_dict, as_items, assert_close, expect

SIZES = ((1, 3, 4), (5, 2, 3), (3, 6, 1))  # B, D, H


def tolerance(value, loose=1):
    """Rounding in float64, or in float32 for who prefers that; `loose` for what comes from differences."""
    is_single = isinstance(value, np.ndarray) and value.dtype.itemsize < 8
    return {"rtol": 1e-3, "atol": 1e-4} if is_single else {"rtol": 1e-9 * loose, "atol": 1e-10 * loose}


def drawn(rng, gates, sizes, scale=0.7):
    """Arguments X, h (and c, for an LSTM) and parameters."""
    batch, size, units = sizes
    params = {}
    for gate in gates:
        params[f"W{gate}"] = scale * rng.normal(size=(units, units))
        params[f"U{gate}"] = scale * rng.normal(size=(size, units))
        params[f"b{gate}"] = scale * rng.normal(size=(1, units))
    states = {"X": rng.normal(size=(batch, size)), "h": rng.normal(size=(batch, units))}
    if "o" in gates:
        states["c"] = rng.normal(size=(batch, units))
    return states, params


def truth(states, params):
    """The new states: [h], or [h, c] for an LSTM."""
    if "c" not in states:
        return [gru.step(params, states["X"], states["h"])]
    gates = {gate: lstm.Affine(params[f"U{gate}"], params[f"W{gate}"], params[f"b{gate}"][0]) for gate in "ifog"}
    return list(lstm.LSTM(**gates).step(states["X"], states["h"], states["c"]))


def checked_forward(student, states, params):
    found = as_items(student.gated_forward(states=states, params=params), "the new states")
    return [
        as_array(value, f"the new {name}", shape=states["h"].shape, axes="batch x hidden units")
        for name, value in zip("hc", found, strict=False)
    ]


def check_values(student, rng, gates):
    for sizes in SIZES:
        states, params = drawn(rng, gates, sizes)
        found = checked_forward(student, states, params)
        for name, got, expected in zip("hc", found, truth(states, params), strict=False):
            assert_close(got, expected, f"the new {name} for B, D, H = {sizes}", **tolerance(got))
    states, params = drawn(rng, gates, SIZES[1], scale=300.0)  # gates that are shut or open must not overflow
    for name, got, expected in zip("hc", checked_forward(student, states, params), truth(states, params), strict=False):
        assert_close(got, expected, f"the new {name} where all gates are saturated", rtol=1e-5, atol=1e-6)


# -- 4.1 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("4.1", points=1.5, hint="r multiplies h before the product with Wh, not after it")
def test_gru_step(student, rng):
    """A step of the GRU gives what its equations say."""
    check_values(student, rng, "rzh")


@pytest.mark.task("4.1", points=1, hint="h' = z * h + (1 - z) * h~: where z is 1 the old state stays")
def test_gru_update_gate(student, rng):
    """Where the update gate is 1 the state stays, where it is 0 the candidate takes its place."""
    states, params = drawn(rng, "rzh", (4, 3, 5))
    (stays,) = checked_forward(student, states, {**params, "bz": np.full((1, 5), 60.0)})
    assert_close(stays, states["h"], "the new h with z = 1, against the old one", rtol=1e-5, atol=1e-6)
    (new,) = checked_forward(student, states, {**params, "bz": np.full((1, 5), -60.0), "bh": np.full((1, 5), 60.0)})
    assert_close(new, np.ones((4, 5)), "the new h with z = 0 and a candidate of 1", rtol=0, atol=1e-6)


# -- 4.2 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("4.2", points=1.5, hint="c' = f * c + i * g; h' = o * tanh(c'), with the new c'")
def test_lstm_step(student, rng):
    """A step of the LSTM gives what its equations say."""
    check_values(student, rng, "ifog")


@pytest.mark.task("4.2", points=1, hint="f is multiplied with the old memory: open means keep")
def test_lstm_gates(student, rng):
    """An open forget gate keeps the memory, a shut one erases it, and the output gate shows or hides it."""
    states, params = drawn(rng, "ifog", (4, 3, 5))

    def step(**biases):
        biases = {name: np.full((1, 5), value) for name, value in biases.items()}
        return checked_forward(student, states, {**params, **biases})

    h, c = step(bf=60.0, bi=-60.0, bo=60.0)
    assert_close(c, states["c"], "the new c with f = 1 and i = 0, against the old one", rtol=1e-5, atol=1e-6)
    assert_close(h, np.tanh(states["c"]), "the new h with o = 1, against tanh(c)", rtol=1e-5, atol=1e-6)
    h, c = step(bf=-60.0, bi=60.0, bg=60.0, bo=-60.0)
    assert_close(c, np.ones((4, 5)), "the new c with f = 0, i = 1 and g = 1", rtol=0, atol=1e-6)
    assert_close(h, np.zeros((4, 5)), "the new h with o = 0", rtol=0, atol=1e-6)


# -- 4.3 --------------------------------------------------------------------------------------------------------------


def true_gradients(states, params, upstream):
    """By central differences of sum(upstream * new states)."""
    arrays = {**states, **params}

    def total(name, value):
        moved = {**arrays, name: value}
        new = truth({key: moved[key] for key in states}, {key: moved[key] for key in params})
        return sum(float(np.sum(d * state)) for d, state in zip(upstream, new, strict=True))

    return {name: differences.gradient(lambda value, name=name: total(name, value), arrays[name]) for name in arrays}


def own_gradients(student, states, params, upstream):
    """The same, with the new states as the submission computes them."""
    arrays = {**states, **params}
    moves = nearby.moves(arrays)
    found = as_items(student.gated_forward_nearby(states=states, params=params, **moves.arguments), "the new states")
    totals = np.zeros(len(moves.names))
    for d, value in zip(upstream, found, strict=False):
        shape = (len(totals), *states["h"].shape)
        totals += np.sum(as_array(value, "the new states", shape=shape) * d, axis=(1, 2), dtype=np.float64)
    return nearby.gradients(arrays, totals)


def check_backward(student, rng, gates, sizes):
    states, params = drawn(rng, gates, sizes)
    upstream = [rng.normal(size=states["h"].shape) for _ in ("hc" if "c" in states else "h")]
    answer = as_dict(
        student.gated_backward(states=states, params=params, upstream=upstream), "the answer", list(states)
    )
    grads = as_dict(answer["grads"], "the gradients of the parameters", list(params))
    found = {name: as_array(grads[name], f"the gradient of {name}", shape=params[name].shape) for name in params}
    for name in states:
        found[name] = as_array(answer[name], f"the gradient of {name}", shape=states[name].shape)

    def hold_against(expected):
        for name, grad in found.items():
            assert_close(grad, expected[name], f"the gradient of {name} for B = {sizes[0]}", **tolerance(grad, 1000))

    try:
        hold_against(true_gradients(states, params, upstream))
    except Mismatch as mismatch:
        try:
            hold_against(own_gradients(student, states, params, upstream))
        except Mismatch:
            raise mismatch from None


def sizes():
    """One sequence, and a batch."""
    for what, size in (("one sequence", (1, 3, 4)), ("a batch", (3, 2, 3))):
        hint = "Take the forward equations from the last to the first, and add up where a value acts in several ways"
        yield pytest.param(size, marks=pytest.mark.task("4.3", points=1.5, hint=hint), id=what)


@pytest.mark.parametrize("sizes", sizes())
def test_gru_back(student, rng, sizes):
    """The gradients of a GRU's step are those that differences give: of all parameters, X and h."""
    check_backward(student, rng, "rzh", sizes)


@pytest.mark.parametrize("sizes", sizes())
def test_lstm_back(student, rng, sizes):
    """The gradients of an LSTM's step are those that differences give: of all parameters, X, h and c."""
    check_backward(student, rng, "ifog", sizes)


@pytest.mark.task("4.3", points=0.5, hint="`dh` and `dc` both count")
def test_lstm_back_from_the_memory_alone(student, rng):
    """A gradient that arrives by the memory alone goes on to the old memory through the forget gate."""
    states, params = drawn(rng, "ifog", (2, 3, 4))
    params["bf"] = np.full((1, 4), 60.0)
    upstream = [np.zeros((2, 4)), rng.normal(size=(2, 4))]
    answer = as_dict(student.gated_backward(states=states, params=params, upstream=upstream), "the answer", ["c"])
    assert_close(answer["c"], upstream[1], "the gradient of the old c with f = 1 and dh = 0", rtol=1e-5, atol=1e-6)
    upstream = [rng.normal(size=(2, 4)), np.zeros((2, 4))]
    answer = as_dict(student.gated_backward(states=states, params=params, upstream=upstream), "the answer", ["c"])
    found = as_array(answer["c"], "the gradient of the old c", shape=(2, 4))
    expect(np.abs(found).max() > 1e-6, "with dc = 0 nothing reaches the old c, though the new h depends on it.")
