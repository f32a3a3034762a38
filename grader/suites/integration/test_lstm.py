"""Task 2: the LSTM cell, its zero states, and the layer that unrolls it; task 6.1: several cells in one layer.

The cell's weights have no fixed names or shapes, so it is checked on its answers alone: see grader.oracles.lstm_cell.
The layer's tests give it a cell of the kit's that is no LSTM: a wrong cell does not cost points here again.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_dict, as_items, as_number, as_shape, assert_close, expect, same
from grader.oracles.lstm_cell import UnknownCell

UNITS, SIZE = 4, 3  # U and D of the cell's tests


def floats(rng, *shape, scale=1.0):
    return rng.normal(scale=scale, size=shape).astype(np.float32)


# -- 2.1 --------------------------------------------------------------------------------------------------------------


def checked_step(student, x, h, c):
    """h' and c' in float64, with their shapes checked."""
    answer = student.cell_step(x=x.astype(np.float32), h=h.astype(np.float32), c=c.astype(np.float32))
    pair = as_items(answer, "what `LSTMCell.call` returned", length=2, names="h and c")
    states = []
    for name, value in zip("hc", pair, strict=True):
        what = f"`LSTMCell.call` returned {name}: it"
        states.append(as_array(value, what, shape=h.shape, axes="batch x units", kind="float").astype(np.float64))
    return states


def unknown_cell(student, rng, shake=0.0):
    """A new cell of the submission; `shake` is the standard deviation of noise on its weights."""
    student.make_cell(units=UNITS, input_size=SIZE, shake=shake)
    return UnknownCell(lambda x, h, c: checked_step(student, x, h, c), SIZE, UNITS, rng)


@pytest.mark.task("2.1", points=1, hint="Sizes come from the arguments: nothing is fixed but `units`")
def test_cell_shapes(student, rng):
    """A cell takes any batch and input size, and has `.units`."""
    for units, size in ((1, 1), (5, 2)):
        made = as_dict(student.make_cell(units=units, input_size=size), "the cell", ["units"])
        expect(as_number(made["units"], "`.units`") == units, f"`.units` is {made['units']}; expected {units}.")
        for batch in (1, 7):
            checked_step(student, floats(rng, batch, size), floats(rng, batch, units), floats(rng, batch, units))


@pytest.mark.task("2.1", points=1, hint="A cell keeps nothing but its weights: states come in and go out")
def test_cell_rows_are_independent(student, rng):
    """Rows of a batch do not touch one another, and a second call answers as the first did."""
    unknown_cell(student, rng).check_rows_are_independent()


@pytest.mark.task("2.1", points=2, hint="c' = f * c + i * g, with f and i between 0 and 1 and g between -1 and 1")
def test_cell_state_update(student, rng):
    """The new c is affine in the old one: kept by a share f in (0, 1), plus what the input adds, in (-1, 1)."""
    unknown_cell(student, rng, shake=0.3).check_state_update()


@pytest.mark.task("2.1", points=2, hint="h' = o * tanh(c'), with the new c'")
def test_cell_output(student, rng):
    """The new h is the output gate, in (0, 1) and blind to c, times tanh of the new c."""
    unknown_cell(student, rng, shake=0.3).check_output()


@pytest.mark.task("2.1", points=2, hint="`bias_initializer=` of the forget gate's layer")
def test_forget_bias(student, rng):
    """The forget gate starts with a bias of 1: at x = 0 and h = 0 it keeps sigmoid(1) = 0.731 of c."""
    unknown_cell(student, rng).check_forget_bias()


@pytest.mark.task("2.1", points=1, hint="The other gates' biases keep their own initialiser")
def test_other_biases(student, rng):
    """The bias of 1 is the forget gate's alone."""
    unknown_cell(student, rng).check_other_biases()


@pytest.mark.task("2.1", points=2, hint="Write out i, f, g, o, then c' = f * c + i * g and h' = o * tanh(c')")
def test_cell_with_constant_weights(student, rng):
    """With one number in all matrices, and biases 0, a step gives what the equations say."""
    cell = unknown_cell(student, rng)
    for kernel in rng.uniform(0.1, 0.5, size=2) * (1, -1):
        filled = as_dict(student.fill_cell(kernel=float(kernel)), "the cell's weights", ["matrices"])
        expect(as_number(filled["matrices"], "the number") > 0, "no weight matrices were found in the cell.")
        cell.check_constant_weights(float(kernel))


