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


def items(value, what, length):
    """The values of a list or tuple of that length."""
    assert isinstance(value, (tuple, list)), f"{what} is {type(value).__name__}; expected {length} values."
    assert len(value) == length, f"{what} has {len(value)} values; expected {length}."
    return value


def draw_images(rng, count):
    return rng.uniform(size=(count, 28, 28)).astype(np.float32)


# -- 1: orders --------------------------------------------------------------------------------------------------------


@pytest.mark.task("1.1", points=1, visibility="visible", hint="Step i gets row i; its 28 pixels are the features")
def test_public_rows(student, rng):
    """`row_by_row` gives 28 steps with the 28 pixels of a row each."""
    images = draw_images(rng, 3)
    (found,) = student.sequences(order="row_by_row", calls=[{"images": images}])
    sequences = array(found["sequences"], "what `row_by_row` returned", (3, 28, 28))
    assert np.allclose(sequences[1, 5], images[1, 5], atol=1e-5), "step 5 of image 1 is not row 5 of that image."


@pytest.mark.task(
    "1.2", points=1, visibility="visible", hint="The last axis, of length 1, is the one feature of a step"
)
def test_public_pixels(student, rng):
    """`pixel_by_pixel` gives 784 steps of one pixel, or 196 with a stride of 2."""
    images = draw_images(rng, 3)
    whole, halved = student.sequences(
        order="pixel_by_pixel", calls=[{"images": images}, {"images": images, "stride": 2}]
    )
    sequences = array(whole["sequences"], "what `pixel_by_pixel` returned", (3, 784, 1))
    array(halved["sequences"], "what `pixel_by_pixel` with a stride of 2 returned", (3, 196, 1))
    assert np.allclose(sequences[2, 28:56, 0], images[2, 1], atol=1e-5), "steps 28 to 55 are not the second row."


@pytest.mark.task(
    "1.3", points=1, visibility="visible", hint="The same pixels as in `pixel_by_pixel`, in another order"
)
def test_public_permuted(student, rng):
    """`permuted` gives the same pixels in another order."""
    images = draw_images(rng, 2)
    (found,) = student.sequences(order="permuted", calls=[{"images": images}])
    sequences = array(found["sequences"], "what `permuted` returned", (2, 784, 1))
    flat = images.reshape(2, 784)
    assert not np.allclose(sequences[..., 0], flat, atol=1e-5), "the pixels are in their old order."
    assert np.allclose(np.sort(sequences[..., 0]), np.sort(flat), atol=1e-5), "these are not the pixels of the images."


# -- 2: the plain model -----------------------------------------------------------------------------------------------


@pytest.mark.task("2.1", points=1, visibility="visible", hint="`h_T W + b`, with W of shape (units, 10)")
def test_public_plain_shape(student, rng):
    """`PlainClassifier` gives ten logits a sequence, of any length."""
    calls = [rng.normal(size=(batch, steps, 6)).astype(np.float32) for batch, steps in ((3, 5), (2, 9))]
    outputs = items(student.plain_outputs(cell="lstm", units=7, calls=calls), "the outputs", 2)
    for x, logits in zip(calls, outputs, strict=True):
        array(logits, f"the output for x of shape {x.shape}", (len(x), 10))


@pytest.mark.task("2.2", points=1, visibility="visible", hint="Against the gradient, not along it")
def test_public_sgd_lowers_the_loss(student, rng):
    """`sgd_step` lowers the loss on the batch that it gets again and again."""
    x = rng.normal(size=(20, 4, 6)).astype(np.float32)
    batch = {"x": x, "y": rng.integers(0, 10, size=20).astype(np.int32), "learning_rate": 0.5}
    start = rng.normal(scale=0.1, size=(6, 10)).astype(np.float32)
    found = student.sgd_steps(kernel=start, bias=np.zeros(10, np.float32), batches=[batch] * 5)
    losses = [float(array(loss, "what `sgd_step` returned", ())) for loss in found["losses"]]
    assert losses[-1] < losses[0], f"the loss went from {losses[0]:.4f} to {losses[-1]:.4f} in five steps."


# -- 3: the tuned model -----------------------------------------------------------------------------------------------


