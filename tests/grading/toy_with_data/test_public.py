import numpy as np
import pytest


@pytest.mark.task("1.1", points=2, visibility="visible")
def test_mean(student, rng):
    """The mean is right."""
    x = rng.normal(size=5)
    assert np.isclose(student.mean(x=x), x.mean()), "that is not the mean."


@pytest.mark.task("1.2", points=3)
def test_median(student, rng):
    """The median is right."""
    x = rng.normal(size=5)
    assert np.isclose(student.median(x=x), np.median(x)), "that is not the median."


@pytest.mark.task("1.3", points=1)
def test_training_split(trained, thresholds):
    """The training gets the training split, and the thresholds are those of the data."""
    result = trained("main").result
    assert result["shape"] == (thresholds["images"], 28, 28), "another split."
    assert result["rounds"] == (1 if thresholds["images"] == 6000 else 2), "arguments of other data."
