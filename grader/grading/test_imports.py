"""Task 0 of every assignment: its modules can be imported, once, quickly, and without side effects."""

from __future__ import annotations

import pytest


@pytest.mark.task("0", points=0, visibility="visible", limit_s=120)
def test_modules_can_be_imported(student, modules, import_limit_s):
    """Your modules can be imported."""
    for module in modules:
        student.import_module(module, import_limit_s)