@pytest.mark.task("3.1", points=1, visibility="visible", limit_s=40, hint="keras.Input((num_steps, num_features))")
def test_public_model_shape(student, rng):
    """`build_model` makes a model with ten logits a sequence, for both kinds of cells."""
    for cell in ("lstm", "gru"):
        outputs = student.model_outputs(cell=cell, units=7, calls=[rng.normal(size=(4, 5, 3)).astype(np.float32)])
        (logits,) = items(outputs, "the outputs", 1)
        array(logits, f"the output of the {cell} model", (4, 10))


# -- 4: training ------------------------------------------------------------------------------------------------------


@pytest.mark.task("4.1", points=1, visibility="visible", hint="A dataset for training, one for validation")
def test_public_datasets(student, rng):
    """`make_datasets` gives batches of scaled sequences with their digits."""
    images = rng.integers(0, 256, size=(60, 28, 28)).astype(np.uint8)
    labels = rng.integers(0, 10, size=60).astype(np.uint8)
    found = student.datasets(images=images, labels=labels, batch_size=10, validation_share=0.25)
    for name in ("training", "validation"):
        batches = found[name][0]
        assert batches, f"the dataset for {name} has no batches."
        x, y = items(batches[0], f"a batch of the dataset for {name}", 2)
        array(y, f"y of a batch for {name}", (len(array(x, f"x of a batch for {name}", (None, 28, 28))),))
        assert np.min(x) >= 0, "pixels are between 0 and 1."
        assert np.max(x) <= 1, "pixels are between 0 and 1: divide by 255."


def gradient_shapes():
    """Of the kit's GRU, its normalization and its readout; see `clipped` in adapters.py."""
    return [(3, 12), (4, 12), (2, 12), (4,), (4,), (4, 10), (10,)]


@pytest.mark.task("4.2", points=1, visibility="visible", hint="`tf.clip_by_norm` shortens a gradient")
def test_public_clipping(student, rng):
    """Long gradients of the recurrent layer come back with the norm `clip_norm`."""
    gradients = [rng.normal(scale=5, size=shape).astype(np.float32) for shape in gradient_shapes()]
    found = items(student.clipped(gradients=gradients, clip_norm=2.0), "what `clip_gradients` returned", 7)
    for gradient, shape in zip(found[:3], gradient_shapes(), strict=False):
        norm = np.linalg.norm(array(gradient, "a clipped gradient", shape))
        assert abs(norm - 2) < 1e-3, f"the norm of a long gradient is {norm:.3f} afterwards; expected 2."


@pytest.mark.task("4.3", points=1, visibility="visible", limit_s=40, hint="One entry an epoch in each list")
def test_public_history(student, rng):
    """`train` returns four lists with an entry for each epoch."""
    y = rng.integers(0, 10, size=40)
    x = (np.eye(10)[y][:, None] + rng.normal(scale=0.1, size=(40, 3, 10))).astype(np.float32)
    start = {"memory": np.eye(10, dtype=np.float32), "readout": np.eye(10, dtype=np.float32)}
    data = [x, y.astype(np.int32)]
    found = student.train_kit_model(data=data, validation=data, batch_size=8, start=start, epochs=2, learning_rate=0.01)
    history = found["history"]
    assert isinstance(history, dict), f"`train` returned {type(history).__name__}; expected a dict of lists."
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert name in history, f"the history has no {name!r}."
        array(history[name], f"history[{name!r}]", (2,))


# -- 5: unrolling -----------------------------------------------------------------------------------------------------


@pytest.mark.task("5.1", points=1, visibility="visible", hint="adapters.py: `_kit_cell` says what the cell computes")
def test_public_unrolling(student, rng):
    """Both ways to unroll give the state after the last step."""
    kernel = rng.normal(size=(2, 3)).astype(np.float32)
    x, start = rng.normal(size=(4, 6, 2)).astype(np.float32), rng.normal(size=(4, 3)).astype(np.float32)
    h = start
    for t in range(6):
        h = h / 2 + np.tanh(x[:, t] @ kernel + h[:, ::-1])
    for way in ("static", "dynamic"):
        answer = student.unrolled(way=way, kernel=kernel, calls=[{"x": x, "h": start}], open_steps=False)
        (found,) = items(answer, "the answers", 1)
        off = float(np.abs(array(found, f"what `unroll_{way}` returned", (4, 3)) - h).max())
        assert off < 1e-4, f"`unroll_{way}` is off by up to {off:.3g}."
