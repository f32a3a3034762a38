"""Task 8.1: types and docstrings. Cheap and static: each file counts once a test of what it holds has passed."""

from __future__ import annotations

import pytest

from grader.oracles.docstrings import documented

TASKS = {"rnn": "1.1", "gradcheck": "3.1", "gated": "4.1", "toy": "5.1", "classifier": "6.1", "train": "7.1"}


def parametrized():
    """Each file, with the task that its functions belong to."""
    for module, task in TASKS.items():
        mark = pytest.mark.task(
            "8.1", points=0.5, behind=task, hint="What is each argument, and of what type and shape?"
        )
        yield pytest.param(module, marks=mark, id=module)


@pytest.mark.parametrize("module", parametrized())
def test_types_and_docstrings(student, credit, module):
    """Public functions have a docstring and typed arguments."""
    share, flaws = documented(student.public_functions(module=module), module)
    if flaws:
        credit(share, flaws)