@pytest.mark.task("2.1", points=2, hint="Each gate has weights of its own, for x and for h")
def test_cell_is_an_lstm(student, rng):
    """With all weights different, the cell equals an LSTM whose four gates are read off its answers."""
    unknown_cell(student, rng, shake=0.3).check_equations()


@pytest.mark.task("2.1", points=2, hint="Every gate sees both x and h, e.g. `tf.concat((x, h), axis=-1)`")
def test_gates_are_four(student, rng):
    """All four gates look at both x and h, each through weights of its own."""
    unknown_cell(student, rng, shake=0.3).check_gates_are_four()


def check_builtins(found, what):
    names = ", ".join(str(name) for name in as_items(found, "the answer"))
    expect(not names, f"{what} runs {names}. Only Dense layers (and plain operations) may be used.")


@pytest.mark.task("2.1", points=2, behind="2.1", hint="Write the equations of the four gates yourself")
def test_cell_is_your_own(student):
    """The cell is your own: no built-in recurrent cell, operation or other framework does its work."""
    check_builtins(student.builtins_in_use(part="cell"), "`LSTMCell`")


# -- 2.2 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("2.2", points=3, hint="`tf.zeros((batch_size, units))`, twice; `units` is the cell's")
def test_zero_states(student):
    """`zero_states` gives two float32 arrays of zeros, (B, units), for any batch size."""
    for units, sizes in ((4, [1, 6, 3, 6]), (2, [5])):
        answers = as_items(student.zero_states(units=units, batch_sizes=sizes), "the answer", length=len(sizes))
        for size, states in zip(sizes, answers, strict=True):
            what = f"zero_states({size})"
            for name, state in zip("hc", as_items(states, what, length=2, names="h and c"), strict=True):
                shape = (size, units)
                array = as_array(state, f"{name} of {what}", shape=shape, axes="batch x units", dtype="float32")
                expect(not array.any(), f"{name} of {what} holds something else than zeros.")


# -- 2.3 --------------------------------------------------------------------------------------------------------------


def layer_call(rng, batch, steps, size, units):
    return {"x": floats(rng, batch, steps, size), "h": floats(rng, batch, units), "c": floats(rng, batch, units)}


def unroll(kernel, x, h, c):
    """The kit's cell (see `kit_cell` in adapters.py) over a sequence, in float64: `(B, T, U)`."""
    kernel, x, h, c = (value.astype(np.float64) for value in (kernel, x, h, c))
    outputs = []
    for t in range(x.shape[1]):
        c = 0.5 * c + 0.25 * h + x[:, t] @ kernel
        h = np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def checked_outputs(answer, calls, units, time_major_too=True):
    """The layer's outputs `(B, T, U)`, with their shapes checked. One test asks for the order of the axes."""
    outputs = []
    for output, call in zip(as_items(answer, "the answer", length=len(calls)), calls, strict=True):
        shape = (*call["x"].shape[:2], units)
        if time_major_too and isinstance(output, np.ndarray) and output.shape == (shape[1], shape[0], units):
            output = output.swapaxes(0, 1)
        outputs.append(as_array(output, "the layer's output", shape=shape, axes="batch x time x units", kind="float"))
    return outputs


# A step of the kit's cell passes on at most 3/4 of an error in its states: float32 stays within 1e-6, however long.
UNROLLED = {"rtol": 0, "atol": 5e-5}


@pytest.mark.task(
    "2.3", points=2, hint="(batch, time, units): `tf.stack` puts its new axis first unless told otherwise"
)
def test_layer_shapes(student, rng):
    """The output is (B, T, units), batch first, for any B, T, D and units."""
    for size, units, shapes in ((3, 4, [(2, 5), (6, 3)]), (1, 2, [(1, 7)])):
        calls = [layer_call(rng, *shape, size, units) for shape in shapes]
        checked_outputs(student.layer_outputs(kernel=floats(rng, size, units), calls=calls), calls, units, False)


