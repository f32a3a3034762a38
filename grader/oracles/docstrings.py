"""Types and docstrings of the functions in a student's file, as its adapter has read them from the source."""

from __future__ import annotations

from grader.oracles.compare import as_dict, as_items, expect

# Methods that Keras names and documents.
KERAS_METHODS = {"build", "get_config", "from_config", "compute_output_shape", "train_step", "test_step"}
_SHOWN = 6


def documented(answer: object, module: str) -> tuple[float, str]:
    """How many of a file's public functions have a docstring and a type for each argument.

    Args:
        answer: What `public_functions` of kit/probes.py gave for that file.
        module: Its name.

    Returns:
        Their share in [0, 1], and what the others lack in words for the student, "" where that is nothing.

    Raises:
        Mismatch: The file has no public functions.
    """
    functions = as_items(answer, "the answer")
    expect(functions, f"{module}.py has no public functions.")
    flaws, good = [], 0
    for one in functions:
        function = as_dict(one, "a function", ["name", "docstring", "untyped"])
        name = str(function["name"])
        if name.rpartition(".")[2] in KERAS_METHODS:
            good += 1
            continue
        untyped = [str(argument) for argument in as_items(function["untyped"], "its arguments")]
        if function["docstring"] is not True:
            flaws.append(f"`{name}` has no docstring")
        if untyped:
            flaws.append(f"`{name}` has no types for {', '.join(untyped)}")
        good += function["docstring"] is True and not untyped
    return good / len(functions), f"In {module}.py: {'; '.join(flaws[:_SHOWN])}." if flaws else ""
