"""The update rules: steps worked out by hand, Keras' own, and how little the place of epsilon matters."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import optimizers

SHAPES = ((3, 4), (4,), (1, 2))


@pytest.fixture
def problem():
    rng = np.random.default_rng(11)
    return [rng.normal(size=shape) for shape in SHAPES], optimizers.unit_gradients(rng, SHAPES, 10)


def test_descent_by_hand():
    start, gradients = [np.array([1.0, 2.0])], [[np.array([0.5, -1.0])], [np.array([1.0, 0.0])]]
    first, second = optimizers.descend(start, gradients, 0.1)
    np.testing.assert_allclose(first[0], [0.95, 2.1])
    np.testing.assert_allclose(second[0], [0.85, 2.1])
    np.testing.assert_array_equal(start[0], [1.0, 2.0])


def test_rmsprop_by_hand():
    # v = 0.1 * 4 = 0.4, then 0.9 * 0.4 + 0.1 * 1 = 0.46
    first, second = optimizers.rmsprop([np.array([1.0])], [[np.array([2.0])], [np.array([-1.0])]], 0.1, epsilon=0)
    assert first[0][0] == pytest.approx(1 - 0.2 / np.sqrt(0.4))
    assert second[0][0] == pytest.approx(first[0][0] + 0.1 / np.sqrt(0.46))


def test_adam_moves_by_the_learning_rate_at_first():
    (first, *_) = optimizers.adam([np.array([1.0, 1.0])], [[np.array([3.0, -0.01])]], 0.1)
    np.testing.assert_allclose(first[0], [0.9, 1.1], rtol=1e-5)


def test_adam_by_hand_in_its_second_step():
    _, second = optimizers.adam([np.array([0.0])], [[np.array([1.0])], [np.array([-1.0])]], 0.1, epsilon=0)
    m = 0.9 * 0.1 - 0.1  # v corrected is 1 in both steps
    assert second[0][0] == pytest.approx(-0.1 - 0.1 * m / (1 - 0.9**2))


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam"])
def test_keras_takes_the_same_steps(name, problem):
    keras = pytest.importorskip("keras")
    weights, gradients = problem
    rules = {"SGD": optimizers.descend, "RMSprop": optimizers.rmsprop, "Adam": optimizers.adam}
    options = {"RMSprop": {"rho": 0.9, "epsilon": 1e-6}}.get(name, {})
    optimizer = getattr(keras.optimizers, name)(learning_rate=0.05, **options)
    variables = [keras.Variable(weight, dtype="float32") for weight in weights]
    for step, expected in zip(gradients, rules[name](weights, gradients, 0.05), strict=True):
        optimizer.apply([keras.ops.convert_to_tensor(g, dtype="float32") for g in step], variables)
        for variable, weight in zip(variables, expected, strict=True):
            np.testing.assert_allclose(np.asarray(variable), weight, rtol=1e-4, atol=1e-5)


def test_where_epsilon_stands_does_not_matter_for_gradients_near_one(problem):
    weights, gradients = problem
    plain = optimizers.rmsprop(weights, gradients, 0.05)
    without = optimizers.rmsprop(weights, gradients, 0.05, epsilon=0)
    for one, other in zip(plain, without, strict=True):
        for first, second in zip(one, other, strict=True):
            np.testing.assert_allclose(first, second, rtol=0, atol=0.05 * 1e-4)


def test_unit_gradients_are_neither_small_nor_large():
    gradients = optimizers.unit_gradients(np.random.default_rng(0), SHAPES, 3)
    assert [[g.shape for g in step] for step in gradients] == [list(SHAPES)] * 3
    sizes = np.concatenate([np.abs(g).ravel() for step in gradients for g in step])
    assert sizes.min() >= 0.5
    assert sizes.max() <= 1.5
    signs = np.concatenate([np.sign(g).ravel() for step in gradients for g in step])
    assert set(signs) == {-1.0, 1.0}
