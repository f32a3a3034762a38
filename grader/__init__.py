"""Grades homework on recurrent networks: student code never runs in the process that judges it.

import grader
grader.grade("hand-in.zip", "integration").score
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.grading.run import grade as grade

__all__ = ["grade"]


def __getattr__(name: str) -> Any:
    """Imports on demand: workers import this package too, and must not load what judges."""
    if name in __all__:
        from grader.grading import run

        return getattr(run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
