"""Task 1: the chain rule in `Diffable`, and the tape."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import differences
from grader.oracles.compare import as_array, as_dict, as_items, assert_close, expect, same

# Sums of a few dozen products of numbers near 1, in float64; float32 inside a submission costs 1e-6.
EXACT = {"rtol": 1e-5, "atol": 1e-5}


def answers(found, what, keys=("first", "second", "J")):
    return as_dict(found, what, list(keys))


def unit_axes_aside(value, what, shape):
    """The value in the expected shape where axes of length 1 alone differ: one test asks for the exact shape."""
    array = as_array(value, what, kind="float")
    aside = tuple(size for size in array.shape if size != 1) == tuple(size for size in shape if size != 1)
    return array.reshape(shape) if aside else as_array(value, what, shape=shape, kind="float")


# -- 1.1 --------------------------------------------------------------------------------------------------------------


def to_input(student, jacobian, J):
    found = answers(student.composed(J=J, jacobian=jacobian), "the answer")
    shape = (len(J), jacobian.shape[-2])
    return found, unit_axes_aside(found["first"], "what `compose_to_input(J)` returned", shape)


def to_weight(student, weights, gradients, J):
    found = answers(student.composed(J=J, weights=weights, gradients=gradients), "the answer")
    what = "what `compose_to_weight(J)` returned"
    values = as_items(found["first"], what, length=len(weights), names="one for each weight")
    return found, values


def layer(rng, batch, s, d):
    """Weights of a layer (w and b), three kinds of gradients of it that broadcast alike, and J."""
    weights = [rng.normal(size=(s, d)), rng.normal(size=(d,))]
    x = rng.normal(size=(batch, s))
    kinds = {
        "one column for all outputs": [x[:, :, None], np.ones((1, d))],
        "each output by itself": [np.repeat(x[:, :, None], d, axis=2), np.ones((batch, d))],
        "the same for all samples": [np.tile(rng.normal(size=(s, d)), (1, 1)), np.full((d,), 2.0)],
    }
    return weights, kinds, rng.normal(size=(batch, d))


@pytest.mark.task("1.1", points=1, hint="`J @ jacobian.T`: the sum runs over the outputs")
def test_compose_to_input_shared(student, rng):
    """A Jacobian (s, d) that all samples share takes J from outputs to inputs."""
    for batch, s, d in ((7, 3, 4), (1, 5, 2), (4, 2, 6)):
        matrix, J = rng.normal(size=(s, d)), rng.normal(size=(batch, d))
        x = rng.normal(size=(batch, s))
        expected = differences.gradient(lambda v, m=matrix, J=J: ((v @ m) * J).sum(), x)
        _, value = to_input(student, matrix, J)
        assert_close(value, expected, f"`compose_to_input` at B = {batch}, s = {s}, d = {d}", **EXACT)


@pytest.mark.task("1.1", points=1, hint="`np.einsum('bio,bo->bi', ...)`, or `@` on stacks of matrices")
def test_compose_to_input_batched(student, rng):
    """A Jacobian (B, s, d) with one matrix for each sample takes J from outputs to inputs."""
    for batch, s, d in ((6, 3, 4), (1, 2, 5), (5, 4, 2)):
        jacobian, J = rng.normal(size=(batch, s, d)), rng.normal(size=(batch, d))
        _, value = to_input(student, jacobian, J)
        expected = np.stack([jacobian[b] @ J[b] for b in range(batch)])
        assert_close(value, expected, f"`compose_to_input` at B = {batch}, s = {s}, d = {d}", **EXACT)


@pytest.mark.task("1.1", points=2, hint="Row b of J times entry b of the weight's gradient, and the mean over b")
def test_compose_to_weight(student, rng):
    """Weights get the mean over the batch of their gradients times J."""
    for batch, s, d in ((6, 3, 4), (1, 4, 2), (5, 2, 3)):
        weights, kinds, J = layer(rng, batch, s, d)
        for kind, gradients in kinds.items():
            _, values = to_weight(student, weights, gradients, J)
            w_part = np.mean(np.broadcast_to(gradients[0], (batch, s, d)) * J[:, None, :], axis=0)
            b_part = np.mean(np.broadcast_to(gradients[1], (batch, d)) * J, axis=0)
            for name, value, expected in zip("wb", values, (w_part, b_part), strict=True):
                what = f"the gradient of {name}, B = {batch}, {kind}"
                array = unit_axes_aside(value, what, expected.shape)
                hint = "It is the sum over the batch, not the mean." if same(array, expected * batch, atol=1e-5) else ""
                assert_close(array, expected, what, hint=hint if batch > 1 else "", **EXACT)


@pytest.mark.task("1.1", points=1, hint="Neither J nor what the layer keeps may change: no `*=` on them")
def test_compose_twice(student, rng):
    """Shapes are (B, s) and those of the weights; a second call gives the same, and J stays as it is."""
    weights, kinds, J = layer(rng, 6, 3, 4)
    for jacobian in (rng.normal(size=(3, 4)), rng.normal(size=(6, 3, 4))):
        found, value = to_input(student, jacobian, J)
        as_array(found["first"], "what `compose_to_input(J)` returned", shape=(6, 3), axes="batch x inputs")
        expect(same(value, found["second"], atol=1e-9), "a second `compose_to_input(J)` gives something else.")
        expect(same(J, found["J"], atol=0), "`compose_to_input` writes to J.")
    found, values = to_weight(student, weights, kinds["one column for all outputs"], J)
    again = as_items(found["second"], "a second `compose_to_weight(J)`", length=2)
    for weight, value, other in zip(weights, values, again, strict=True):
        as_array(value, "a gradient of `compose_to_weight(J)`", shape=weight.shape, axes="that of its weight")
        expect(same(value, other, atol=1e-9), "a second `compose_to_weight(J)` gives something else.")
    expect(same(J, found["J"], atol=0), "`compose_to_weight` writes to J.")


# -- 1.2 --------------------------------------------------------------------------------------------------------------


def wave(rng, d, trainable=(True, True)):
    return {"kind": "wave", "w": rng.uniform(0.5, 1.5, d), "v": rng.normal(size=(1, d)), "trainable": list(trainable)}


FOLD = {"kind": "fold"}


def loss_of(specs, weights, x, y):
    """The kit's layers and loss (see `kit_parts` in adapters.py) with these weights, one pair for each wave."""
    pairs = iter(weights)
    for spec in specs:
        if spec["kind"] == "fold":
            x = x[:, 0::2] * x[:, 1::2]
        else:
            w, v = next(pairs)
            x = w * np.sin(x) + v
    return float(np.mean(np.sum((x - y) ** 4, axis=1) / 4))


