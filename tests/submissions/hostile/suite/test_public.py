import numpy as np
import pytest


@pytest.mark.task("1.1", points=1, visibility="visible")
def test_fixed(student):
    """Twice x plus 1, for 1, 2, 3."""
    check(student.scale(x=np.array([1, 2, 3], np.float32)), [3, 5, 7])


@pytest.mark.task("1.1", points=2)
def test_random(student, rng):
    """Twice x plus 1, for random numbers."""
    x = rng.normal(size=5).astype(np.float32)
    check(student.scale(x=x), 2 * x + 1)


def check(got, expected):
    right = isinstance(got, np.ndarray) and got.dtype == np.float32 and got.shape == np.shape(expected)
    # float32: one rounding of a product and one of a sum
    right = right and np.allclose(got, expected, rtol=1e-6, atol=1e-6)
    assert right, "scale(x) is 2 x + 1, shaped like x"
