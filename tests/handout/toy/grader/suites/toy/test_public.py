"""Public tests of the toy."""

import numpy as np
import pytest


@pytest.mark.task("1.1", points=1, visibility="visible", limit_s=5, hint="The axis of time")
def test_sums_of_ones(student, rng):
    """Ones add up to 1, 2, 3."""
    found = student.sums(x=np.ones(3), scale=1.0)
    ok = isinstance(found, np.ndarray) and found.tolist() == [1.0, 2.0, 3.0]
    assert ok, f"`running_sums` returned {found!r}; expected 1, 2, 3"


@pytest.mark.task("1.1", points=0)
def test_adapters_start_afresh(student):
    """Nothing is kept from an earlier start."""
    first = student.keep(value=1)
    student.restart()
    assert (first, student.keep(value=1)) == (1, 1), "the adapters kept a value over a restart"
