"""Task 2: the LSTM cell: its states, and its equations.

The cell's weights have no fixed names or shapes, so its tests read the gates off its answers; see grader.oracles.lstm.
The states are judged with a made-up step in place of the cell's equations, and the equations apart from the states:
their order may be (h, c) or (c, h), as long as they come out as they went in.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grader.oracles import lstm
from grader.oracles.compare import as_array, as_dict, as_items, as_number, assert_close, expect, same

UNITS, SIZE = 4, 3  # U and D of the cell's tests
# One step in float32 differs from float64 by some 1e-6; a wrong equation by more than 1e-2.
ONE_STEP = {"rtol": 1e-5, "atol": 1e-5}


def floats(rng, *shape, scale=1.0):
    return rng.normal(scale=scale, size=shape).astype(np.float32)


# -- 2.1 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("2.1", points=1, hint="Both follow from `units`")
def test_state_sizes(student):
    """`state_size` and `output_size` follow from the units."""
    for units in (1, 9):
        found = as_dict(student.state_sizes(units=units), "the cell", ["state_size", "output_size"])
        size = as_items(found["state_size"], "`state_size`", length=2, names="the sizes of h and c")
        for one in size:
            number = as_number(one, "an entry of `state_size`")
            expect(number == units, f"with {units} units an entry of `state_size` is {number:g}; expected {units}.")
        number = as_number(found["output_size"], "`output_size`")
        expect(number == units, f"with {units} units `output_size` is {number:g}; expected {units}.")


@pytest.mark.task("2.1", points=1, behind="2.1", hint="`class LSTMCell(AbstractRNNCell):`")
def test_cell_is_an_abstract_rnn_cell(student):
    """`LSTMCell` is a subclass of AbstractRNNCell, and so a Keras layer."""
    found = as_dict(student.state_sizes(units=2), "the cell", ["abstract"])
    expect(found["abstract"] is True, "`LSTMCell` is no subclass of `AbstractRNNCell` in cell.py, or that is no layer.")


@pytest.mark.task("2.1", points=2, hint="`tf.zeros((batch_size, units))`, twice")
def test_initial_states(student):
    """`get_initial_state` gives two float32 arrays of zeros, (B, units), for any batch size."""
    for units, sizes in ((4, [1, 6, 3, 6]), (2, [5])):
        answers = as_items(student.initial_states(units=units, batch_sizes=sizes), "the answer", length=len(sizes))
        for size, states in zip(sizes, answers, strict=True):
            what = f"get_initial_state(batch_size={size})"
            for name, state in zip("hc", as_items(states, what, length=2, names="h and c"), strict=True):
                shape = (size, units)
                array = as_array(state, f"{name} of {what}", shape=shape, axes="batch x units", dtype="float32")
                expect(not array.any(), f"{name} of {what} holds something else than zeros.")


@pytest.mark.task("2.1", points=2, hint="RNN passes `batch_size` by name; in a graph it may be a tensor")
def test_states_under_rnn(student, rng):
    """`keras.layers.RNN` can drive a step with the cell's states, eagerly and in one graph for any batch size."""
    calls = [floats(rng, batch, 5, SIZE) for batch in (2, 7)]
    found = as_dict(student.kit_steps(units=UNITS, calls=calls), "the answer", ["eager", "graph"])
    for key, mode in (("eager", "eagerly"), ("graph", "in a graph")):
        for x, output in zip(calls, as_items(found[key], "the answer", length=2), strict=True):
            a, expected = np.zeros((len(x), UNITS)), []
            for t in range(x.shape[1]):
                a = a / 2 + x[:, t].astype(np.float64).mean(axis=-1, keepdims=True) + 1
                expected.append(a)
            what = f"the outputs of RNN around the kit's step, {mode}"
            # Five steps in float32.
            assert_close(output, np.stack(expected, axis=1), what, rtol=1e-5, atol=1e-5)


# -- 2.2 --------------------------------------------------------------------------------------------------------------


