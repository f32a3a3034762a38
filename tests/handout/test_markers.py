"""Solution text -> stencil text, and everything that a marker can get wrong."""

from __future__ import annotations

import re

import pytest

from grader.errors import InvalidAssignment
from grader.handout import markers

BLOCK = '''\
def total(x):
    """Adds up."""
    # BEGIN SOLUTION 1.1
    # HINT Use sum.
    return sum(x)
    # END SOLUTION
'''


def test_a_block_becomes_hints_and_an_error_that_names_the_task(project):
    found = markers.strip_solution(BLOCK, project.assignment, "sums.py")
    assert found == (
        'def total(x):\n    """Adds up."""\n    # TODO 1.1: Use sum.\n'
        '    raise NotImplementedError("Task 1.1: Running sums")\n'
    )


def test_the_toy_gives_its_golden_stencil(project):
    for name in ("sums.py", "questions.md", "README.md"):
        source = (project.solution / name).read_text(encoding="utf-8")
        golden = (project.stencil / name).read_text(encoding="utf-8")
        assert markers.strip_solution(source, project.assignment, name) == golden


def test_a_long_hint_is_wrapped(project):
    hint = "one word after another " * 10
    found = markers.strip_solution(BLOCK.replace("Use sum.", hint), project.assignment, "sums.py")
    lines = [line for line in found.splitlines() if line.lstrip().startswith("#")]
    assert len(lines) > 2
    assert max(map(len, lines)) <= 120
    assert lines[1].startswith("    #     ")
    assert " ".join(line.strip(" #") for line in lines) == f"TODO 1.1: {hint.strip()}"


def test_a_module_level_block_with_a_hint_leaves_a_todo_that_does_not_stop_the_import(project):
    source = (
        "# BEGIN SOLUTION 1.1\n# HINT A function of your own helps.\ndef double(x):\n    return 2 * x\n# END SOLUTION\n"
    )
    found = markers.strip_solution(source, project.assignment, "sums.py")
    assert found == "# TODO 1.1: A function of your own helps.\n"


def test_a_title_with_quotes_and_backslashes_compiles(project):
    project.edit(project.suite / "assignment.toml", 'title = "Running sums"\npoints', "title = 'Say \"\\n\"'\npoints")
    found = markers.strip_solution(BLOCK, project.assignment, "sums.py")
    with pytest.raises(NotImplementedError, match=re.escape('Task 1.1: Say "\\n"')):
        exec(found + "total([1])")  # noqa: S102 - the stencil of a literal of ours


MISTAKES = {
    "nested": ("    # HINT Use sum.\n", "    # BEGIN SOLUTION 1.2\n", 4, "inside the block that began at line 3"),
    "unmatched": ("    # BEGIN SOLUTION 1.1\n    # HINT Use sum.\n", "", 4, "END SOLUTION without a BEGIN"),
    "unclosed": ("    # END SOLUTION\n", "", 3, "never closed"),
    "unknown task": ("SOLUTION 1.1", "SOLUTION 9.9", 3, "unknown task '9.9'; assignment.toml has 1.1, 1.2"),
    "task without code": ("SOLUTION 1.1", "SOLUTION 2.1", 3, "`code = false`"),
    "hint outside": ('    """Adds up."""\n', '    """Adds up."""\n    # HINT Early.\n', 3, "HINT outside"),
    "hint behind code": ("return sum(x)", "return sum(x)  # HINT late", 5, "malformed hint"),
    "empty hint": ("# HINT Use sum.", "# HINT", 4, "malformed hint"),
    "no id": ("SOLUTION 1.1", "SOLUTION", 3, "malformed marker"),
    "lower case": ("# END SOLUTION", "# end solution", 6, "malformed marker"),
    "other indent": ("    # END SOLUTION", "# END SOLUTION", 6, "indented unlike its BEGIN at line 3"),
    "empty": ("    return sum(x)\n", "", 3, "holds no solution"),
    "leaves its indent": ("    return sum(x)\n", "    return sum(x)\ny = 1\n", 6, "indented less than its block"),
    "no Python": ("return sum(x)", "return sum(x", 5, "the solution does not compile"),
    "docstring inside": (
        '    """Adds up."""\n    # BEGIN SOLUTION 1.1\n',
        '    # BEGIN SOLUTION 1.1\n    """Adds up."""\n',
        None,
        "the docstring of total differs",
    ),
    "import inside": ("return sum(x)", "import math; return math.fsum(x)", None, "only in the solution: import math"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused_with_its_place(project, name):
    old, new, line, words = MISTAKES[name]
    assert BLOCK.count(old) == 1
    with pytest.raises(InvalidAssignment) as caught:
        markers.strip_solution(BLOCK.replace(old, new), project.assignment, "sums.py")
    message = str(caught.value)
    assert words in message
    assert message.startswith("sums.py" if line is None else f"sums.py, line {line}:")


def test_a_decorator_in_a_block_is_refused(project):
    source = "# BEGIN SOLUTION 1.1\n@staticmethod\n# END SOLUTION\ndef total(x):\n    pass\n"
    with pytest.raises(InvalidAssignment, match="the decorators of total differ: none in the stencil, @staticmethod"):
        markers.strip_solution(source, project.assignment, "sums.py")


def test_a_stencil_that_does_not_compile_is_refused(project):
    source = "class Empty:\n    # BEGIN SOLUTION 1.1\n    size = 1\n    # END SOLUTION\n"
    with pytest.raises(InvalidAssignment, match=r"sums\.py: its stencil does not compile .* blocks at lines 2"):
        markers.strip_solution(source, project.assignment, "sums.py")


def test_given_code_that_needs_a_name_of_a_block_is_refused(project):
    source = "# BEGIN SOLUTION 1.1\ndef helper():\n    return 1\n# END SOLUTION\n\n\ndef main():\n    return helper()\n"
    with pytest.raises(InvalidAssignment, match=r"line 8: given code uses helper, which only a solution block defines"):
        markers.strip_solution(source, project.assignment, "sums.py")


def test_an_unknown_question_is_refused(project):
    source = "<!-- BEGIN SOLUTION Q7 -->\nBecause.\n<!-- END SOLUTION -->\n"
    with pytest.raises(
        InvalidAssignment, match=r"questions\.md, line 1: unknown question 'Q7'; assignment\.toml has Q1"
    ):
        markers.strip_solution(source, project.assignment, "questions.md")


def test_markers_in_a_file_of_another_kind_are_refused(project):
    with pytest.raises(InvalidAssignment, match=r"notes\.txt, line 2: a marker in a file that is neither"):
        markers.strip_solution("a\n# BEGIN SOLUTION 1.1\n", project.assignment, "notes.txt")


@pytest.mark.parametrize(
    ("carried", "words"), [(("1.1", "Q1"), "task 1.2"), (("1.1", "1.2"), "question Q1")], ids=["task", "question"]
)
def test_an_id_that_no_block_carries_is_refused(project, carried, words):
    blocks = [markers.Block(block_id, 1, 3, "", (), ((2, "x"),)) for block_id in carried]
    with pytest.raises(InvalidAssignment, match=words):
        markers.check_coverage({"sums.py": blocks}, project.assignment)