def expected_gradients(specs, x, y):
    """By central differences: one for each trainable weight, in the order of the layers."""
    pairs = [[spec["w"], spec["v"]] for spec in specs if spec["kind"] == "wave"]
    flags = [spec["trainable"] for spec in specs if spec["kind"] == "wave"]
    gradients = []
    for i, pair in enumerate(pairs):
        for k, weight in enumerate(pair):

            def loss(value, i=i, k=k):
                moved = [list(other) for other in pairs]
                moved[i][k] = value
                return loss_of(specs, moved, x, y)

            if flags[i][k]:
                gradients.append(differences.gradient(loss, weight))
    return gradients


def batch_for(rng, specs, size):
    """Inputs and labels for a chain that starts with a wave."""
    s = specs[0]["w"].size
    d = s >> sum(spec["kind"] == "fold" for spec in specs)
    return {"x": rng.uniform(-1, 1, size=(size, s)), "y": rng.normal(scale=0.5, size=(size, d))}


def check_tape(student, rng, specs, sizes, shapes=False):
    """Holds `tape.gradient()` against differences for a batch of each size; returns the raw answers."""
    batches = [batch_for(rng, specs, size) for size in sizes]
    found = as_items(student.tape_gradients(specs=specs, batches=batches), "the answer", length=len(sizes))
    for batch, answer in zip(batches, found, strict=True):
        expected = expected_gradients(specs, **batch)
        check_gradients(answers(answer, "the answer", ["first", "second"])["first"], expected, shapes)
    return found