def split_answer(answer):
    """Output and the two states of what `LSTMCell.call` returned; how they are packed is the matter of one test."""
    what = "what `LSTMCell.call` returned"
    parts = as_items(answer, what)
    expect(len(parts) in (2, 3), f"{what} has {len(parts)} entries; expected (output, [h, c]).")
    if len(parts) == 3:
        return parts[0], [parts[1], parts[2]]
    if isinstance(parts[1], np.ndarray) and parts[1].ndim == 2:  # (h, c)
        return parts[0], parts
    return parts[0], as_items(parts[1], "the states that `LSTMCell.call` returned", length=2, names="h and c")


class Cell:
    """A cell of the submission, as a step from (x, h, c) to the new h and c in float64."""

    def __init__(self, student, rng, units=UNITS, size=SIZE, shake=0.0):
        self.student = student
        student.make_cell(units=units, input_size=size, shake=shake)
        output, states = self.answer(*(floats(rng, 5, width) for width in (size, units, units)))
        # The output is h, so the state that equals it is h as well.
        self.h_first = np.array_equal(output, states[0]) or not np.array_equal(output, states[1])

    def answer(self, x, first, second):
        states = [first.astype(np.float32), second.astype(np.float32)]
        output, states = split_answer(self.student.cell_step(x=x.astype(np.float32), states=states))
        named = zip(("output", "first state", "second state"), (output, *states), strict=True)
        axes = "batch x units"
        found = [
            as_array(value, f"`LSTMCell.call` returned the {name}: it", shape=first.shape, axes=axes, kind="float")
            for name, value in named
        ]
        return found[0].astype(np.float64), [state.astype(np.float64) for state in found[1:]]

    def __call__(self, x, h, c):
        output, states = self.answer(x, h, c) if self.h_first else self.answer(x, c, h)
        return output, states[1] if self.h_first else states[0]


@pytest.mark.task("2.2", points=1, hint="Sizes come from the arguments: nothing is fixed but `units`")
def test_cell_shapes(student, rng):
    """A cell takes any batch and input size."""
    for units, size in ((1, 1), (5, 2)):
        cell = Cell(student, rng, units, size)
        for batch in (1, 7):
            cell(floats(rng, batch, size), floats(rng, batch, units), floats(rng, batch, units))


@pytest.mark.task("2.2", points=2, hint="`call` returns the output and a list of the two new states")
def test_cell_under_rnn(student, rng):
    """`keras.layers.RNN` around the cell gives what calling the cell time step by time step gives."""
    x = floats(rng, 4, 7, SIZE)
    found = as_dict(student.rnn_steps(units=UNITS, x=x), "the answer", ["rnn", "graph", "last"])
    last = as_array(found["last"], "the output of the cell", shape=(4, UNITS), axes="batch x units", kind="float")
    for key, what in (("rnn", "the outputs of RNN"), ("graph", "in a graph, the outputs of RNN")):
        shape = (4, 7, UNITS)
        outputs = as_array(found[key], what, shape=shape, axes="batch x time x units", kind="float")
        # Seven steps in float32; the order of summation may differ.
        assert_close(outputs[:, -1], last, f"{what} at the last time step", rtol=1e-4, atol=1e-5)


@pytest.mark.task("2.2", points=1, hint="A cell keeps nothing but its weights: states come in and go out")
def test_cell_rows_are_independent(student, rng):
    """Rows of a batch do not touch one another, and a second call answers as the first did."""
    step = Cell(student, rng)
    x, h, c = floats(rng, 5, SIZE), floats(rng, 5, UNITS), floats(rng, 5, UNITS)
    whole, again = step(x, h, c), step(x, h, c)
    single = step(x[2:3], h[2:3], c[2:3])
    for name, first, second, row in zip("hc", whole, again, single, strict=True):
        text = f"called twice with the same arguments, the cell returned two different {name}."
        expect(same(first, second, atol=0), text)
        # Another batch size may take another order of summation.
        assert_close(row[0], first[2], f"{name} of a row alone, against the same row in a batch", rtol=1e-5, atol=1e-6)