@pytest.mark.task("2.3", points=4, hint="Each step gets the states of the step before; its new h is the output")
def test_layer_values(student, rng):
    """Every time step's output equals what stepping the cell by hand gives."""
    kernel = floats(rng, 3, 4, scale=0.5)
    calls = [layer_call(rng, 4, 9, 3, 4), layer_call(rng, 2, 30, 3, 4)]
    outputs = checked_outputs(student.layer_outputs(kernel=kernel, calls=calls), calls, 4)
    for output, call in zip(outputs, calls, strict=True):
        expected = unroll(kernel, **call)
        backward = unroll(kernel, call["x"][:, ::-1], call["h"], call["c"])
        hint = ""
        if same(output, backward, atol=1e-3) or same(output[:, ::-1], backward, atol=1e-3):
            hint = "They are those of a sequence read backwards."
        elif same(output, np.repeat(expected[:, -1:], output.shape[1], axis=1), atol=1e-3):
            hint = "The last step's output stands at every time step."
        assert_close(output, expected, "the outputs (batch x time x units)", hint=hint, **UNROLLED)


@pytest.mark.task("2.3", points=1)
def test_layer_one_step(student, rng):
    """A sequence of a single time step works."""
    kernel, call = floats(rng, 3, 4, scale=0.5), layer_call(rng, 3, 1, 3, 4)
    (output,) = checked_outputs(student.layer_outputs(kernel=kernel, calls=[call]), [call], 4)
    assert_close(output, unroll(kernel, **call), "the output of one time step", **UNROLLED)


@pytest.mark.task("2.3", points=2, hint="Step 0 first; an output must not see later inputs")
def test_layer_order(student, rng):
    """Time runs forward: a change of the input shows in that step's output and later ones, not before."""
    kernel, call = floats(rng, 2, 3, scale=0.5), layer_call(rng, 2, 8, 2, 3)
    changed = {**call, "x": call["x"].copy()}
    changed["x"][:, 4] += 1
    first, second = checked_outputs(student.layer_outputs(kernel=kernel, calls=[call, changed]), [call, changed], 3)
    moved = np.abs(first - second).max(axis=(0, 2)) > 1e-6
    expect(not moved[:4].any(), "outputs change before the input does: they see the future.")
    expect(moved[4], "an output does not depend on the input of its own time step.")
    expect(moved[5], "an output does not depend on the input of the step before: states are not carried on.")


@pytest.mark.task("2.3", points=2, hint="The first step starts from the states that `call` is given")
def test_layer_initial_states(student, rng):
    """The layer starts from the states that it is given, h and c each."""
    kernel, call = floats(rng, 2, 3, scale=0.5), layer_call(rng, 4, 3, 2, 3)
    for changed in ("h", "c"):
        calls = [call, {**call, changed: call[changed] + 1}]
        first, second = checked_outputs(student.layer_outputs(kernel=kernel, calls=calls), calls, 3)
        expect(not same(first[:, 0], second[:, 0], atol=1e-6), f"another initial {changed} changes nothing.")
        assert_close(second[:, 0], unroll(kernel, **calls[1])[:, 0], "the first output", **UNROLLED)


@pytest.mark.task("2.3", points=1, hint="States are arguments, not attributes of the layer")
def test_layer_keeps_no_state(student, rng):
    """Two calls with the same states give the same outputs, whatever was called in between."""
    kernel, call, other = floats(rng, 2, 3), layer_call(rng, 3, 4, 2, 3), layer_call(rng, 3, 4, 2, 3)
    calls = [call, other, call]
    first, _, again = checked_outputs(student.layer_outputs(kernel=kernel, calls=calls), calls, 3)
    expect(
        same(first, again, atol=1e-6), "the same call gave other outputs the second time: something is kept in between."
    )


@pytest.mark.task("2.3", points=2, hint="Stay with TensorFlow operations: NumPy and new Variables cut the gradient off")
def test_layer_gradient(student, rng):
    """The gradient flows back through time, to the inputs and to the cell's weights."""
    kernel, call = floats(rng, 2, 3, scale=0.5), layer_call(rng, 2, 5, 2, 3)
    direction = floats(rng, 2, 5, 3)
    found = student.layer_gradient(kernel=kernel, direction=direction, **call)
    found = as_dict(found, "the gradients", ["shape", "x", "weights"])
    shape = as_shape(found["shape"], "the output's shape")
    expect(shape == direction.shape, f"the layer's output has shape {shape}; expected {direction.shape}.")
    expect(found["x"] is not None, "no gradient reaches the input: it is cut off inside the layer.")

    def total(x):
        return float((unroll(kernel, x, call["h"], call["c"]) * direction).sum())

    x = call["x"].astype(np.float64)
    step = 1e-5  # central differences in float64: an error of 1e-10 by truncation, 1e-10 by rounding
    expected = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[place] = step
        expected[place] = (total(x + shift) - total(x - shift)) / (2 * step)
    assert_close(found["x"], expected, "the gradient to the inputs", rtol=1e-3, atol=1e-4)
    weights = as_items(found["weights"], "the layer's gradients")
    expect(weights, "the layer does not list its cell's weights among its `trainable_variables`.")
    expect(all(gradient is not None for gradient in weights), "no gradient reaches the cell's weights.")


