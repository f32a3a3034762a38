"""Task 0 of every assignment: its modules can be imported, once, quickly, and without side effects."""

from __future__ import annotations

import pytest

from grader.errors import TimeLimit

_ADVICE = 'put what trains, downloads, waits or shows plots under `if __name__ == "__main__":`'


@pytest.mark.task("0", points=0, visibility="visible", limit_s=120)
def test_modules_can_be_imported(student, modules, import_limit_s):
    """Your modules can be imported."""
    for module in modules:
        try:
            student.import_module(module, import_limit_s)
        except TimeLimit as error:
            raise TimeLimit(f"{error.message}; {_ADVICE}", place=error.place) from error