@pytest.mark.task("2.2", points=2, hint="c' = f * c + i * g, with f and i between 0 and 1 and g between -1 and 1")
def test_cell_state_update(student, rng):
    """The new c is affine in the old one: kept by a share f in (0, 1), plus what the input adds, in (-1, 1)."""
    step = Cell(student, rng, shake=0.3)
    x, h = floats(rng, 40, SIZE), floats(rng, 40, UNITS)
    levels = (0.0, 1.0, -2.0, 4.0)
    found = [step(x, h, np.full((40, UNITS), level))[1] for level in levels]
    added, kept = found[0], found[1] - found[0]
    expect(np.abs(kept).max() > 1e-5, "the new c does not depend on the old one at all.")
    for level, state in zip(levels, found, strict=True):
        straight = same(state, added + level * kept, atol=1e-5 * (1 + abs(level)))
        text = "the new c is not affine in the old c; expected c' = f * c + i * g, with gates of x and h alone."
        expect(straight, text)
    low, high = kept.min(), kept.max()
    expect(low > 0 and high < 1, f"c' keeps {low:.3g} to {high:.3g} of c; expected 0 < f < 1.")
    expect(np.abs(added).max() < 1, f"at c = 0 the new c reaches {np.abs(added).max():.3g}; expected |i * g| < 1.")
    one_sign = added.min() >= 0 or added.max() <= 0
    expect(not one_sign, "what is added to c has one sign everywhere; is the candidate g a tanh?")


@pytest.mark.task("2.2", points=2, hint="h' = o * tanh(c'), with the new c'")
def test_cell_output(student, rng):
    """The output h is the output gate, in (0, 1) and blind to c, times tanh of the new c."""
    step = Cell(student, rng, shake=0.3)
    x, h = floats(rng, 40, SIZE), floats(rng, 40, UNITS)
    gates = []
    for level in (-8.0, -3.0, 3.0, 8.0):
        new_h, new_c = step(x, h, np.full((40, UNITS), level))
        usable = np.abs(new_c) > 0.05  # closer to 0 the quotient is not exact
        gates.append(np.where(usable, new_h / np.tanh(np.where(usable, new_c, 1)), np.nan))
    gates = np.stack(gates)
    expect(np.isfinite(gates).mean() > 0.5, "the new c stays close to 0 even where the old one is 8.")
    low, high = np.nanmin(gates), np.nanmax(gates)
    expect(low > 0 and high < 1, f"h' / tanh(c') lies between {low:.3g} and {high:.3g}; expected 0 < o < 1.")
    with np.errstate(all="ignore"):
        spread = np.nan_to_num(np.nanmax(gates, axis=0, initial=-np.inf) - np.nanmin(gates, axis=0, initial=np.inf))
    # The quotient is exact to 1e-7 / 0.05.
    text = f"h' / tanh(c') changes by {spread.max():.3g} with c; the gate o is one of x and h alone."
    expect(spread.max() < 1e-4, text)


def gates_at_origin(student, rng):
    """The fresh cell's gates at x = 0 and h = 0."""
    return lstm.split_step(Cell(student, rng), np.zeros((1, SIZE)), np.zeros((1, UNITS)), UNITS)


@pytest.mark.task("2.2", points=2, hint="The initialiser of the forget gate's bias")
def test_forget_bias(student, rng):
    """The forget gate starts with a bias of 1: at x = 0 and h = 0 it keeps sigmoid(1) = 0.731 of c."""
    f = gates_at_origin(student, rng).f
    # Float32 makes an error of 1e-7; a bias of 0.99 one of 2e-3.
    off = np.abs(f - lstm.sigmoid(np.float64(1)))
    expect(off.max() < 1e-3, f"at x = 0 and h = 0 the cell keeps {f.min():.3f} to {f.max():.3f} of c; expected 0.731.")


