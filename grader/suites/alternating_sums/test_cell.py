"""Task 2: the LSTM cell: its states, and its equations.

The cell's weights have no fixed names or shapes, so it is checked on its answers alone: see grader.oracles.lstm_cell.
The states are judged with a made-up step in place of the cell's equations, and the equations apart from the states:
their order may be (h, c) or (c, h), as long as they come out as they went in.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_dict, as_items, as_number, assert_close, expect
from grader.oracles.lstm_cell import UnknownCell

UNITS, SIZE = 4, 3  # U and D of the cell's tests


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


def unknown_cell(student, rng, shake=0.0):
    """A new cell of the submission; `shake` is the standard deviation of noise on its weights."""
    return UnknownCell(Cell(student, rng, shake=shake), SIZE, UNITS, rng)


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
    unknown_cell(student, rng).check_rows_are_independent()


@pytest.mark.task("2.2", points=2, hint="c' = f * c + i * g, with f and i between 0 and 1 and g between -1 and 1")
def test_cell_state_update(student, rng):
    """The new c is affine in the old one: kept by a share f in (0, 1), plus what the input adds, in (-1, 1)."""
    unknown_cell(student, rng, shake=0.3).check_state_update()


@pytest.mark.task("2.2", points=2, hint="h' = o * tanh(c'), with the new c'")
def test_cell_output(student, rng):
    """The output h is the output gate, in (0, 1) and blind to c, times tanh of the new c."""
    unknown_cell(student, rng, shake=0.3).check_output()


@pytest.mark.task("2.2", points=2, hint="The initialiser of the forget gate's bias")
def test_forget_bias(student, rng):
    """The forget gate starts with a bias of 1: at x = 0 and h = 0 it keeps sigmoid(1) = 0.731 of c."""
    unknown_cell(student, rng).check_forget_bias()


@pytest.mark.task("2.2", points=1, hint="The other gates' biases keep their own initialiser")
def test_other_biases(student, rng):
    """The bias of 1 is the forget gate's alone."""
    unknown_cell(student, rng).check_other_biases()


@pytest.mark.task("2.2", points=1, hint="Write out i, f, g, o, then c' = f * c + i * g and h' = o * tanh(c')")
def test_cell_with_constant_weights(student, rng):
    """With one number in all matrices, and biases 0, a step gives what the equations say."""
    cell = unknown_cell(student, rng)
    for kernel in rng.uniform(0.1, 0.5, size=2) * (1, -1):
        matrices = as_number(student.fill_cell(kernel=float(kernel)), "the number of matrices")
        expect(matrices > 0, "no weight matrices were found in the cell.")
        cell.check_constant_weights(float(kernel))


@pytest.mark.task("2.2", points=1, hint="Each gate has weights of its own, for x and for h")
def test_cell_is_an_lstm(student, rng):
    """With all weights different, the cell equals an LSTM whose four gates are read off its answers."""
    unknown_cell(student, rng, shake=0.3).check_equations()


@pytest.mark.task("2.2", points=1, hint="Every gate sees both x and h, e.g. `tf.concat((x, h), axis=-1)`")
def test_gates_are_four(student, rng):
    """All four gates look at both x and h, each through weights of its own."""
    unknown_cell(student, rng, shake=0.3).check_gates_are_four()


@pytest.mark.task("2.2", points=1, behind="2.2", hint="Write the equations of the four gates yourself")
def test_cell_is_your_own(student):
    """The cell is your own: no built-in recurrent cell, operation or other framework does its work."""
    names = ", ".join(str(name) for name in as_items(student.builtins_in_use(part="cell"), "the answer"))
    expect(not names, f"`LSTMCell` runs {names}. Write its equations with Dense layers or plain operations.")
