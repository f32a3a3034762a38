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
    """The value as a list of that length."""
    kind = type(value).__name__
    assert isinstance(value, (list, tuple)), f"{what} is {kind}; expected a list of {length}."
    assert len(value) == length, f"{what} has {len(value)} entries; expected {length}."
    return list(value)


def table(value, what, *keys):
    """The value as a dict with these keys."""
    assert isinstance(value, dict), f"{what} is {type(value).__name__}; expected a dict."
    for key in keys:
        assert key in value, f"{what} has no {key!r}."
    return value


def close(found, expected, what):
    """Compares two arrays of one shape."""
    expected = np.asarray(expected, dtype=float)
    found = array(found, what, expected.shape)
    off = float(np.abs(found - expected).max())
    assert off < 1e-4, f"{what} is off by up to {off:.3g}."


# -- 1: the core ------------------------------------------------------------------------------------------------------


@pytest.mark.task("1.1", points=1, visibility="visible", hint="Entry [i, o] belongs to input i and output o")
def test_public_compose_to_input(student):
    """`compose_to_input` takes J from the outputs to the inputs."""
    jacobian = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])  # 2 inputs, 3 outputs
    J = np.array([[1.0, 1.0, 1.0], [0.0, 2.0, -1.0]])
    found = table(student.composed(J=J, jacobian=jacobian), "the answer", "first")
    close(found["first"], [[3.0, 2.0], [4.0, -5.0]], "`compose_to_input(J)`")


@pytest.mark.task("1.2", points=2, visibility="visible", hint="The loss's `input_gradients()` is the first J")
def test_public_tape(student):
    """The tape gives the gradients of a model of one layer: y = w * sin(x) + v, with the loss sum((y - t)^4) / 4."""
    w, v = np.array([1.0, 2.0]), np.array([[0.5, 0.0]])
    x, y = np.array([[np.pi / 2, 0.0], [np.pi / 6, np.pi / 2]]), np.zeros((2, 2))
    wave = {"kind": "wave", "w": w, "v": v, "trainable": [True, True]}
    (found,) = student.tape_gradients(specs=[wave], batches=[{"x": x, "y": y}])
    first = table(found, "the answer", "first")["first"]
    of_w, of_v = items(first, "`tape.gradient()` returned a value that", 2)
    # Outputs are [[1.5, 0], [1, 2]], so J is [[3.375, 0], [1, 8]].
    close(of_w, [(3.375 + 0.5) / 2, 4.0], "the gradient of w")
    close(of_v, [[2.1875, 4.0]], "the gradient of v")


# -- 2: Dense ---------------------------------------------------------------------------------------------------------


@pytest.mark.task("2.1", points=1, visibility="visible")
def test_public_dense_forward(student):
    """With weights of 2 and biases of 1, each output is twice the sum of the inputs, plus 1."""
    part = {"kind": "Dense", "w": np.full((3, 2), 2.0), "b": np.ones(2)}
    (outputs,) = student.part_outputs(part=part, inputs=[np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]])])
    close(outputs, [[13.0, 13.0], [0.0, 0.0]], "the output of `Dense`")


@pytest.mark.task("2.2", points=1, visibility="visible", hint="`_initialize_weight` returns w and b")
@pytest.mark.parametrize("initializer", ["zero"])
def test_public_zero_weights(student, initializer):
    """The initializer 'zero' gives weights and biases of 0."""
    (weights,) = student.initial_weights(sizes=[4, 3], count=1, initializer=initializer)
    w, b = items(weights, "`weights`", 2)
    assert not array(w, "w", (4, 3)).any(), "w is not 0 everywhere."
    assert not np.asarray(b, dtype=float).any(), "b is not 0 everywhere."


# -- 3 and 4: activations and the loss --------------------------------------------------------------------------------


@pytest.mark.task("3.1", points=1, visibility="visible")
def test_public_leaky_relu(student):
    """LeakyReLU passes positive numbers and multiplies negative ones by 0.3."""
    (outputs,) = student.part_outputs(part={"kind": "LeakyReLU"}, inputs=[np.array([[2.0, -1.0, 0.5, -10.0]])])
    close(outputs, [[2.0, -0.3, 0.5, -3.0]], "the output of LeakyReLU")


@pytest.mark.task("3.2", points=1, visibility="visible")
def test_public_softmax(student, rng):
    """Softmax gives positive rows that sum to 1; equal entries get equal shares."""
    x = np.vstack([rng.normal(size=(4, 5)), np.full((1, 5), 3.0)])
    (outputs,) = student.part_outputs(part={"kind": "Softmax"}, inputs=[x])
    outputs = array(outputs, "the output of Softmax", (5, 5))
    assert (outputs > 0).all(), "the output of Softmax is not positive everywhere."
    close(outputs.sum(axis=1), np.ones(5), "the sum of a row")
    close(outputs[4], np.full(5, 0.2), "the output for equal entries")


@pytest.mark.task("4.1", points=1, visibility="visible", hint="One number for the whole batch")
def test_public_mean_squared_error(student):
    """The mean squared error of ((1, 2), (3, 4)) against zeros is 30 / 4."""
    call = {"y_pred": np.array([[1.0, 2.0], [3.0, 4.0]]), "y_true": np.zeros((2, 2))}
    (found,) = student.run_loss(calls=[call], gradients=False)
    loss = table(found, "the answer", "loss")["loss"]
    close(np.reshape(loss, -1) if np.size(loss) == 1 else loss, [7.5], "the loss")


# -- 5: optimizers ----------------------------------------------------------------------------------------------------


