"""The public tests: run `pytest` in this folder. Grading runs them too, and hidden ones beside them.

`student.<name>(...)` calls the function of that name in adapters.py, which calls your code.
"""

from __future__ import annotations

import numpy as np
import pytest


def array(value, what, shape):
    """The value as an array, once it is known to have that shape; None in it stands for any size."""
    try:
        found = np.asarray(value)
    except ValueError:  # a ragged list
        found = np.asarray(None)
    assert found.dtype.kind in "fiu", f"{what} is {type(value).__name__}, not an array of numbers of shape {shape}."
    fits = found.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, found.shape, strict=True))
    assert fits, f"{what} has shape {found.shape}; expected {str(shape).replace('None', 'any')}."
    assert np.isfinite(found).all(), f"{what} holds NaN or infinity."
    return found


def pair(value, what):
    """The two values of a tuple or list."""
    assert isinstance(value, (tuple, list)), f"{what}; got {type(value).__name__}."
    assert len(value) == 2, f"{what}; got {len(value)} values."
    return value


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# -- 1: data ----------------------------------------------------------------------------------------------------------


@pytest.mark.task("1.1", points=1, visibility="visible", hint="`yield noise, label`, with a last axis of length 1")
def test_public_sample_shapes(student):
    """`integration_task` yields noise of shape (seq_len, 1) with a label of shape (1,)."""
    found = student.noise_samples(seq_len=10, num_samples=5)
    assert found["count"] == 5, f"integration_task(10, 5) yielded {found['count']} samples; expected 5."
    noise, label = pair(found["first"], "Each sample is a pair (noise, label)")
    array(noise, "noise", (10, 1))
    assert array(label, "label", (1,)).dtype.kind in "iu", (
        "the label is no integer; comparisons give booleans: convert."
    )


@pytest.mark.task("1.1", points=1, visibility="visible", hint="Sum over the time axis, then compare with 0")
def test_public_label_is_sign(student):
    """The label is 1 where the noise sums to more than 0, else 0."""
    found = student.noise_samples(seq_len=8, num_samples=200)
    noise, labels = array(found["noise"], "all noise", (200, 8, 1)), array(found["labels"], "all labels", (200, 1))
    sums = noise.astype(np.float64).sum(axis=1)
    clear = np.abs(sums) > 1e-4
    wrong = int(((sums > 0) != (labels == 1))[clear].sum())
    assert set(np.unique(labels)) <= {0, 1}, "labels are 0 and 1 alone."
    assert wrong == 0, f"{wrong} of 200 labels do not say whether the noise sums to more than 0."


@pytest.mark.task("1.2", points=1, visibility="visible")
def test_public_wrapper(student):
    """`my_integration_task()` yields samples of at least 25 time steps."""
    first, _ = student.wrapper_samples(num_samples=3)
    assert first["count"] == 3, f"asked for 3 samples, got {first['count']}."
    noise, _ = pair(first["first"], "Each sample is a pair (noise, label)")
    steps = len(array(noise, "noise", (None, 1)))
    assert steps >= 25, f"the noise has {steps} time steps; expected at least 25."


@pytest.mark.task("1.3", points=1, visibility="visible", hint="`output_signature` describes one sample, not a batch")
def test_public_batches(student):
    """`make_dataset` gives batches (B, seq_len, 1) of noise and (B, 1) of labels."""
    (found,) = student.dataset_passes(num_samples=32, seq_len=6, batch_size=8, passes=1)
    shapes = [tuple(map(tuple, pair(shapes, "A batch is a pair (noise, labels)"))) for shapes in found["shapes"]]
    assert shapes == [((8, 6, 1), (8, 1))], f"batches have the shapes {shapes}; expected (8, 6, 1) and (8, 1)."


# -- 2: the LSTM ------------------------------------------------------------------------------------------------------


@pytest.mark.task("2.1", points=1, visibility="visible", hint="Return h first, then c, as `states` has them")
def test_public_cell_shapes(student, rng):
    """`LSTMCell.call(x, states)` returns h and c of shape (B, units)."""
    x, h, c = (rng.normal(size=(6, size)).astype(np.float32) for size in (3, 4, 4))
    student.make_cell(units=4, input_size=3)
    new_h, new_c = pair(student.cell_step(x=x, h=h, c=c), "`LSTMCell.call` returns the pair (h, c)")
    array(new_h, "h", (6, 4))
    array(new_c, "c", (6, 4))
    assert np.abs(new_h).max() < 1, "h = o * tanh(c) lies between -1 and 1. Are h and c in the right order?"