@pytest.mark.task("2.3", points=1, behind="2.3", hint="Loop over the time steps yourself")
def test_layer_is_your_own(student):
    """The unrolling is your own: no built-in recurrent layer or operation does it."""
    check_builtins(student.builtins_in_use(part="layer"), "`LSTMLayer`")


@pytest.mark.task(
    "2.3", points=2, tier="outstanding", behind="2.3", hint="`tf.while_loop` or `tf.scan` over a tensor of time steps"
)
def test_graph_holds_a_loop(student, rng):
    """Traced, the layer is a loop in the graph."""
    found = as_items(student.layer_graphs(kernel=floats(rng, 2, 3), lengths=[12]), "the answer", length=1)
    loops = as_number(as_dict(found[0], "the graph", ["loops"])["loops"], "the number of loops")
    expect(loops > 0, "the traced graph holds no While loop: the time steps are unrolled one by one, or not at all.")


@pytest.mark.task(
    "2.3",
    points=2,
    tier="outstanding",
    behind="2.3",
    hint="A Python loop, or `tf.unstack`, copies the cell for each step",
)
def test_graph_does_not_grow(student, rng):
    """The traced graph is no larger for 60 time steps than for 6."""
    found = as_items(student.layer_graphs(kernel=floats(rng, 2, 3), lengths=[6, 60]), "the answer", length=2)
    short, long = (as_number(as_dict(one, "the graph", ["operations"])["operations"], "the size") for one in found)
    # A known T lets a few shape operations be folded; unrolling multiplies the size by almost ten.
    expect(long <= 1.25 * short, f"the graph has {short:.0f} operations for 6 time steps and {long:.0f} for 60.")


@pytest.mark.task("2.3", points=2, tier="outstanding", hint="Ask `tf.shape(x)` for sizes; lists do not work in a graph")
def test_one_graph_for_any_length(student, rng):
    """One trace with open B and T serves every length, and equals stepping by hand."""
    kernel = floats(rng, 3, 4, scale=0.5)
    calls = [layer_call(rng, batch, steps, 3, 4) for batch, steps in ((2, 5), (3, 12), (1, 1), (2, 31))]
    outputs = checked_outputs(student.layer_in_graph(kernel=kernel, calls=calls), calls, 4)
    for output, call in zip(outputs, calls, strict=True):
        what = f"in a graph, the outputs for {call['x'].shape[1]} time steps"
        assert_close(output, unroll(kernel, **call), what, **UNROLLED)


# -- 6.1 --------------------------------------------------------------------------------------------------------------


def check_stack(student, rng, in_graph):
    kernels = [floats(rng, 3, 5, scale=0.5), floats(rng, 5, 2, scale=0.5)]
    x = floats(rng, 4, 6, 3)
    starts = [floats(rng, 4, units) for units in (5, 5, 2, 2)]
    expected = unroll(kernels[1], unroll(kernels[0], x, *starts[:2]), *starts[2:])
    found = student.stack_outputs(kernels=kernels, x=x, starts=starts, in_graph=in_graph)
    output = as_array(found, "the layer's output", shape=(4, 6, 2), axes="batch x time x units of the last cell")
    assert_close(output, expected, "the outputs of two cells", **UNROLLED)


@pytest.mark.task("6.1", points=3, hint="Each cell reads the outputs of the one before")
def test_stacked_cells(student, rng):
    """`LSTMLayer([first, second])` feeds the first cell's outputs to the second."""
    check_stack(student, rng, in_graph=False)


@pytest.mark.task("6.1", points=2, hint="A layer that keeps its cells in a list attribute")
def test_stacked_cells_in_graph(student, rng):
    """Several cells work in a graph, too."""
    check_stack(student, rng, in_graph=True)