def one_step(student, name):
    """Two weights after one step at a learning rate of 0.1, with gradients of 1 and -1."""
    start = [np.array([[1.0, 2.0]]), np.array([0.5])]
    gradients = [[np.array([[1.0, -1.0]]), np.array([1.0])]]
    found = student.run_optimizer(name=name, options={"learning_rate": 0.1}, weights=start, gradients=gradients)
    (step,) = items(table(found, "the answer", "steps")["steps"], "the steps", 1)
    return items(step, "the weights", 2)


@pytest.mark.task("5.1", points=1, visibility="visible", hint="In place: `w -= ...`")
def test_public_descent(student):
    """`BasicOptimizer` takes the learning rate times the gradient off each weight."""
    first, second = one_step(student, "BasicOptimizer")
    close(first, [[0.9, 2.1]], "the first weight")
    close(second, [0.4], "the second weight")


@pytest.mark.task("5.2", points=1, visibility="visible", hint="After one step v is 0.1 where the gradient is 1 or -1")
def test_public_rmsprop(student):
    """The first step of `RMSProp` at a gradient of 1 is the learning rate over the root of 0.1."""
    first, second = one_step(student, "RMSProp")
    close(first, [[1 - 0.316227, 2 + 0.316227]], "the first weight")
    close(second, [0.5 - 0.316227], "the second weight")


@pytest.mark.task("5.3", points=1, visibility="visible", hint="With both corrections the first step has this size")
def test_public_adam(student):
    """The first step of `Adam` is the learning rate, against the gradient's sign."""
    first, second = one_step(student, "Adam")
    close(first, [[0.9, 2.1]], "the first weight")
    close(second, [0.4], "the second weight")


# -- 6: accuracy and one-hot encoding ---------------------------------------------------------------------------------


@pytest.mark.task("6.1", points=1, visibility="visible")
def test_public_accuracy(student):
    """Of three rows two are right."""
    probs = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.4, 0.3, 0.3]])
    labels = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    (found,) = student.accuracies(calls=[{"probs": probs, "labels": labels}])
    close(np.reshape(found, -1) if np.size(found) == 1 else found, [2 / 3], "the accuracy")


@pytest.mark.task("6.2", points=1, visibility="visible", hint="`uniq` in order: label number i has its 1 at i")
def test_public_one_hot(student):
    """The labels 7, 3 and 9 become one-hot rows, and come back."""
    found = table(student.one_hot_encoder(labels=[7, 3, 9, 3]), "the answer", "encoded", "decoded")
    rows = array(found["encoded"], "the encoding", (4, 3))
    assert (np.sort(rows, axis=1) == [0, 0, 1]).all(), "a row is not one-hot."
    assert (rows[1] == rows[3]).all(), "the same label has two rows."
    assert found["decoded"] == [7, 3, 9, 3], f"`inverse` gives {found['decoded']}; expected [7, 3, 9, 3]."


# -- 7: the model -----------------------------------------------------------------------------------------------------


@pytest.mark.task("7.1", points=1, visibility="visible")
def test_public_compile(student):
    """`compile` notes optimizer, loss and accuracy under these names."""
    for name, kept in table(student.compiled(), "the answer").items():
        assert kept is True, f"after `compile` the model has no `{name}`, or another one."


@pytest.mark.task("7.2", points=1, visibility="visible", hint="`layer(x)`, one after the other")
def test_public_sequential(student):
    """`SequentialModel` calls its layers one after the other."""
    wave = {"kind": "wave", "w": np.ones(2), "v": np.zeros((1, 2)), "trainable": [True, True]}
    x = np.array([[0.1, 2.0], [1.0, -1.0]])
    (outputs,) = student.sequential_outputs(specs=[wave, wave, {"kind": "fold"}], inputs=[x])
    twice = np.sin(np.sin(x))
    close(outputs, twice[:, :1] * twice[:, 1:], "the output of the model")


# -- 8: the program ---------------------------------------------------------------------------------------------------


@pytest.mark.task("8.2", points=2, visibility="visible", hint="Settings stand inside the function")
def test_public_advanced_components(student):
    """The advanced model has two or more Dense layers and two or more activations, and its own settings."""
    found = table(student.advanced_parts(), "the answer", "with_weights", "others", "epochs", "batch_size")
    assert found["with_weights"] >= 2, f"{found['with_weights']} layers have weights; expected two or more."
    assert found["others"] >= 2, f"{found['others']} layers have none, as activations; expected two or more."
    assert found["epochs"] >= 1, f"epochs is {found['epochs']}."
    assert found["batch_size"] >= 1, f"batch_size is {found['batch_size']}."


@pytest.mark.task("8.3", points=1, visibility="visible", hint="The accuracy is the last thing printed")
def test_public_main(student, rng):
    """`main()` prints the accuracy last. A model that is right for 3 of 4 test images stands in for yours."""
    train, test = (rng.integers(0, 256, size=(count, 28, 28)).astype(np.uint8) for count in (40, 8))
    train_labels, test_labels = (np.arange(len(images), dtype=np.uint8) % 10 for images in (train, test))
    right = (np.arange(48) < 40) | (np.arange(48) % 4 > 0)
    scores = np.eye(10)[np.where(right, np.concatenate([train_labels, test_labels]), 9)]
    found = student.run_main(
        train_images=train,
        train_labels=train_labels,
        test_images=test,
        test_labels=test_labels,
        made_up={"scores": scores, "right": right},
    )
    printed = table(found, "the answer", "printed")["printed"]
    assert printed, "`main()` prints nothing."
    last = str(printed[-1])
    assert "75" in last, f"the accuracy on the test images is 75 %; the last line printed says {last[:80]!r}."