def check_gradients(value, expected, shapes):
    what = "what `tape.gradient()` returned"
    values = as_items(value, what, length=len(expected), names="one gradient for each trainable weight")
    arrays = []
    for k, (one, target) in enumerate(zip(values, expected, strict=True)):
        name = f"gradient {k + 1} of {len(expected)} that `tape.gradient()` returned"
        if shapes:
            as_array(one, name, shape=target.shape, axes="that of its weight")
        arrays.append(unit_axes_aside(one, name, target.shape))
    backwards = expected[::-1]
    turned = [
        same(a, b.reshape(a.shape), atol=1e-4) for a, b in zip(arrays, backwards, strict=True) if a.size == b.size
    ]
    hint = "They come in the order from the loss back; expected is the order of the layers." if all(turned) else ""
    for k, (array, target) in enumerate(zip(arrays, expected, strict=True)):
        name = f"gradient {k + 1} of {len(expected)} that `tape.gradient()` returned"
        # Differences are exact to 1e-9; what the tape adds up is in float64 or float32.
        assert_close(array, target, name, rtol=1e-4, atol=1e-6, hint=hint if len(turned) == len(arrays) > 1 else "")


@pytest.mark.task("1.2", points=4, hint="First the layer's weights with J, then J for the layer before it")
def test_tape_through_many_layers(student, rng):
    """Through one to five layers, the gradients are those of central differences, at several batch sizes."""
    check_tape(student, rng, [wave(rng, 3)], [4])
    check_tape(student, rng, [wave(rng, 4), wave(rng, 4)], [1, 6])
    check_tape(student, rng, [wave(rng, 3), wave(rng, 3), wave(rng, 3), wave(rng, 3), wave(rng, 3)], [5, 2])


@pytest.mark.task("1.2", points=2, hint="Layers without weights give no gradient, but J passes through them")
def test_tape_through_layers_without_weights(student, rng):
    """Layers without weights, which also change the width, are passed through."""
    check_tape(student, rng, [wave(rng, 8), FOLD, wave(rng, 4), FOLD], [3])
    check_tape(student, rng, [wave(rng, 4), wave(rng, 4), FOLD], [5])


@pytest.mark.task("1.2", points=2, hint="Who collects from the back must put things in front; [w1, b1, w2, b2]")
def test_tape_order(student, rng):
    """The list has one gradient a weight, of its shape, layers in the order of their calls."""
    specs = [wave(rng, 8), FOLD, wave(rng, 4), FOLD, wave(rng, 2)]
    check_tape(student, rng, specs, [4], shapes=True)


@pytest.mark.task("1.2", points=1, hint="`weight.trainable` says which: that of each weight, not of the layer")
def test_tape_leaves_out_what_is_not_trained(student, rng):
    """Weights that are not trainable get no gradient; those before them do."""
    check_tape(student, rng, [wave(rng, 3), wave(rng, 3, (False, False)), wave(rng, 3)], [4])
    check_tape(student, rng, [wave(rng, 3, (True, False)), wave(rng, 3, (False, True))], [3])


@pytest.mark.task("1.2", points=1, hint="The list of operations is read, not emptied")
def test_tape_gradient_twice(student, rng):
    """A second `gradient()` gives the same as the first."""
    specs = [wave(rng, 3), wave(rng, 3)]
    for answer in check_tape(student, rng, specs, [4, 3]):
        first, second = (as_items(answer[key], f"the {key} `tape.gradient()`", length=4) for key in ("first", "second"))
        for one, other in zip(first, second, strict=True):
            expect(same(one, other, atol=1e-9), "a second call of `tape.gradient()` gives something else.")