@pytest.mark.task(
    "2.1", points=2, visibility="visible", hint="Write the four gates and the two state equations down first"
)
def test_public_cell_values(student, rng):
    """With equal numbers in all matrices, and biases 0, a step gives what the equations say."""
    student.make_cell(units=4, input_size=3)
    filled = student.fill_cell(kernel=0.3)
    assert filled["matrices"] > 0, "no weight matrices found in the cell; make them in `__init__` or on the first call."
    x, h, c = (rng.normal(size=(6, size)).astype(np.float32) for size in (3, 4, 4))
    z = 0.3 * (x.sum(axis=1, keepdims=True) + h.sum(axis=1, keepdims=True))
    gate, candidate = sigmoid(z), np.tanh(z)
    new_h, new_c = pair(student.cell_step(x=x, h=h, c=c), "`LSTMCell.call` returns the pair (h, c)")
    new_h, new_c = array(new_h, "h", (6, 4)), array(new_c, "c", (6, 4))
    # A forget bias of 1 may be a bias (now 0) or a number that `call` adds.
    expected = [sigmoid(z + bias) * c + gate * candidate for bias in (0, 1)]
    misses = [float(np.abs(new_c - other).max()) for other in expected]
    assert min(misses) < 1e-4, f"c' = f * c + i * g: the new c is off by up to {min(misses):.3g}."
    off = float(np.abs(new_h - gate * np.tanh(new_c)).max())
    assert off < 1e-4, f"h' = o * tanh(c'): the new h is off by up to {off:.3g}."


@pytest.mark.task("2.2", points=1, visibility="visible")
def test_public_zero_states(student):
    """`zero_states(batch_size)` returns two arrays of zeros, (B, units)."""
    (states,) = student.zero_states(units=4, batch_sizes=[3])
    for name, state in zip("hc", pair(states, "The states are a pair (h, c)"), strict=True):
        assert not array(state, name, (3, 4)).any(), f"{name} holds something else than zeros."


def layer_call(rng, steps):
    """A kernel for the kit's cell, and one call of the layer: B = 2, D = 3, U = 4."""
    kernel = rng.normal(scale=0.5, size=(3, 4)).astype(np.float32)
    x = rng.normal(size=(2, steps, 3)).astype(np.float32)
    return kernel, {"x": x, **{name: rng.normal(size=(2, 4)).astype(np.float32) for name in "hc"}}


@pytest.mark.task("2.3", points=1, visibility="visible", hint="Batch first: (batch, time, units)")
def test_public_layer_shape(student, rng):
    """`LSTMLayer.call` returns one hidden state a time step: (B, T, units)."""
    kernel, call = layer_call(rng, steps=5)
    (outputs,) = student.layer_outputs(kernel=kernel, calls=[call])
    array(outputs, "the layer's output", (2, 5, 4))


@pytest.mark.task("2.3", points=2, visibility="visible", hint="adapters.py: `kit_cell` says what the cell computes")
def test_public_layer_values(student, rng):
    """The layer gives what stepping the cell by hand gives."""
    kernel, call = layer_call(rng, steps=3)
    (outputs,) = student.layer_outputs(kernel=kernel, calls=[call])
    outputs = array(outputs, "the layer's output", (2, 3, 4))
    h, c = call["h"], call["c"]
    for t in range(3):
        c = 0.5 * c + 0.25 * h + call["x"][:, t] @ kernel
        h = np.tanh(c)
        off = float(np.abs(outputs[:, t] - h).max())
        assert off < 1e-4, f"after time step {t + 1} of 3 the output is off by up to {off:.3g}."


# -- 3 and 4: model and training --------------------------------------------------------------------------------------


@pytest.mark.task("3.1", points=1, visibility="visible", hint="Slice the last time step off before the readout")
def test_public_model_shape(student, rng):
    """`IntegrationModel` gives one probability for each signal: (B, 1)."""
    (prediction,) = student.model_outputs(calls=[rng.normal(size=(4, 25, 1)).astype(np.float32)])
    prediction = array(prediction, "the prediction", (4, 1))
    assert prediction.min() >= 0, "probabilities are not negative."
    assert prediction.max() <= 1, "probabilities are at most 1."


@pytest.mark.task("4.1", points=1, visibility="visible", hint="One entry an epoch in each list")
def test_public_history(student, rng):
    """`train` returns four lists with an entry for each epoch."""
    x = rng.normal(size=(32, 5, 1)).astype(np.float32)
    y = (x.sum(axis=1) > 0).astype(np.int32)
    data = {"x": x, "y": y, "x_val": x[:16], "y_val": y[:16]}
    found = student.train_mean_model(**data, batch_size=8, epochs=2, learning_rate=0.01, stop_after=None)
    history = found["history"]
    assert isinstance(history, dict), f"`train` returned {type(history).__name__}; expected a dict of lists."
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert name in history, f"the history has no {name!r}."
        array(history[name], f"history[{name!r}]", (2,))