@pytest.mark.task("2.2", points=1, hint="The other gates' biases keep their own initialiser")
def test_other_biases(student, rng):
    """The bias of 1 is the forget gate's alone."""
    o = gates_at_origin(student, rng).o
    one = lstm.sigmoid(np.float64(1))
    # Where c' stays 0 the gate can't be read; that is another test's matter.
    expect(not (np.abs(o - one) < 1e-3).all(), "the output gate starts with a bias of 1, too.")


@pytest.mark.task("2.2", points=1, hint="Write out i, f, g, o, then c' = f * c + i * g and h' = o * tanh(c')")
def test_cell_with_constant_weights(student, rng):
    """With one number in all matrices, and biases 0, a step gives what the equations say."""
    step = Cell(student, rng)
    for kernel in rng.uniform(0.1, 0.5, size=2) * (1, -1):
        matrices = as_number(student.fill_cell(kernel=float(kernel)), "the number of matrices")
        expect(matrices > 0, "no weight matrices were found in the cell.")
        # A forget bias of 1 may be a variable, and is now 0, or a number that `call` adds.
        f = lstm.split_step(step, np.zeros((1, SIZE)), np.zeros((1, UNITS)), UNITS).f
        bias = float(np.round(lstm.logit(np.clip(f, 1e-6, 1 - 1e-6)).mean(), 4))
        text = f"with biases set to 0 the forget gate at x = 0, h = 0 is {f.mean():.3f}; expected 0.5."
        expect(bias in (0.0, 1.0), text)
        x, h, c = floats(rng, 30, SIZE), floats(rng, 30, UNITS), floats(rng, 30, UNITS)
        found = step(x, h, c)
        for name, got, expected in zip("hc", found, lstm.constant_step(x, h, c, kernel, bias), strict=True):
            assert_close(got, expected, f"the new {name}", **ONE_STEP)


@pytest.mark.task("2.2", points=1, hint="Each gate has weights of its own, for x and for h")
def test_cell_is_an_lstm(student, rng):
    """With all weights different, the cell equals an LSTM whose four gates are read off its answers."""
    step = Cell(student, rng, shake=0.3)
    recovered = lstm.recover(step, SIZE, UNITS, rng)
    x, h, c = floats(rng, 60, SIZE), floats(rng, 60, UNITS), floats(rng, 60, UNITS)
    for name, got, expected in zip("hc", step(x, h, c), recovered.step(x, h, c), strict=True):
        # The recovered weights are exact to 1e-4 in z; measured over 600 cells, states differ by 2e-5 at most.
        assert_close(got, expected, f"the new {name}", rtol=0, atol=3e-4)


@pytest.mark.task("2.2", points=1, hint="Every gate sees both x and h, e.g. `tf.concat((x, h), axis=-1)`")
def test_gates_are_four(student, rng):
    """All four gates look at both x and h, each through weights of its own."""
    recovered = lstm.recover(Cell(student, rng, shake=0.3), SIZE, UNITS, rng)
    weights = {}
    for gate, name in lstm.GATES.items():
        affine = getattr(recovered, gate)
        for source, matrix in (("x", affine.W_x), ("h", affine.W_h)):
            # The noise that was added to each weight has a standard deviation of 0.3; recovery is exact to 1e-4.
            blind = np.abs(matrix).max(axis=1) < 5e-3
            part = "all of " if not blind.all() else ""
            expect(not blind.any(), f"the {name} ({gate}) does not look at {part}{source}.")
        weights[name] = np.vstack([affine.W_x, affine.W_h])
    for (one, first), (other, second) in itertools.combinations(weights.items(), 2):
        distance = min(np.abs(first - second).max(), np.abs(first + second).max())
        expect(distance > 5e-3, f"the {one} and the {other} share their weights; each gate has its own.")


@pytest.mark.task("2.2", points=1, behind="2.2", hint="Write the equations of the four gates yourself")
def test_cell_is_your_own(student):
    """The cell is your own: no built-in recurrent cell, operation or other framework does its work."""
    names = ", ".join(str(name) for name in as_items(student.builtins_in_use(part="cell"), "the answer"))
    expect(not names, f"`LSTMCell` runs {names}. Write its equations with Dense layers or plain operations.")
