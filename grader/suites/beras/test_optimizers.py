"""Task 5: the optimizers, against their published update rules."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import optimizers
from grader.oracles.compare import as_array, as_dict, as_items, assert_close, expect, same

SHAPES = ((3, 4), (4,), (3, 4), (4, 1), (4,))  # two of them twice: moments belong to a weight, not to a shape
STEPS = 10
# Gradients are near 1 in size: where epsilon stands then changes an update by less than 1e-4 of it, while the nearest
# wrong rule that we know is off by 1e-2 of it. Weights of order 1 kept in float32 are exact to 1e-7.
EXACT = 1e-3


def start(rng):
    return [rng.normal(size=shape) for shape in SHAPES]


def took(student, name, options, weights, gradients):
    """The weights after each step, and the gradients afterwards."""
    found = student.run_optimizer(name=name, options=options, weights=weights, gradients=gradients)
    found = as_dict(found, "the answer", ["steps", "gradients"])
    steps = as_items(found["steps"], "the steps", length=len(gradients))
    return [as_items(row, "the weights", length=len(weights)) for row in steps], found["gradients"]


def check_unwritten(name, gradients, left):
    """Holds the gradients against what is left of them."""
    for given, after in zip(gradients, as_items(left, "the gradients", length=len(gradients)), strict=True):
        pairs = zip(given, as_items(after, "the gradients", length=len(given)), strict=True)
        unwritten = all(same(one, other, atol=0) for one, other in pairs)
        expect(unwritten, f"`{name}.apply_gradients` writes to the gradients that it is given.")


def check_trajectory(student, name, options, weights, gradients, expected):
    """Holds every weight after every step against the rule; the first step that is off is named."""
    found, left = took(student, name, options, weights, gradients)
    before, moved = weights, False
    for step, (row, wanted, gradient) in enumerate(zip(found, expected, gradients, strict=True), start=1):
        for k, (w, target, last) in enumerate(zip(row, wanted, before, strict=True)):
            what = f"weight {k + 1} of {len(weights)}, of shape {target.shape}, after step {step}"
            array = as_array(w, what, shape=target.shape, kind="float")
            moved = moved or not same(array, weights[k], atol=1e-12)
            scale = options["learning_rate"]
            assert_close(array, target, what, rtol=1e-6, atol=EXACT * scale, hint=hint_for(array, last, gradient[k]))
        before = wanted
    expect(moved, "`apply_gradients` leaves the weights as they are.")
    return left


def hint_for(array, before, gradient):
    """A word on a weight that is off: not changed at all, or changed in the wrong direction."""
    change = array - before
    if not change.any():
        return "It did not change: is the array changed in place (`w -= ...`, not `w = w - ...`)?"
    if (change * gradient > 0).all():
        return "It moves along the gradient, not against it."
    return ""


def gradients_for(rng, steps=STEPS):
    return optimizers.unit_gradients(rng, SHAPES, steps)


@pytest.mark.task("5.1", points=3, hint="`w -= learning_rate * g`, for each weight")
def test_descent(student, rng):
    """`BasicOptimizer` takes gradient steps, on every weight, in place."""
    weights, gradients = start(rng), gradients_for(rng)
    for rate in (0.1, 0.02):
        expected = optimizers.descend(weights, gradients, rate)
        left = check_trajectory(student, "BasicOptimizer", {"learning_rate": rate}, weights, gradients, expected)
        check_unwritten("BasicOptimizer", gradients, left)


@pytest.mark.task("5.2", points=4, hint="v = beta * v + (1 - beta) * g**2, one v for each weight, from zero")
def test_rmsprop(student, rng):
    """`RMSProp` follows its rule over ten steps, with one moving average for each weight."""
    weights, gradients = start(rng), gradients_for(rng)
    expected = optimizers.rmsprop(weights, gradients, 0.05)
    check_trajectory(student, "RMSProp", {"learning_rate": 0.05}, weights, gradients, expected)


@pytest.mark.task("5.2", points=1)
def test_rmsprop_beta(student, rng):
    """`RMSProp` uses the `beta` that it is given."""
    weights, gradients = start(rng), gradients_for(rng)
    expected = optimizers.rmsprop(weights, gradients, 0.05, beta=0.6)
    check_trajectory(student, "RMSProp", {"learning_rate": 0.05, "beta": 0.6}, weights, gradients, expected)


@pytest.mark.task("5.2", points=1, hint="epsilon stands in the denominator, beside the root or inside it")
def test_rmsprop_epsilon(student, rng):
    """A gradient of zero is no division by zero for `RMSProp`, and `epsilon` is the one that it is given."""
    check_zero_gradient(student, rng, "RMSProp")
    weights, gradients = [rng.normal(size=(2, 3))], [[rng.choice((-1.0, 1.0), size=(2, 3))]]
    large = 0.5
    outside = optimizers.rmsprop(weights, gradients, 0.05, epsilon=large)[0][0]
    inside = weights[0] - 0.05 * gradients[0][0] / np.sqrt(0.1 * gradients[0][0] ** 2 + large)
    check_one_of(student, "RMSProp", large, weights, gradients, (outside, inside))


@pytest.mark.task("5.3", points=4, hint="Write m, v and both corrections down first; t counts from 1")
def test_adam(student, rng):
    """`Adam` follows its rule over ten steps, with moments of its own for each weight."""
    weights, gradients = start(rng), gradients_for(rng)
    expected = optimizers.adam(weights, gradients, 0.05)
    check_trajectory(student, "Adam", {"learning_rate": 0.05}, weights, gradients, expected)


@pytest.mark.task("5.3", points=2, hint="m decays with beta_1, v with beta_2; both corrections use them too")
def test_adam_betas(student, rng):
    """`Adam` uses the `beta_1` and `beta_2` that it is given."""
    weights, gradients = start(rng), gradients_for(rng)
    betas = {"beta_1": 0.5, "beta_2": 0.8}
    expected = optimizers.adam(weights, gradients, 0.05, **betas)
    check_trajectory(student, "Adam", {"learning_rate": 0.05, **betas}, weights, gradients, expected)


@pytest.mark.task("5.3", points=1, hint="epsilon stands in the denominator")
def test_adam_epsilon(student, rng):
    """A gradient of zero is no division by zero for `Adam`, and `epsilon` is the one that it is given."""
    check_zero_gradient(student, rng, "Adam")
    weights, gradients = [rng.normal(size=(2, 3))], [[rng.choice((-1.0, 1.0), size=(2, 3))]]
    large = 0.5
    outside = optimizers.adam(weights, gradients, 0.05, epsilon=large)[0][0]
    inside = weights[0] - 0.05 * gradients[0][0] / np.sqrt(gradients[0][0] ** 2 + large)
    uncorrected = weights[0] - 0.05 * gradients[0][0] * np.sqrt(0.001) / 0.1 * 0.1 / (np.sqrt(0.001) + large)
    check_one_of(student, "Adam", large, weights, gradients, (outside, inside, uncorrected))


def check_zero_gradient(student, rng, name):
    """A weight whose gradient is zero stays, and stays a number."""
    weights, gradients = [rng.normal(size=(2, 3))], [[np.zeros((2, 3))]] * 3
    for (w,) in took(student, name, {"learning_rate": 0.05}, weights, gradients)[0]:
        assert_close(w, weights[0], "a weight whose gradient is zero", rtol=0, atol=1e-9)


def check_one_of(student, name, epsilon, weights, gradients, allowed):
    """Holds one step with a large epsilon against every place where it may stand."""
    ((w,),), _ = took(student, name, {"learning_rate": 0.05, "epsilon": epsilon}, weights, gradients)
    array = as_array(w, "the weight after one step", shape=weights[0].shape, kind="float")
    near = any(same(array, target, atol=EXACT * 0.05) for target in allowed)
    expect(
        near, f"with epsilon = {epsilon:g} a step is {np.abs(array - weights[0]).max():.3g} at most; expected others."
    )


def check_apart(student, rng, name):
    """Two optimizers keep their own moments, and gradients are not written to."""
    weights, gradients = start(rng), gradients_for(rng, steps=4)
    (first, left), (second, _) = (took(student, name, {"learning_rate": 0.05}, weights, gradients) for _ in range(2))
    check_unwritten(name, gradients, left)
    for one, other in zip(first[-1], second[-1], strict=True):
        expect(same(one, other, atol=1e-9), f"a second `{name}` does not start anew: its moments are shared.")


@pytest.mark.task("5.2", points=0, behind="5.2", hint="Moments are attributes of the object, not of the class")
def test_rmsprop_keeps_to_itself(student, rng):
    """Two `RMSProp` objects keep their own moments, and gradients are not written to."""
    check_apart(student, rng, "RMSProp")


@pytest.mark.task("5.3", points=1, behind="5.3", hint="Moments are attributes of the object, not of the class")
def test_adam_keeps_to_itself(student, rng):
    """Two `Adam` objects keep their own moments, and gradients are not written to."""
    check_apart(student, rng, "Adam")
