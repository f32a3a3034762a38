"""The data set of an assignment, in the trusted process; a worker gets what it trains on, and no more."""

from __future__ import annotations

from grader.catalog import Assignment
from grader.errors import KitError
from grader.oracles.mnist import Mnist, load


def read_data(assignment: Assignment) -> Mnist | None:
    """The data set of an assignment, or None where it needs none.

    Raises:
        KitError: It is missing or damaged here.
    """
    if not assignment.data:
        return None
    try:
        return load()
    except (OSError, ValueError) as error:
        raise KitError(f"the data of {assignment.name} can't be read: {error}") from error
