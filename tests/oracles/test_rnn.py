"""The oracle of the vanilla RNN: literals, Keras's layer with the same weights, and its derivatives two ways."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import differences, rnn

T, B, D, H, C = 4, 3, 2, 5, 3


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20_260_301)


@pytest.fixture
def model(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return rnn.random_model(rng, D, H, C, scale=1.0)


def problem(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return rng.normal(size=(T, B, D)), rng.integers(0, C, size=(T, B)), rng.normal(size=(B, H))


def test_two_steps_give_literals() -> None:
    """One unit, two classes: tanh(1), then tanh(tanh(1)); two equal scores cost log(2) a step."""
    one, zero = np.ones((1, 1)), np.zeros((1, 1))
    model = {"Wxh": one, "Whh": one, "Why": np.zeros((1, 2)), "bh": zero, "by": np.zeros((1, 2))}
    x = np.array([[[1.0]], [[0.0]]])
    found = rnn.forward(model, x, np.zeros((2, 1), int), zero)
    assert found.last.item() == pytest.approx(0.6420149920119997, abs=1e-15)
    assert found.loss == pytest.approx(2 * 0.6931471805599453, abs=1e-15)


def test_cross_entropy_is_a_batch_mean_and_does_not_overflow() -> None:
    scores = np.array([[1000.0, 0.0], [0.0, 0.0]])
    assert rnn.cross_entropy(scores, np.array([0, 0])) == pytest.approx(0.6931471805599453 / 2, abs=1e-15)
    np.testing.assert_array_equal(rnn.softmax(scores), [[1, 0], [0.5, 0.5]])


def test_states_are_those_of_keras(rng: np.random.Generator, model: dict[str, np.ndarray]) -> None:
    import keras

    x, labels, h = problem(rng)
    layer = keras.layers.SimpleRNN(H, dtype="float64")
    layer.build((B, T, D))
    layer.set_weights([model["Wxh"], model["Whh"], model["bh"][0]])
    expected = layer(x.transpose(1, 0, 2), initial_state=h)
    np.testing.assert_allclose(rnn.forward(model, x, labels, h).last, expected, rtol=0, atol=1e-12)


def test_steps_back_add_up_to_the_gradient(rng: np.random.Generator, model: dict[str, np.ndarray]) -> None:
    x, labels, h = problem(rng)
    states = [h]
    for x_t in x:
        states.append(rnn.step(model, x_t, states[-1])[1])
    total = {name: np.zeros_like(value) for name, value in model.items()}
    dh = np.zeros((B, H))
    scores = rnn.forward(model, x, labels, h).scores
    for t in reversed(range(T)):
        grads, dh = rnn.backward_step(model, x[t], states[t], states[t + 1], scores[t], labels[t], dh)
        for name, grad in grads.items():
            total[name] += grad
    numeric = rnn.loss_gradient(model, x, labels, h)
    for name in rnn.NAMES:
        # Central differences are exact to some 1e-10 here.
        np.testing.assert_allclose(total[name], numeric[name], rtol=1e-7, atol=1e-8)
    expected = differences.gradient(lambda state: rnn.forward(model, x, labels, state).loss, h)
    np.testing.assert_allclose(dh, expected, rtol=1e-7, atol=1e-8)
