"""Task 2: the LSTM cell, its zero states, and the layer that unrolls it; task 6.1: several cells in one layer.

The cell's weights have no fixed names or shapes, so its tests read the gates off its answers; see grader.oracles.lstm.
The layer's tests give it a cell of the kit's that is no LSTM: a wrong cell does not cost points here again.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grader.oracles import lstm
from grader.oracles.compare import as_array, as_dict, as_items, as_number, as_shape, assert_close, expect, same

UNITS, SIZE = 4, 3  # U and D of the cell's tests
# One step in float32 differs from float64 by some 1e-6; a wrong equation by more than 1e-2.
ONE_STEP = {"rtol": 1e-5, "atol": 1e-5}


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


def made_cell(student, rng, shake=0.0):
    """Makes a cell; returns its step as a function of x, h and c. Some points lie so far out that exp overflows."""
    student.make_cell(units=UNITS, input_size=SIZE, shake=shake)
    return lambda x, h, c: checked_step(student, x, h, c)


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
    step = made_cell(student, rng)
    x, h, c = floats(rng, 5, SIZE), floats(rng, 5, UNITS), floats(rng, 5, UNITS)
    whole, again = step(x, h, c), step(x, h, c)
    single = step(x[2:3], h[2:3], c[2:3])
    for name, first, second, row in zip("hc", whole, again, single, strict=True):
        expect(
            same(first, second, atol=0),
            f"called twice with the same arguments, the cell returned two different {name}.",
        )
        # Another batch size may take another order of summation.
        assert_close(row[0], first[2], f"{name} of a row alone, against the same row in a batch", rtol=1e-5, atol=1e-6)


@pytest.mark.task("2.1", points=2, hint="c' = f * c + i * g, with f and i between 0 and 1 and g between -1 and 1")
def test_cell_state_update(student, rng):
    """The new c is affine in the old one: kept by a share f in (0, 1), plus what the input adds, in (-1, 1)."""
    step = made_cell(student, rng, shake=0.3)
    x, h = floats(rng, 40, SIZE), floats(rng, 40, UNITS)
    levels = (0.0, 1.0, -2.0, 4.0)
    found = [step(x, h, np.full((40, UNITS), level))[1] for level in levels]
    added, kept = found[0], found[1] - found[0]
    expect(np.abs(kept).max() > 1e-5, "the new c does not depend on the old one at all.")
    for level, state in zip(levels, found, strict=True):
        straight = same(state, added + level * kept, atol=1e-5 * (1 + abs(level)))
        expect(
            straight, "the new c is not affine in the old c; expected c' = f * c + i * g, with gates of x and h alone."
        )
    expect(
        kept.min() > 0 and kept.max() < 1, f"c' keeps {kept.min():.3g} to {kept.max():.3g} of c; expected 0 < f < 1."
    )
    expect(np.abs(added).max() < 1, f"at c = 0 the new c reaches {np.abs(added).max():.3g}; expected |i * g| < 1.")
    one_sign = added.min() >= 0 or added.max() <= 0
    expect(not one_sign, "what is added to c has one sign everywhere; is the candidate g a tanh?")


@pytest.mark.task("2.1", points=2, hint="h' = o * tanh(c'), with the new c'")
def test_cell_output(student, rng):
    """The new h is the output gate, in (0, 1) and blind to c, times tanh of the new c."""
    step = made_cell(student, rng, shake=0.3)
    x, h = floats(rng, 40, SIZE), floats(rng, 40, UNITS)
    gates = []
    for level in (-8.0, -3.0, 3.0, 8.0):
        new_h, new_c = step(x, h, np.full((40, UNITS), level))
        usable = np.abs(new_c) > 0.05  # closer to 0 the quotient is not exact
        gates.append(np.where(usable, new_h / np.tanh(np.where(usable, new_c, 1)), np.nan))
    gates = np.stack(gates)
    low, high = np.nanmin(gates), np.nanmax(gates)
    expect(np.isfinite(gates).mean() > 0.5, "the new c stays close to 0 even where the old one is 8.")
    expect(low > 0 and high < 1, f"h' / tanh(c') lies between {low:.3g} and {high:.3g}; expected 0 < o < 1.")
    with np.errstate(all="ignore"):
        spread = np.nan_to_num(np.nanmax(gates, axis=0, initial=-np.inf) - np.nanmin(gates, axis=0, initial=np.inf))
    # The quotient is exact to 1e-7 / 0.05.
    expect(
        spread.max() < 1e-4, f"h' / tanh(c') changes by {spread.max():.3g} with c; the gate o is one of x and h alone."
    )


def gates_at_origin(student, rng):
    """The fresh cell's gates at x = 0 and h = 0."""
    zeros = np.zeros((1, SIZE)), np.zeros((1, UNITS))
    return lstm.split_step(made_cell(student, rng), *zeros, UNITS)


