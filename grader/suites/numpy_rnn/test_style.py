"""Task 8.1: types and docstrings. Cheap and static: each file counts once a test of what it holds has passed."""

from __future__ import annotations

import pytest

from grader.oracles.compare import as_dict, as_items, expect

# Methods that Keras names and documents.
KERAS_METHODS = {"build", "get_config", "from_config", "compute_output_shape", "train_step", "test_step"}
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
    functions = as_items(student.public_functions(module=module), "the answer")
    expect(functions, f"{module}.py has no public functions.")
    flaws, good = [], 0
    for function in functions:
        function = as_dict(function, "a function", ["name", "docstring", "untyped"])
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
    if flaws:
        credit(good / len(functions), f"In {module}.py: {'; '.join(flaws[:6])}.")
