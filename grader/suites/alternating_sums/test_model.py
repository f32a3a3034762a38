"""Task 3: the model. Nothing is trained here: its structure shows in how predictions move."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_dict, as_items, as_number, assert_close, expect


def sequences(rng, batch, steps):
    """Images of smooth noise, `(B, T, 28, 28, 1)`, scaled to [0, 1]."""
    coarse = rng.uniform(size=(batch, steps, 7, 7, 1))
    return coarse.repeat(4, axis=2).repeat(4, axis=3).astype(np.float32)


def as_totals(value, batch, steps, what="the prediction"):
    """Predictions as `(B, T)` in float64. One test asks for their exact shape."""
    found = as_array(value, what, kind="float")
    text = f"{what} for {batch} sequences of {steps} images has shape {found.shape}; expected ({batch}, {steps}, 1)."
    expect(found.size == batch * steps and found.shape[:1] == (batch,), text)
    return found.reshape(batch, steps).astype(np.float64)


def predictions(student, calls):
    """What one model predicts for each call, `(B, T)`."""
    answer = as_items(student.model_outputs(calls=calls), "the answer", length=len(calls))
    return [as_totals(output, *x.shape[:2]) for x, output in zip(calls, answer, strict=True)]


def moved(first, second):
    """Which entries of two predictions differ by more than the order of summation explains."""
    return np.abs(first - second) > 1e-5 * (1 + np.abs(first))


@pytest.mark.task("3.1", points=2, hint="Nothing in the model may fix the batch size")
def test_model_shapes(student, rng):
    """The prediction is (B, T, 1) for any batch size: one total for each image."""
    for steps, batches in ((4, (3, 1, 6)), (5, (2,))):
        calls = [sequences(rng, batch, steps) for batch in batches]
        answer = as_items(student.model_outputs(calls=calls), "the answer", length=len(calls))
        for x, output in zip(calls, answer, strict=True):
            what = f"the prediction for x of shape {x.shape}"
            as_array(output, what, shape=(len(x), steps, 1), axes="batch x time x 1", kind="float")


@pytest.mark.task("3.1", points=2, hint="`return_sequences=True`; unfold batch and time in the order in which you fold")
def test_totals_follow_the_images(student, rng):
    """A change of an image shows in the totals from that time step on, and not before."""
    x = sequences(rng, 8, 5)
    changed = [x.copy() for _ in range(5)]
    for t, copy in enumerate(changed):
        copy[:, t] = sequences(rng, 8, 1)[:, 0]
    plain, *others = predictions(student, [x, *changed])
    for t, other in enumerate(others):
        shows = moved(plain, other).mean(axis=0) > 0.5
        place = f"A change of image {t + 1} of 5"
        expect(not moved(plain, other)[:, :t].any(), f"{place} shows in totals before it: they see the future.")
        expect(shows[t], f"{place} does not show in the total at the same time step.")
        expect(shows[t:].all(), f"{place} does not show in a later total: what was read before is lost.")


@pytest.mark.task("3.1", points=1, hint="No operation may mix the batch axis with another")
def test_model_rows_are_independent(student, rng):
    """A sequence's totals do not depend on the others in its batch."""
    x = sequences(rng, 6, 4)
    whole, part = predictions(student, [x, x[4:5]])
    assert_close(part[0], whole[4], "the totals of a sequence alone, against those in a batch", rtol=1e-4, atol=1e-4)


@pytest.mark.task("3.1", points=1, hint="RNN makes the initial states at every call, unless it is `stateful`")
def test_model_starts_anew(student, rng):
    """Every call starts from zero states: the same sequence gets the same totals again."""
    x = sequences(rng, 4, 4)
    first, _, again = predictions(student, [x, sequences(rng, 4, 4), x])
    assert_close(again, first, "the totals after another call", rtol=1e-4, atol=1e-4, hint="Are states kept?")


