"""What a suite may call: the adapters, read from their source without importing them.

A call that no adapter takes is the suite's mistake; it must not look like the student's.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.errors import InvalidAssignment

TAKEN = frozenset({"close", "import_module", "opened", "output", "peak_memory_bytes", "restart", "result"})


class Adapters:
    """Names and arguments of the functions of one adapters.py."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        self._functions = {node.name: node.args for node in tree.body if isinstance(node, ast.FunctionDef)}
        for name in TAKEN & set(self._functions):
            raise InvalidAssignment(f"{path}: no adapter can be called {name!r}, which is a name of the fixtures")

    def check_call(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Lets a call pass that the adapter of that name takes.

        Raises:
            InvalidAssignment: There is no such adapter, or an argument is unknown or missing.
        """
        if name not in self._functions:
            raise InvalidAssignment(f"the suite calls {name!r}, and adapters.py has no such function")
        taken = self._functions[name]
        positional = [argument.arg for argument in (*taken.posonlyargs, *taken.args)]
        optional = positional[len(positional) - len(taken.defaults) :]
        optional += [
            one.arg for one, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True) if default is not None
        ]
        known = [*positional, *(one.arg for one in taken.kwonlyargs)]
        wrong = [argument for argument in arguments if argument not in known]
        wrong += [argument for argument in known if argument not in arguments and argument not in optional]
        if wrong:
            raise InvalidAssignment(
                f"the suite calls the adapter {name!r} with other arguments than it takes: {', '.join(wrong)}"
            )
