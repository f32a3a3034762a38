"""The LSTM oracle: literals, and the recovery of gates from a float32 black box, right and wrong."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import lstm
from grader.oracles.compare import Mismatch

SIZE, UNITS = 3, 4


@pytest.fixture
def rng():
    return np.random.default_rng(20_260_301)


def float32_step(cell, mutate=lambda parts: parts):
    """The cell's step in float32 throughout, as a submission computes it; `mutate` changes its gates."""

    def affine(gate, x, h):
        return x @ gate.W_x.astype(np.float32) + h @ gate.W_h.astype(np.float32) + gate.b.astype(np.float32)

    def sigmoid(z):
        with np.errstate(over="ignore"):
            return np.float32(1) / (np.float32(1) + np.exp(-z))

    def step(x, h, c):
        x, h, c = (value.astype(np.float32) for value in (x, h, c))
        parts = {
            "i": sigmoid(affine(cell.i, x, h)),
            "f": sigmoid(affine(cell.f, x, h)),
            "g": np.tanh(affine(cell.g, x, h)),
            "o": sigmoid(affine(cell.o, x, h)),
            "z_g": affine(cell.g, x, h),
        }
        parts = mutate(parts)
        with np.errstate(under="ignore"):
            new_c = parts["f"] * c + parts["i"] * parts["g"]
        return (parts["o"] * np.tanh(new_c)).astype(np.float64), new_c.astype(np.float64)

    return step


def test_step_gives_literals():
    """All weights 0 and all gates 1/2; then a candidate of tanh(1) on top."""
    zeros, tanh_1 = np.zeros((1, 1)), 0.7615941559557649
    gate = lstm.Affine(zeros, zeros, np.zeros(1))
    h, c = lstm.LSTM(i=gate, f=gate, g=gate, o=gate).step(zeros, zeros, np.array([[2.0]]))
    assert c.item() == 1
    assert h.item() == pytest.approx(tanh_1 / 2, abs=1e-15)
    candidate = lstm.Affine(zeros, zeros, np.ones(1))
    _, c = lstm.LSTM(i=gate, f=gate, g=candidate, o=gate).step(zeros, zeros, np.array([[2.0]]))
    assert c.item() == pytest.approx(1 + tanh_1 / 2, abs=1e-15)


def test_constant_step_is_the_step_of_equal_weights(rng):
    k, (x, h, c) = 0.3, (rng.normal(size=(5, size)) for size in (SIZE, UNITS, UNITS))
    same = {"W_x": np.full((SIZE, UNITS), k), "W_h": np.full((UNITS, UNITS), k)}
    plain, forget = lstm.Affine(**same, b=np.zeros(UNITS)), lstm.Affine(**same, b=np.ones(UNITS))
    expected = lstm.LSTM(i=plain, f=forget, g=plain, o=plain).step(x, h, c)
    np.testing.assert_allclose(lstm.constant_step(x, h, c, k, 1.0), expected, rtol=0, atol=1e-12)


def test_sigmoid_and_logit_are_inverse():
    z = np.linspace(-12, 12, 101)
    np.testing.assert_allclose(lstm.logit(lstm.sigmoid(z)), z, rtol=0, atol=1e-9)
    assert np.all(np.isfinite(lstm.sigmoid(np.array([-1e4, 1e4]))))


def test_split_step_finds_the_gates(rng):
    cell = lstm.random_lstm(rng, SIZE, UNITS)
    x, h = rng.normal(size=(20, SIZE)), rng.normal(size=(20, UNITS))
    parts = lstm.split_step(float32_step(cell), x, h, UNITS)
    # Float32 makes an error of some 1e-7, and the quotient of o enlarges it.
    np.testing.assert_allclose(parts.f, lstm.sigmoid(cell.f(x, h)), rtol=0, atol=1e-6)
    np.testing.assert_allclose(parts.o, lstm.sigmoid(cell.o(x, h)), rtol=0, atol=1e-5)
    np.testing.assert_allclose(parts.ig, lstm.sigmoid(cell.i(x, h)) * np.tanh(cell.g(x, h)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("scale", [0.05, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("sizes", [(3, 4), (1, 1), (5, 2)], ids=str)
def test_recover_finds_every_weight(rng, scale, sizes):
    for _ in range(4):
        cell = lstm.random_lstm(rng, *sizes, scale=scale)
        found = lstm.recover(float32_step(cell), *sizes, rng)
        for gate in lstm.GATES:
            for part in ("W_x", "W_h", "b"):
                expected = getattr(getattr(cell, gate), part)
                # Measured over 600 cells: 1.1e-4 at most, in the candidate.
                np.testing.assert_allclose(getattr(getattr(found, gate), part), expected, rtol=0, atol=5e-4)


def test_recover_takes_gates_of_unlike_size(rng):
    cell = lstm.random_lstm(rng, SIZE, UNITS)
    small = lstm.Affine(0.1 * cell.g.W_x, 0.1 * cell.g.W_h, cell.g.b)
    large = lstm.Affine(3 * cell.i.W_x, 3 * cell.i.W_h, cell.i.b)
    unlike = lstm.LSTM(i=large, f=cell.f, g=small, o=cell.o)
    found = lstm.recover(float32_step(unlike), SIZE, UNITS, rng)
    np.testing.assert_allclose(found.i.W_x, large.W_x, rtol=0, atol=5e-4)
    np.testing.assert_allclose(found.g.W_h, small.W_h, rtol=0, atol=5e-4)


@pytest.mark.parametrize(
    ("mutate", "named"),
    [
        (lambda p: {**p, "g": 1 / (1 + np.exp(-np.clip(p["z_g"], -60, 60)))}, "candidate"),
        (lambda p: {**p, "i": np.float32(1)}, "input gate"),
        (lambda p: {**p, "g": p["z_g"]}, "candidate"),
        (lambda p: {**p, "f": np.float32(1)}, "forget gate"),
        (lambda p: {**p, "f": p["f"] ** 2}, "forget gate"),
        (lambda p: {**p, "f": p["f"] * p["o"]}, "forget gate"),
        (lambda p: {**p, "o": np.float32(1)}, "output gate"),
        (lambda p: {**p, "o": p["o"] * p["g"]}, "output gate"),
        (lambda p: {**p, "i": p["i"] ** 2}, "candidate"),
        (lambda p: {**p, "i": p["i"] * p["f"]}, "candidate"),
        (lambda p: {**p, "g": p["g"] * p["o"]}, "candidate"),
        (lambda p: {**p, "g": np.clip(p["z_g"], -1, 1)}, "candidate"),
    ],
)
def test_recover_refuses_what_is_no_lstm(rng, mutate, named):
    cell = lstm.random_lstm(rng, SIZE, UNITS)
    with pytest.raises(Mismatch, match=named):
        lstm.recover(float32_step(cell, mutate), SIZE, UNITS, rng)


def test_recover_refuses_nan_free_nonsense(rng):
    with pytest.raises(Mismatch):
        lstm.recover(lambda x, h, c: (np.zeros_like(h), np.zeros_like(c)), SIZE, UNITS, rng)
    with pytest.raises(Mismatch):
        lstm.recover(lambda x, h, c: (np.ones_like(h), 2 * c), SIZE, UNITS, rng)