@pytest.mark.task("3.1", points=2, hint="A readout without activation, or one whose range has no end that matters")
def test_any_total_can_come_out(student, rng):
    """The head can give negative totals as well as large ones."""
    x = sequences(rng, 4, 4)
    # Weights this far from their start drive a linear readout to tens, and a saturated one to the ends of its range.
    answer = student.shaken_outputs(x=x, scales=[8.0] * 10)
    outputs = [as_totals(output, 4, 4) for output in as_items(answer, "the answer", length=10)]
    low, high = float(np.min(outputs)), float(np.max(outputs))
    # Four digits give totals from -18 to 18.
    text = f"with 10 random settings of its weights the model predicts totals from {low:.3g} to {high:.3g} alone"
    expect(low < -5, f"{text}; totals of four digits go down to -18.")
    expect(high > 5, f"{text}; totals of four digits go up to 18.")


@pytest.mark.task("3.1", points=2, hint="`keras.layers.RNN(LSTMCell(units), ...)` with the class of cell.py")
def test_model_runs_your_cell(student, rng):
    """`SumModel(units=...)` runs the `LSTMCell` of cell.py with that many units, and predicts by what it returns."""
    x = sequences(rng, 3, 4)
    keys = ["calls", "widths", "plain", "disturbed"]
    found = as_dict(student.own_cell(units=11, x=x), "the answer", keys)
    calls = as_number(found["calls"], "the number of calls")
    expect(calls > 0, "the model never calls `LSTMCell` of cell.py; what does its work?")
    plain, disturbed = (as_totals(found[key], 3, 4) for key in ("plain", "disturbed"))
    still = [t + 1 for t in range(4) if not moved(plain, disturbed)[:, t].any()]
    text = f"the totals at time steps {', '.join(map(str, still))} do not depend on what `LSTMCell.call` returns there."
    expect(not still, text)
    widths = [as_number(width, "a size of the states") for width in as_items(found["widths"], "the sizes")]
    expect(widths == [11], f"with units=11 the cell's states have the sizes {widths}.")


@pytest.mark.task("3.1", points=1, behind="3.1", hint="RNN is allowed, around your cell")
def test_no_builtin_cell(student):
    """No built-in recurrent layer or cell runs in the model."""
    names = ", ".join(str(name) for name in as_items(student.builtins_in_use(part="model"), "the answer"))
    expect(not names, f"`SumModel` runs {names}. Use your own cell, in `keras.layers.RNN`.")


@pytest.mark.task("3.1", points=1, hint="Which weights does `call` use, and by what path?")
def test_gradients_reach_every_variable(student, rng):
    """The gradient of the error reaches every weight."""
    x = sequences(rng, 12, 4)
    y = rng.integers(-9, 10, size=(12, 4, 1)).astype(np.float32)
    found = as_dict(student.model_gradients(x=x, y=y), "the gradients", ["variables", "missing", "zero"])
    expect(as_number(found["variables"], "the number") > 0, "the model has no trainable variables.")
    for key, what in (("missing", "no gradient reaches"), ("zero", "the gradient is 0 everywhere for")):
        paths = [str(path) for path in as_items(found[key], "the answer")]
        expect(not paths, f"{what} {len(paths)} variables, such as {', '.join(paths[:3])}.")


# -- 4.4: of the model alone ------------------------------------------------------------------------------------------


@pytest.mark.task("4.4", points=1, hint="Ask `tf.shape(x)[0]` for the batch size, not Python")
def test_one_graph_for_any_batch_size(student, rng):
    """One trace with an open batch size serves every batch, and predicts what the model does eagerly."""
    calls = [sequences(rng, batch, 4) for batch in (2, 1, 3)]
    found = as_dict(student.model_in_graph(calls=calls), "the answer", ["eager", "graph", "traces"])
    traces = as_number(found["traces"], "the number of traces")
    expect(traces == 1, f"three batch sizes took {traces:.0f} traces; expected one.")
    eager, graph = (as_items(found[key], "the answer", length=3) for key in ("eager", "graph"))
    for x, one, other in zip(calls, eager, graph, strict=True):
        plain, traced = as_totals(one, len(x), 4), as_totals(other, len(x), 4)
        assert_close(traced, plain, "the totals in a graph, against eager ones", rtol=1e-4, atol=1e-4)
