"""Each check of an unknown cell passes a right one, computed in float32, and fails the bug that it is there for."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import lstm
from grader.oracles.compare import Mismatch
from grader.oracles.lstm_cell import UnknownCell

SIZE, UNITS = 3, 4
CHECKS = [name for name in vars(UnknownCell) if name.startswith("check_") and name != "check_constant_weights"]


@pytest.fixture
def rng():
    return np.random.default_rng(20_260_302)


def affine(rng, bias=0.0, scale=0.5):
    draw = rng.standard_normal
    return lstm.Affine(scale * draw((SIZE, UNITS)), scale * draw((UNITS, UNITS)), np.full(UNITS, bias))


def fresh_cell(rng, **gates):
    """An LSTM whose forget bias is 1 and whose other biases are 0, in float32; `gates` replace some of its own."""
    return in_float32(lstm.LSTM(**({gate: affine(rng, float(gate == "f")) for gate in "ifgo"} | gates)).step)


def shaken_cell(rng, **gates):
    """An LSTM with other biases than those of a new one; `gates` replace some of its own."""
    return fresh_cell(rng, **({gate: affine(rng, 0.3) for gate in "ifgo"} | gates))


def in_float32(step):
    def rounded(x, h, c):
        with np.errstate(over="ignore"):
            answer = step(*(value.astype(np.float32).astype(np.float64) for value in (x, h, c)))
        return tuple(value.astype(np.float32).astype(np.float64) for value in answer)

    return rounded


def unknown(step, rng):
    return UnknownCell(step, SIZE, UNITS, rng)


@pytest.mark.parametrize("check", CHECKS)
def test_a_right_cell_passes(check, rng):
    getattr(unknown(shaken_cell(rng) if check == "check_gates_are_four" else fresh_cell(rng), rng), check)()


def with_memory(step):
    """A cell that keeps something between calls."""
    calls = []

    def changing(x, h, c):
        calls.append(1)
        new_h, new_c = step(x, h, c)
        return new_h + 0.01 * len(calls), new_c

    return changing


def test_a_cell_that_keeps_something_is_caught(rng):
    with pytest.raises(Mismatch, match="called twice"):
        unknown(with_memory(fresh_cell(rng)), rng).check_rows_are_independent()


def test_rows_that_touch_are_caught(rng):
    step = fresh_cell(rng)
    cell = unknown(lambda x, h, c: step(x - x.mean(axis=0), h, c), rng)
    with pytest.raises(Mismatch, match="a row alone"):
        cell.check_rows_are_independent()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda step: lambda x, h, c: step(x, h, np.zeros_like(c)), "does not depend on the old one"),
        (lambda step: lambda x, h, c: step(x + c[:, :SIZE], h, c), "not affine"),
        (lambda step: lambda x, h, c: step(x, h, 2 * c), "expected 0 < f < 1"),
        (lambda step: lambda x, h, c: (step(x, h, c)[0], step(x, h, c)[1] + 1.5), r"expected \|i \* g\| < 1"),
    ],
    ids=["without_c", "gates_see_c", "f_above_1", "something_added"],
)
def test_another_update_of_c_is_caught(change, message, rng):
    with pytest.raises(Mismatch, match=message):
        unknown(change(fresh_cell(rng)), rng).check_state_update()


def test_a_candidate_of_one_sign_is_caught(rng):
    gates = {gate: affine(rng) for gate in "ifgo"}

    def step(x, h, c):
        new_c = lstm.sigmoid(gates["f"](x, h)) * c + lstm.sigmoid(gates["i"](x, h)) * lstm.sigmoid(gates["g"](x, h))
        return lstm.sigmoid(gates["o"](x, h)) * np.tanh(new_c), new_c

    with pytest.raises(Mismatch, match="one sign everywhere"):
        unknown(in_float32(step), rng).check_state_update()


@pytest.mark.parametrize("output", ["without_tanh", "old_c", "always_near_zero"])
def test_another_output_is_caught(output, rng):
    step = fresh_cell(rng)

    def changed(x, h, c):
        new_h, new_c = step(x, h, c)
        if output == "without_tanh":
            return new_h / np.tanh(new_c) * new_c, new_c
        if output == "old_c":
            return new_h / np.tanh(new_c) * np.tanh(c), new_c
        return new_h, 0 * new_c

    with pytest.raises(Mismatch):
        unknown(changed, rng).check_output()


def test_another_forget_bias_is_caught(rng):
    with pytest.raises(Mismatch, match=r"expected 0\.731"):
        unknown(fresh_cell(rng, f=affine(rng, 0.0)), rng).check_forget_bias()


def test_a_bias_of_1_for_all_gates_is_caught(rng):
    with pytest.raises(Mismatch, match="output gate starts with a bias of 1"):
        unknown(fresh_cell(rng, o=affine(rng, 1.0)), rng).check_other_biases()


@pytest.mark.parametrize(("gate", "name"), [("i", "input gate"), ("g", "candidate")])
def test_a_bias_of_1_for_another_gate_is_caught(gate, name, rng):
    with pytest.raises(Mismatch, match=f"{name} starts with a bias of 1"):
        unknown(fresh_cell(rng, **{gate: affine(rng, 1.0)}), rng).check_other_biases()


@pytest.mark.parametrize("gate", "ifgo")
def test_a_gate_without_a_bias_is_caught(gate, rng):
    cell = unknown(shaken_cell(rng, **{gate: affine(rng, float(gate == "f"))}), rng)
    with pytest.raises(Mismatch, match=rf"\({gate}\) has no bias"):
        cell.check_gates_are_four()


def constant(kernel, bias):
    def gate(b=0.0):
        return lstm.Affine(np.full((SIZE, UNITS), kernel), np.full((UNITS, UNITS), kernel), np.full(UNITS, b))

    return lstm.LSTM(i=gate(), f=gate(bias), g=gate(), o=gate())


@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_constant_weights_pass_with_either_way_of_the_forget_bias(bias, rng):
    unknown(in_float32(constant(0.3, bias).step), rng).check_constant_weights(0.3)


def test_another_constant_is_caught(rng):
    with pytest.raises(Mismatch, match="the new h"):
        unknown(in_float32(constant(0.31, 1.0).step), rng).check_constant_weights(0.3)


def test_a_forget_bias_that_is_neither_0_nor_1_is_caught(rng):
    with pytest.raises(Mismatch, match=r"expected 0\.5"):
        unknown(in_float32(constant(0.3, 0.5).step), rng).check_constant_weights(0.3)


def test_a_cell_that_is_no_lstm_is_caught(rng):
    step = fresh_cell(rng)

    def bent(x, h, c):
        return step(x + 0.2 * x**2, h, c)

    with pytest.raises(Mismatch):
        unknown(bent, rng).check_equations()


def test_shared_weights_are_caught(rng):
    shared = affine(rng)
    with pytest.raises(Mismatch, match="share their weights"):
        unknown(fresh_cell(rng, i=shared, o=shared), rng).check_gates_are_four()


def test_a_gate_that_is_blind_to_h_is_caught(rng):
    gate = affine(rng)
    blind = lstm.Affine(gate.W_x, np.zeros((UNITS, UNITS)), gate.b)
    with pytest.raises(Mismatch, match="does not look at h"):
        unknown(fresh_cell(rng, o=blind), rng).check_gates_are_four()
