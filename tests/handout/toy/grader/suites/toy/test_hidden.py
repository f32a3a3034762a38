"""Hidden tests of the toy."""

import pytest


@pytest.mark.task("1.1", points=1)
def test_scale_is_applied_after_adding(student):
    """A scale of zero gives zeros and no NaN."""


@pytest.mark.task("1.1", points=0)
def test_sums_of_ones(student):
    """Ones add up to 1, 2, 3."""
