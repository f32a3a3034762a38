"""What the adapters of several assignments look at in a submission; it runs beside the student's code.

Nothing here knows a right answer: the handout holds a copy. TensorFlow is imported where a function needs it.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def eagerly() -> Iterator[None]:
    """Runs what is decorated with `@tf.function` as plain Python.

    The first call of a model must happen like this: a `@tf.function` on `call` that is traced before the sublayers are
    built freezes their initial values into the graph, and training changes nothing.
    """
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def variables_of(layer: Any) -> list[Any]:
    """Every float variable of a layer, whether Keras tracks it or not."""
    found = list(getattr(layer, "variables", []))
    pending = list(vars(layer).values())
    while pending:
        value = pending.pop()
        if isinstance(value, (list, tuple)):
            pending.extend(value)
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif hasattr(value, "assign") and hasattr(value, "shape"):
            found.append(value)
        elif hasattr(value, "variables"):
            found.extend(value.variables)
    unique = {id(variable): variable for variable in found}
    return [variable for variable in unique.values() if "float" in str(variable.dtype)]


def weights_now(model: Any, modules: Collection[str]) -> dict[int, tuple[str, Any]]:
    """The trainable weights of a model, each bare `tf.Variable` included, with what they hold now.

    Args:
        model: Already called, so that its weights exist.
        modules: As for `bare_variables`.

    Returns:
        From the identity of a variable to its path and a copy of its values.
    """
    import numpy as np

    named = [(variable.path, variable) for variable in model.trainable_variables]
    named += [(f"{path} (a bare tf.Variable)", variable) for path, variable in bare_variables(model, modules).items()]
    return {id(variable): (path, np.array(variable)) for path, variable in named}


def unchanged(before: dict[int, tuple[str, Any]], after: dict[int, tuple[str, Any]]) -> list[str]:
    """The paths of weights that are the same in two answers of `weights_now`."""
    both = [(path, before[key][1], value) for key, (path, value) in after.items() if key in before]
    return [path for path, first, second in both if (first == second).all()]


def bare_variables(layer: Any, modules: Collection[str]) -> dict[str, Any]:
    """Every trainable `tf.Variable` of floats that a layer holds by itself, which Keras neither lists nor trains.

    Args:
        layer: A layer or model; its attributes are searched, and theirs.
        modules: Names of the student's modules, whose objects are searched even where they are no layers.

    Returns:
        From the path of attributes, such as "lstm.cell.kernel", to the variable.
    """
    import keras
    import tensorflow as tf

    found: dict[str, Any] = {}
    seen: set[int] = set()
    pending: deque[tuple[str, Any]] = deque([("", layer)])  # short paths first
    while pending:
        path, value = pending.popleft()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, tf.Variable):
            if value.trainable and value.dtype.is_floating:  # an integer counts something
                found[path] = value
        elif isinstance(value, (list, tuple)):
            pending.extend((f"{path}[{index}]", item) for index, item in enumerate(value))
        elif isinstance(value, dict):
            pending.extend((f"{path}[{key!r}]", item) for key, item in value.items())
        elif isinstance(value, keras.layers.Layer) or type(value).__module__ in modules:
            prefix = f"{path}." if path else ""
            attributes = sorted(getattr(value, "__dict__", {}).items(), key=lambda item: item[0].startswith("_"))
            pending.extend((prefix + name, item) for name, item in attributes)
    return found


def operations(graph: Any) -> list[str]:
    """The types of all operations of a graph and of the functions that it calls."""
    definition = graph.as_graph_def()
    nodes = list(definition.node)
    for function in definition.library.function:
        nodes.extend(function.node_def)
    return [node.op for node in nodes]


@contextmanager
def watching_builtins(found: set[str], allowed: Collection[str] = ()) -> Iterator[None]:
    """Notes which of Keras' own recurrent layers, cells and functions run, under whatever name they were imported.

    Args:
        found: Gets their names, such as "keras.layers.LSTM".
        allowed: Names in `keras.layers` that may run.
    """
    import keras

    names = [name for name in dir(keras.layers) if any(word in name for word in ("RNN", "LSTM", "GRU"))]
    classes = {getattr(keras.layers, name): name for name in [*names, "Bidirectional"] if name not in allowed}
    functions = {"lstm", "gru"} | ({"rnn"} if "RNN" not in allowed else set())
    undo: list[tuple[Any, str, Any]] = []

    def watch(owner: Any, attribute: str, name: str) -> None:
        original = owner.__dict__[attribute]

        @functools.wraps(original)  # Keras asks a method for its signature
        def noted(*arguments: Any, **options: Any) -> Any:
            found.add(name)
            return original(*arguments, **options)

        undo.append((owner, attribute, original))
        setattr(owner, attribute, noted)

    for owner, name in classes.items():
        for attribute in {"build", "call"} & set(owner.__dict__):
            watch(owner, attribute, f"keras.layers.{name}")
    for module in [module for name, module in sys.modules.items() if name.startswith("keras") and "backend" in name]:
        for name in functions & set(getattr(module, "__dict__", {})):
            if inspect.isfunction(module.__dict__[name]):
                watch(module, name, f"keras.backend.{name}")
    try:
        yield
    finally:
        for owner, attribute, original in reversed(undo):
            setattr(owner, attribute, original)


def builtins_in_use(
    make: Callable[[], Callable[[], Any]], modules: Collection[str], allowed: Collection[str] = ()
) -> list[str]:
    """Which ready-made recurrent layers, operations or other frameworks run in a part of a submission.

    Args:
        make: Makes that part; what it returns calls it, and is called eagerly and in a graph.
        modules: Of the submission, to be imported first: what runs counts, not what was made at import.
        allowed: See `watching_builtins`.
    """
    import importlib

    import tensorflow as tf

    found: set[str] = set()
    loaded = set(sys.modules)
    with watching_builtins(found, allowed):
        for name in modules:
            importlib.import_module(name)
        found.clear()
        run = make()
        with eagerly():
            run()
        try:
            used = operations(tf.function(run).get_concrete_function().graph)
        except Exception:  # code that works eagerly alone is another test's matter
            used = []
    found.update(operation for operation in used if any(word in operation for word in ("LSTM", "RNN", "GRU")))
    new = {name.partition(".")[0] for name in set(sys.modules) - loaded}
    found.update(new & {"torch", "jax", "flax", "mxnet", "theano"})
    return sorted(found)


def numeric_series(history: Any) -> dict[str, list[float]]:
    """The lists of plain numbers in a history, for the plot in the report."""
    series = {}
    for name, values in history.items() if isinstance(history, dict) else []:
        try:
            series[str(name)] = [float(value) for value in values]
        except (TypeError, ValueError):
            continue
    return series


def public_functions(path: Path) -> list[dict[str, Any]]:
    """The public functions and methods of one file, read from its source.

    Returns:
        For each its name, whether it has a docstring (for `__init__` the class's counts), and its parameters without a
        type: neither annotated nor given in the docstring as `name (type)` or `name : type`.
    """
    tree = ast.parse(path.read_bytes())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found: list[tuple[str, Any, str]] = [(node.name, node, "") for node in tree.body if isinstance(node, functions)]
    for owner in tree.body:
        if isinstance(owner, ast.ClassDef) and not owner.name.startswith("_"):
            text = ast.get_docstring(owner) or ""
            for node in owner.body:
                if isinstance(node, functions):
                    found.append((f"{owner.name}.{node.name}", node, text if node.name == "__init__" else ""))
    outlines = []
    for name, node, inherited in found:
        if node.name.startswith("_") and node.name != "__init__":
            continue
        text = f"{ast.get_docstring(node) or ''}\n{inherited}".strip()
        parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        untyped = [
            parameter.arg
            for parameter in parameters
            if parameter.annotation is None and not re.search(rf"\b{parameter.arg}\b`*\s*[:(]\s*\w", text)
        ]
        if "." in name and untyped and untyped[0] == parameters[0].arg:
            untyped = untyped[1:]  # self
        outlines.append({"name": name, "docstring": len(text) >= 10, "untyped": untyped})
    return outlines
