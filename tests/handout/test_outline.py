"""What a stencil and its solution share is compared by structure."""

from __future__ import annotations

import pytest

from grader.handout.outline import differences, logical_lines, outline

SOURCE = '''\
"""A module."""

import json
from math import sqrt, tau


class Cell(dict):
    """A cell."""

    def call(self, x: int, states: tuple = ()) -> int:
        """Steps."""
        return x

    @property
    def size(self):
        return 1

    @size.setter
    def size(self, value):
        pass
'''


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "states: tuple = ()",
            "state: tuple = ()",
            "the signature of Cell.call differs: (self, x: int, states: tuple=()) -> int in the stencil, "
            "(self, x: int, state: tuple=()) -> int in the solution",
        ),
        ("= ()) -> int", "= (0,)) -> int", "the signature of Cell.call differs"),
        ("-> int", "-> float", "the signature of Cell.call differs"),
        ("x: int", "x: float", "the signature of Cell.call differs"),
        ("Cell(dict)", "Cell(list)", "the base classes of Cell differ: (dict) in the stencil, (list) in the solution"),
        ("Steps.", "Moves.", "the docstring of Cell.call differs"),
        ("A cell.", "No cell.", "the docstring of Cell differs"),
        ("A module.", "Another.", "the docstring of the module differs"),
        (
            "sqrt, tau",
            "sqrt",
            "the imports differ: only in the stencil: from math import sqrt, tau, only in the solution",
        ),
        ("    @property\n", "", "the decorators of Cell.size differ: @property in the stencil, none in the solution"),
        ("def size(self, value)", "def size(self, v)", "the signature of Cell.size (no. 2) differs"),
        ("def call", "async def call", "the kind of Cell.call differs: def in the stencil, async def in the solution"),
    ],
)
def test_a_difference_is_named(old, new, words):
    assert SOURCE.count(old) == 1
    found = differences(outline(SOURCE), outline(SOURCE.replace(old, new)))
    assert len(found) == 1
    assert found[0].startswith(words)


def test_a_missing_and_a_surplus_function_are_named():
    renamed = SOURCE.replace("def call", "def step")
    assert differences(outline(SOURCE), outline(renamed)) == [
        "Cell.step stands only in the solution",
        "Cell.call stands only in the stencil",
    ]


def test_imports_in_another_order_are_a_difference():
    found = differences(outline("import a\nimport b\n"), outline("import b\nimport a\n"))
    assert found == ["the imports differ: same ones, in another order or number"]


def test_bodies_comments_and_layout_are_no_difference():
    other = SOURCE.replace("return x", "# Easy.\n        return x + 1").replace(
        "x: int, states", "x: int,\n        states"
    )
    assert differences(outline(SOURCE), outline(other)) == []


def test_logical_lines_span_physical_ones():
    source = "x = f(  # why\n    1,\n    2,\n)\n\nif x:\n    y = '''a\nb'''\n"
    assert [(line.line, line.column, line.text) for line in logical_lines(source)] == [
        (1, 0, "x = f ( 1 , 2 , )"),
        (6, 0, "if x :"),
        (7, 4, "y = '''a\nb'''"),
    ]