@pytest.mark.task("2.1", points=2, hint="`bias_initializer=` of the forget gate's layer")
def test_forget_bias(student, rng):
    """The forget gate starts with a bias of 1: at x = 0 and h = 0 it keeps sigmoid(1) = 0.731 of c."""
    f = gates_at_origin(student, rng).f
    # Float32 makes an error of 1e-7; a bias of 0.99 one of 2e-3.
    off = np.abs(f - lstm.sigmoid(np.float64(1)))
    expect(off.max() < 1e-3, f"at x = 0 and h = 0 the cell keeps {f.min():.3f} to {f.max():.3f} of c; expected 0.731.")


@pytest.mark.task("2.1", points=1, hint="The other gates' biases keep their own initialiser")
def test_other_biases(student, rng):
    """The bias of 1 is the forget gate's alone."""
    o = gates_at_origin(student, rng).o
    one = lstm.sigmoid(np.float64(1))
    # Where c' stays 0 the gate can't be read; that is another test's matter.
    expect(not (np.abs(o - one) < 1e-3).all(), "the output gate starts with a bias of 1, too.")


@pytest.mark.task("2.1", points=2, hint="Write out i, f, g, o, then c' = f * c + i * g and h' = o * tanh(c')")
def test_cell_with_constant_weights(student, rng):
    """With one number in all matrices, and biases 0, a step gives what the equations say."""
    step = made_cell(student, rng)
    for kernel in rng.uniform(0.1, 0.5, size=2) * (1, -1):
        filled = as_dict(student.fill_cell(kernel=float(kernel)), "the cell's weights", ["matrices"])
        expect(as_number(filled["matrices"], "the number") > 0, "no weight matrices were found in the cell.")
        # A forget bias of 1 may be a variable, and is now 0, or a number that `call` adds.
        f = lstm.split_step(step, np.zeros((1, SIZE)), np.zeros((1, UNITS)), UNITS).f
        inside = np.clip(f, 1e-6, 1 - 1e-6)
        bias = float(np.round(lstm.logit(inside).mean(), 4))
        expect(
            bias in (0.0, 1.0), f"with biases set to 0 the forget gate at x = 0, h = 0 is {f.mean():.3f}; expected 0.5."
        )
        x, h, c = floats(rng, 30, SIZE), floats(rng, 30, UNITS), floats(rng, 30, UNITS)
        found = step(x, h, c)
        for name, got, expected in zip("hc", found, lstm.constant_step(x, h, c, kernel, bias), strict=True):
            assert_close(got, expected, f"the new {name}", **ONE_STEP)


@pytest.mark.task("2.1", points=2, hint="Each gate has weights of its own, for x and for h")
def test_cell_is_an_lstm(student, rng):
    """With all weights different, the cell equals an LSTM whose four gates are read off its answers."""
    step = made_cell(student, rng, shake=0.3)
    recovered = lstm.recover(step, SIZE, UNITS, rng)
    x, h, c = floats(rng, 60, SIZE), floats(rng, 60, UNITS), floats(rng, 60, UNITS)
    for name, got, expected in zip("hc", step(x, h, c), recovered.step(x, h, c), strict=True):
        # The recovered weights are exact to 1e-4 in z; measured over 600 cells, states differ by 2e-5 at most.
        assert_close(got, expected, f"the new {name}", rtol=0, atol=3e-4)


@pytest.mark.task("2.1", points=2, hint="Every gate sees both x and h, e.g. `tf.concat((x, h), axis=-1)`")
def test_gates_are_four(student, rng):
    """All four gates look at both x and h, each through weights of its own."""
    recovered = lstm.recover(made_cell(student, rng, shake=0.3), SIZE, UNITS, rng)
    weights = {}
    for gate, name in lstm.GATES.items():
        affine = getattr(recovered, gate)
        for source, matrix in (("x", affine.W_x), ("h", affine.W_h)):
            # The noise that was added to each weight has a standard deviation of 0.3; recovery is exact to 1e-4.
            blind = np.abs(matrix).max(axis=1) < 5e-3
            expect(
                not blind.any(), f"the {name} ({gate}) does not look at {'all of ' if not blind.all() else ''}{source}."
            )
        weights[name] = np.vstack([affine.W_x, affine.W_h])
    for (one, first), (other, second) in itertools.combinations(weights.items(), 2):
        distance = min(np.abs(first - second).max(), np.abs(first + second).max())
        expect(distance > 5e-3, f"the {one} and the {other} share their weights; each gate has its own.")


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
        c = 0.5 * c + h + x[:, t] @ kernel
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


# A step of the kit's cell halves an error in c and passes one of h on; 40 steps stay below 1e-5 in float32.
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
    expected = x
    for kernel in kernels:
        zeros = np.zeros((4, kernel.shape[1]))
        expected = unroll(kernel, expected, zeros, zeros)
    found = student.stack_outputs(kernels=kernels, x=x, in_graph=in_graph)
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
