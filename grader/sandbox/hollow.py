"""Packages that an assignment does not allow: importing one is harmless, using it raises `ForbiddenUse`.

Nothing of such a package is loaded, and it need not be installed. A name of it (`keras.layers.Dense`) can be looked up,
passed on and used as an annotation; calling it, making a subclass and computing with it are uses.

The handout holds a copy of this file, so it imports the standard library alone.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NoReturn


class ForbiddenUse(Exception):
    """Code of a submission used a package that the assignment does not allow."""


def install(packages: Sequence[str]) -> None:
    """Makes these packages hollow, in this process, from now on; further calls replace the list.

    What was loaded before is set aside, and is back when its package is not in the list any more.
    """
    for finder in [finder for finder in sys.meta_path if isinstance(finder, _Finder)]:
        sys.meta_path.remove(finder)
    if packages:
        sys.meta_path.insert(0, _Finder(packages))
    for name, module in list(sys.modules.items()):
        if isinstance(module, _HollowModule):
            del sys.modules[name]
        elif name.partition(".")[0] in packages:
            _set_aside[name] = sys.modules.pop(name)
    for name in [name for name in _set_aside if name.partition(".")[0] not in packages]:
        sys.modules[name] = _set_aside.pop(name)


_set_aside: dict[str, ModuleType] = {}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = frozenset(packages)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in self.packages:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _HollowModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


class _HollowModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(f"{self.__name__}.{name}")


class _Name:
    """Something in a hollow package."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(f"{self._path}.{name}")

    def __repr__(self) -> str:
        return self._path

    def __or__(self, other: Any) -> _Name:  # `tf.Tensor | None`, an annotation
        return self

    __ror__ = __or__

    def __mro_entries__(self, bases: tuple[Any, ...]) -> NoReturn:
        self._refuse()

    def _refuse(self, *arguments: Any, **options: Any) -> NoReturn:
        raise ForbiddenUse(f"`{self._path}` is not allowed here")


for _operation in (
    *(
        "call",
        "iter",
        "len",
        "contains",
        "bool",
        "float",
        "int",
        "index",
        "enter",
        "exit",
        "array",
        "getitem",
        "setitem",
    ),
    *("neg", "abs", "eq", "ne", "lt", "le", "gt", "ge"),
    *(f"{side}{name}" for name in ("add", "sub", "mul", "matmul", "truediv", "pow") for side in ("", "r")),
):
    setattr(_Name, f"__{_operation}__", _Name._refuse)
_Name.__hash__ = object.__hash__  # type: ignore[method-assign]
