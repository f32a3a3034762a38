import numpy as np
import pytest


@pytest.mark.task("1.1", points=1, visibility="visible")
def test_double_of_two(student):
    """Two doubled is four."""
    got = student.double(x=2)
    assert got == 4, f"double(2) is 4; yours returned {got!r}"


@pytest.mark.task("1.1", points=3, hint="Look at the factor.")
def test_double_of_random(student, rng):
    """Random numbers are doubled."""
    x = rng.normal(size=3)
    got = student.double(x=x)
    right = isinstance(got, np.ndarray) and got.shape == (3,) and np.allclose(got, 2 * x)
    assert right, "three numbers were not doubled"


@pytest.mark.task("1.2", points=3)
def test_halve(student):
    """Four halved is two."""
    got = student.halve(x=4)
    assert got == 2, f"halve(4) is 2; yours returned {got!r}"


@pytest.mark.task("2.1", points=1)
def test_both(student):
    """Doubling and halving in turn changes nothing."""
    assert student.both(x=3) == 3, "both(3) is 3"


@pytest.mark.task("2.1", points=1, tier="outstanding")
def test_trained(trained, thresholds):
    """The training gives twice its steps."""
    run = trained("main")
    assert run.weight() == 6, "the weight is twice the number of steps"


@pytest.mark.task("2.2", points=1, behind="1.1")
def test_documented(student, credit):
    """`double` has a docstring."""
    credit(1.0 if student.is_documented() else 0.5, "`double` has no docstring")


@pytest.mark.task("3.1", points=2)
def test_share(student, credit):
    """Partial credit."""
    credit(student.share(), "only a part")
