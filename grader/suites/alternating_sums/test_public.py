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


def digit_images(rng, count):
    """Noise in place of digits: what the pipeline does with images does not depend on what they show."""
    return rng.integers(0, 256, size=(count, 28, 28), dtype=np.uint8)


# -- 1: data ----------------------------------------------------------------------------------------------------------


@pytest.mark.task("1.1", points=2, visibility="visible", hint="+4 -1 +0 -7")
def test_public_targets(student):
    """4 1 0 7 gives the totals 4 3 3 -4."""
    found = array(student.targets(labels=[4, 1, 0, 7], sequence_len=4), "what `alternating_targets` returned", (4,))
    assert found.tolist() == [4, 3, 3, -4], f"it gives {found.tolist()}; expected [4, 3, 3, -4]."


@pytest.mark.task("1.1", points=1, visibility="visible", hint="The sign follows the position in the sequence")
def test_public_targets_start_anew(student):
    """4 1 0 7 2 5 in sequences of 3 gives the totals 4 3 3 7 5 10."""
    found = student.targets(labels=[4, 1, 0, 7, 2, 5], sequence_len=3)
    found = array(found, "what `alternating_targets` returned", (6,)).tolist()
    assert found == [4, 3, 3, 7, 5, 10], f"it gives {found}; expected [4, 3, 3, 7, 5, 10]."


@pytest.mark.task("1.2", points=2, visibility="visible", hint="Group into sequences first, batch afterwards")
def test_public_batches(student, rng):
    """`make_dataset` gives batches (B, T, 28, 28, 1) of images and (B, T, 1) of totals."""
    images, labels = digit_images(rng, 24), rng.integers(0, 10, size=24, dtype=np.uint8)
    data = {"images": images, "labels": labels, "sequence_len": 4, "batch_size": 2}
    for training in (True, False):
        (found,) = student.dataset_batches(**data, training=training)
        assert len(found["x"]) == 3, f"24 images make {len(found['x'])} batches of 2 sequences of 4; expected 3."
        for x, y in zip(found["x"], found["y"], strict=True):
            array(x, "a batch of images", (2, 4, 28, 28, 1))
            assert np.size(y) == 8, f"a batch of totals has shape {np.shape(y)}; expected (2, 4, 1)."


# -- 2: the cell ------------------------------------------------------------------------------------------------------


@pytest.mark.task("2.1", points=1, visibility="visible", hint="h and c: a list of two numbers")
def test_public_state_size(student):
    """`state_size` is [units, units], and `output_size` is units."""
    found = student.state_sizes(units=6)
    size = found["state_size"]
    assert size == [6, 6], f"of a cell with 6 units `state_size` is {size!r}; expected [6, 6]."
    assert found["output_size"] == 6, f"of a cell with 6 units `output_size` is {found['output_size']!r}; expected 6."


@pytest.mark.task("2.1", points=1, visibility="visible")
def test_public_initial_state(student):
    """`get_initial_state(batch_size=...)` returns two arrays of zeros, (B, units)."""
    (states,) = student.initial_states(units=4, batch_sizes=[3])
    for name, state in zip(("first", "second"), pair(states, "The states are two"), strict=True):
        assert not array(state, f"the {name} state", (3, 4)).any(), f"the {name} state holds something else than zeros."


def cell_answer(student, x, h, c):
    """Output, h and c; the two states may come in either order, as long as they went in like that."""
    answer = pair(student.cell_step(x=x, states=[h, c]), "`LSTMCell.call` returns (output, states)")
    states = pair(answer[1], "The states that `LSTMCell.call` returns are two, [h, c]")
    shape = h.shape
    output, first, second = (
        array(value, what, shape)
        for value, what in ((answer[0], "the output"), (states[0], "the first state"), (states[1], "the second state"))
    )
    return output, first, second


@pytest.mark.task("2.2", points=1, visibility="visible", hint="h is the output, and the first of the two states")
def test_public_cell_shapes(student, rng):
    """`LSTMCell.call(inputs, states)` returns the output h and the states h and c, all of shape (B, units)."""
    x, h, c = (rng.normal(size=(6, size)).astype(np.float32) for size in (3, 4, 4))
    student.make_cell(units=4, input_size=3)
    output, first, second = cell_answer(student, x, h, c)
    is_state = np.array_equal(output, first) or np.array_equal(output, second)
    assert is_state, "the output is none of the two states; expected h, which is both."
    assert np.abs(output).max() < 1, "the output h = o * tanh(c) lies between -1 and 1. Is it c?"


@pytest.mark.task(
    "2.2", points=2, visibility="visible", hint="Write the four gates and the two state equations down first"
)
def test_public_cell_values(student, rng):
    """With equal numbers in all matrices, and biases 0, a step gives what the equations say."""
    student.make_cell(units=4, input_size=3)
    matrices = student.fill_cell(kernel=0.3)
    assert matrices > 0, "no weight matrices found in the cell; make them in `build`, or in `__init__`."
    x, h, c = (rng.normal(size=(6, size)).astype(np.float32) for size in (3, 4, 4))
    output, first, second = cell_answer(student, x, h, c)
    if not np.array_equal(output, first):  # states in the order c, h
        _, second, first = cell_answer(student, x, c, h)
    z = 0.3 * (x.sum(axis=1, keepdims=True) + h.sum(axis=1, keepdims=True))
    gate, candidate = sigmoid(z), np.tanh(z)
    # A forget bias of 1 may be a bias (now 0) or a number that `call` adds.
    expected = [sigmoid(z + bias) * c + gate * candidate for bias in (0, 1)]
    misses = [float(np.abs(second - other).max()) for other in expected]
    assert min(misses) < 1e-4, f"c' = f * c + i * g: the new c is off by up to {min(misses):.3g}."
    off = float(np.abs(first - gate * np.tanh(second)).max())
    assert off < 1e-4, f"h' = o * tanh(c'): the new h is off by up to {off:.3g}."


# -- 3 and 4: model and training --------------------------------------------------------------------------------------


@pytest.mark.task("3.1", points=2, visibility="visible", hint="`return_sequences=True`, and one readout for all steps")
def test_public_model_shape(student, rng):
    """`SumModel` gives one total for each image: (B, T, 1)."""
    (prediction,) = student.model_outputs(calls=[rng.uniform(size=(2, 4, 28, 28, 1)).astype(np.float32)])
    array(prediction, "the prediction", (2, 4, 1))


@pytest.mark.task("4.1", points=1, visibility="visible", hint="One entry an epoch in each list")
def test_public_history(student, rng):
    """`train` returns four lists with an entry for each epoch."""
    totals = rng.integers(-3, 4, size=(16, 3)).astype(np.float32)
    data = [totals / 4, totals]
    found = student.train_kit_model(
        data=data, validation=data, batch_size=8, start=[1.0, 0.0], epochs=2, learning_rate=0.01
    )
    history = found["history"]
    assert isinstance(history, dict), f"`train` returned {type(history).__name__}; expected a dict of lists."
    for name in ("loss", "exact", "val_loss", "val_exact"):
        assert name in history, f"the history has no {name!r}."
        array(history[name], f"history[{name!r}]", (2,))
