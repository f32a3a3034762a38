"""Task 3: the model."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_dict, as_items, as_number, assert_close, expect, same


def noise(rng, batch, steps):
    return rng.normal(size=(batch, steps, 1)).astype(np.float32)


def predictions(student, calls):
    """One array for each call, with as many rows as signals. One test asks for the rest of the shape and the range."""
    answer = as_items(student.model_outputs(calls=calls), "the answer", length=len(calls))
    found = [as_array(output, "the prediction", kind="float") for output in answer]
    for x, output in zip(calls, found, strict=True):
        rows = output.shape[:1]
        expect(
            rows == x.shape[:1],
            f"the prediction for {len(x)} signals has shape {output.shape}; expected {len(x)} rows.",
        )
    return found


def checked_predictions(student, calls):
    """One array of probabilities `(B, 1)` for each call."""
    answer = as_items(student.model_outputs(calls=calls), "the answer", length=len(calls))
    found = []
    for x, output in zip(calls, answer, strict=True):
        what = f"`IntegrationModel` for x of shape {x.shape}: its output"
        prediction = as_array(output, what, shape=(len(x), 1), axes="batch x 1", kind="float")
        low, high = prediction.min(), prediction.max()
        expect(low >= 0 and high <= 1, f"the predictions lie between {low:.3g} and {high:.3g}; expected probabilities.")
        found.append(prediction)
    return found


@pytest.mark.task("3.1", points=2, hint="A readout with one unit and a sigmoid, on the last time step: `h[:, -1]`")
def test_model_predicts_probabilities(student, rng):
    """The model gives one probability a signal, (B, 1), for any batch size and length."""
    signals = noise(rng, 64, 25)
    checked_predictions(student, [signals, -20 * signals, noise(rng, 1, 25), noise(rng, 5, 40), noise(rng, 3, 1)])


@pytest.mark.task("3.1", points=1, hint="The LSTM's states carry early inputs on; read out the last step")
def test_model_sees_every_step(student, rng):
    """The last state of your LSTM decides, and depends on the input of every time step."""
    x = noise(rng, 16, 6)
    changed = [x.copy() for _ in range(6)]
    for t, signal in enumerate(changed):
        signal[:, t] += 3
    plain, *moved = predictions(student, [x, *changed])
    blind = [t + 1 for t, prediction in enumerate(moved) if same(prediction, plain, atol=1e-7)]
    expect(not blind, f"of 6 time steps, the prediction does not depend on the input of: {', '.join(map(str, blind))}.")
    check_last_step(student, x)


def check_last_step(student, x):
    """Sets to 0 what the LSTM puts out before the last time step: the prediction stays."""
    found = as_dict(student.model_of_last_step(x=x), "the answer", ["whole", "again", "last", "called"])
    expect(found["called"], "`IntegrationModel` calls neither `LSTMLayer` nor `LSTMCell` of your lstm.py.")
    whole, last = (as_array(found[key], "the prediction", kind="float") for key in ("whole", "last"))
    if whole.shape != (len(x), 1) or not same(found["again"], whole, atol=1e-5):
        return  # which another test tells
    text = "the prediction depends on outputs of your LSTM before its last time step; expected a readout of the last."
    expect(same(last, whole, atol=1e-5), text)


@pytest.mark.task("3.1", points=1, hint="What does the layer do with your cell that it doesn't do with another?")
def test_layer_runs_your_cell(student, rng):
    """Your layer around your own cell gives what stepping that cell by hand gives."""
    x = rng.normal(size=(4, 7, 3)).astype(np.float32)
    found = as_dict(student.own_layer(units=5, x=x), "the answer", ["layer", "stepped"])
    stepped = as_array(found["stepped"], "h of the cell", shape=(4, 7, 5), axes="batch x time x units", kind="float")
    # Seven steps in float32; the order of summation may differ.
    assert_close(found["layer"], stepped, "the layer's outputs, against its cell's h", rtol=1e-4, atol=1e-5)


@pytest.mark.task("3.1", points=1, hint="Zero states at every call: they are made inside `call`")
def test_model_starts_from_zero_states(student, rng):
    """Every call starts from zero states: the same signal gets the same prediction again."""
    x = noise(rng, 8, 10)
    first, _, again = predictions(student, [x, noise(rng, 8, 10), x])
    assert_close(again, first, "the prediction after another call", rtol=1e-5, atol=1e-6, hint="Are states kept?")


@pytest.mark.task("3.1", points=1, hint="No operation may mix the batch axis with another")
def test_model_rows_are_independent(student, rng):
    """A signal's prediction does not depend on the others in its batch."""
    x = noise(rng, 6, 12)
    whole, part = predictions(student, [x, x[4:5]])
    assert_close(part[0], whole[4], "the prediction of a signal alone, against that in a batch", rtol=1e-4, atol=1e-5)


@pytest.mark.task(
    "3.1", points=1, tier="outstanding", limit_s=40, hint="Which weights does `call` use, and by what path?"
)
def test_gradients_reach_every_variable(student, rng):
    """In a graph the model predicts what it does eagerly, and the gradient reaches every weight."""
    x = noise(rng, 64, 8)
    y = (x.sum(axis=1) > 0).astype(np.float32)
    keys = ["variables", "missing", "zero", "eager", "graph"]
    found = as_dict(student.model_gradients(x=x, y=y), "the gradients", keys)
    expect(as_number(found["variables"], "the number") > 0, "the model has no trainable variables.")
    eager = as_array(found["eager"], "the prediction", shape=(64, 1), kind="float")
    assert_close(found["graph"], eager, "the predictions in a graph, against eager ones", rtol=1e-4, atol=1e-5)
    for key, what in (("missing", "no gradient reaches"), ("zero", "the gradient is 0 everywhere for")):
        paths = [str(path) for path in as_items(found[key], "the answer")]
        expect(not paths, f"{what} {len(paths)} variables, such as {', '.join(paths[:3])}.")


@pytest.mark.task("3.1", points=0, behind="3.1")
def test_model_is_your_own(student):
    """The model runs no built-in recurrent layer."""
    names = ", ".join(str(name) for name in as_items(student.builtins_in_use(part="model"), "the answer"))
    expect(not names, f"`IntegrationModel` runs {names}. Use your own LSTM.")
