"""Central differences against derivatives known by heart."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import differences


@pytest.fixture
def x():
    return np.random.default_rng(5).normal(size=(3, 2))


def test_the_gradient_of_a_sum_of_cubes(x):
    found = differences.gradient(lambda v: (v**3).sum(), x)
    np.testing.assert_allclose(found, 3 * x**2, rtol=0, atol=1e-8)


def test_the_jacobian_of_a_matrix_product_puts_outputs_first(x):
    matrix = np.arange(8.0).reshape(2, 4)
    found = differences.jacobian(lambda v: v @ matrix, x)
    assert found.shape == (3, 4, 3, 2)
    expected = np.zeros((3, 4, 3, 2))
    for row in range(3):
        expected[row, :, row, :] = matrix.T
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


def test_the_derivative_at_a_scalar():
    assert differences.gradient(np.exp, 0.5) == pytest.approx(np.exp(0.5), abs=1e-8)


def test_a_gradient_of_several_numbers_is_refused(x):
    with pytest.raises(ValueError, match=r"\(3, 2\)"):
        differences.gradient(np.sin, x)


def test_the_function_may_change_its_argument_and_float32_is_raised_to_float64(x):
    def spoiling(v):
        v *= v
        return v.sum()

    single = x.astype(np.float32)
    np.testing.assert_allclose(differences.gradient(spoiling, single), 2 * single, rtol=0, atol=1e-8)
