"""Task 5.1: types and docstrings. Cheap and static: each file counts once a test of what it holds has passed."""

from __future__ import annotations

import pytest

from grader.oracles.docstrings import documented


def parametrized():
    """Each file, with the task that its functions belong to."""
    for module, task in (("data", "1.1"), ("cell", "2.2"), ("model", "3.1"), ("train", "4.1")):
        mark = pytest.mark.task(
            "5.1", points=1.25, behind=task, hint="What is each argument, and of what type and shape?"
        )
        yield pytest.param(module, marks=mark, id=module)


@pytest.mark.parametrize("module", parametrized())
def test_types_and_docstrings(student, credit, module):
    """Public functions have a docstring and typed arguments."""
    share, flaws = documented(student.public_functions(module=module), module)
    if flaws:
        credit(share, flaws)
