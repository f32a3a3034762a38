"""Derivatives from answers at nearby points."""

from __future__ import annotations

import numpy as np

from grader.oracles import nearby


def test_gradients_of_a_known_function() -> None:
    """f = sum(a ** 2) + product of b."""
    arrays = {"a": np.array([[1.0, 2.0], [3.0, -1.0]]), "b": np.array([2.0, 5.0])}
    asked = nearby.moves(arrays)
    values = []
    for name, place, step in zip(asked.names, asked.places, asked.steps, strict=True):
        moved = {key: array.copy() for key, array in arrays.items()}
        moved[name].reshape(-1)[place] += step
        values.append((moved["a"] ** 2).sum() + moved["b"].prod())
    assert len(values) == 2 * (4 + 2)
    found = nearby.gradients(arrays, np.array(values))
    np.testing.assert_allclose(found["a"], 2 * arrays["a"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found["b"], [5, 2], rtol=0, atol=1e-9)


def test_arguments_are_what_adapters_take() -> None:
    asked = nearby.moves({"a": np.zeros((1, 1)), "b": np.zeros(2)}, step=0.5).arguments
    assert asked["names"] == ["a", "a", "b", "b", "b", "b"]
    np.testing.assert_array_equal(asked["places"], [0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(asked["steps"], [0.5, -0.5] * 3)
