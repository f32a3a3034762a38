"""Solution lines and hidden tests are found wherever they hide, and what is no secret is left alone."""

from __future__ import annotations

import pytest

from grader.handout import leaks

SOLUTION = '''\
"""A cell."""


class Cell:
    """One step."""

    def __init__(self, units):
        super().__init__()
        # BEGIN SOLUTION 1.1
        self.units = units
        self.kernel = make_kernel(units, bias=1.0)
        # END SOLUTION

    def step(self, x, h):
        """Steps: h' = f * h."""
        # BEGIN SOLUTION 1.1
        # The forget gate opens first, since its bias is one at the start of training.
        f = sigmoid(self.kernel @ x + self.bias)
        for unit in range(units):
            h_new = f * h + (1 - f) * tanh(x)
        return h_new, units
        # END SOLUTION


def given(x):
    """Given code."""
    for unit in range(units):
        print(x)
    return reversed(list(x))
'''


def secrets_of(*extra: tuple[str, str]) -> list[leaks.Secret]:
    return leaks.solution_secrets({"cell.py": SOLUTION, **dict(extra)})


def test_the_tree_without_its_blocks_is_clean():
    assert leaks.find_secrets({"cell.py": leaks.given_text("cell.py", SOLUTION)}, secrets_of()) == []


@pytest.mark.parametrize(
    "hidden_as",
    [
        "f = sigmoid(self.kernel @ x + self.bias)",
        "    f=sigmoid( self.kernel@x+self.bias )  # another spacing",
        "f = sigmoid(\n    self.kernel @ x + self.bias,\n)",
        "Try `f = sigmoid(self.kernel @ x + self.bias)` first.",
        "# Note: The forget gate opens first, since its bias is one at the start of training.",
        "        h_new = f * h + (1 - f) * tanh(x)",
        "gate = [sigmoid(self.kernel @ x + self.bias)]  # the value under another name",
    ],
)
def test_a_solution_line_is_found_in_any_form(hidden_as):
    found = leaks.find_secrets({"notes.md": f"First line.\n{hidden_as}\nLast line.\n"}, secrets_of())
    assert len(found) == 1
    assert found[0].startswith("notes.md, line 2: ")
    assert "cell.py, line " in found[0]


def test_a_part_of_a_yielded_pair_is_found():
    solution = (
        "def draw(x):\n    # BEGIN SOLUTION 1.1\n    yield x, (x.sum(axis=0) > 0).astype(int)\n    # END SOLUTION\n"
    )
    found = leaks.find_secrets(
        {"adapters.py": "label = (x.sum(axis=0) > 0).astype(int)\n"}, leaks.solution_secrets({"data.py": solution})
    )
    assert len(found) == 1
    assert found[0].startswith("adapters.py, line 1: ")


@pytest.mark.parametrize(
    "harmless",
    [
        "self.units = units",  # an idiom
        "super().__init__()",
        "with GradientTape() as tape:",
        "for unit in range(units):",  # given code has it
        "return h_new, units",
        "f = sigmoid(self.kernel @ x + self.biases)",  # another name
        "f = xsigmoid(self.kernel @ x + self.bias)",
        "gate = f * h + (1 - f) * tanh(x)",  # a value too short to tell
        "h' = f * h",
    ],
)
def test_what_any_program_has_is_no_leak(harmless):
    assert leaks.find_secrets({"notes.md": harmless}, secrets_of()) == []


def test_given_code_that_repeats_two_statements_of_a_block_is_named():
    copy = """
def forgotten(self, x, h):
    f = sigmoid(
        self.kernel @ x + self.bias
    )
    for unit in range(units):
        h_new = f * h + (1 - f) * tanh(x)
"""
    assert leaks.copied_blocks({"cell.py": SOLUTION, "other.py": copy}) == [
        "other.py: given code repeats the solution of 1.1 at cell.py, line 18: "
        "`f = sigmoid ( self . kernel @ x + self . bias )`; has a block been forgotten?"
    ]


def test_given_code_that_repeats_a_block_of_one_statement_is_named():
    found = leaks.copied_blocks({"cell.py": SOLUTION, "b.py": "self.kernel = make_kernel(units, bias=1.0)\n"})
    assert len(found) == 1
    assert found[0].startswith("b.py: given code repeats the solution of 1.1 at cell.py, line 11")


def test_given_code_may_share_one_statement_with_a_longer_block():
    other = "def f(self, x):\n    return 1\n\n\nf = sigmoid(self.kernel @ x + self.bias)\n"
    assert leaks.copied_blocks({"cell.py": SOLUTION, "other.py": other}) == []


def test_an_answer_to_a_question_is_a_secret():
    answer = "Because the gradient would otherwise have to pass through every single step."
    text = f"Why truncate?\n\n<!-- BEGIN SOLUTION Q1 -->\n{answer}\n<!-- END SOLUTION -->\n"
    found = leaks.find_secrets({"README.md": f"Hint: {answer}"}, secrets_of(("questions.md", text)))
    assert len(found) == 1
    assert "(questions.md, line 4)" in found[0]


def test_names_and_titles_of_hidden_tests_are_secrets_unless_a_public_test_shares_them(project):
    secrets = leaks.hidden_test_secrets(project.suite, {})
    texts = {
        "a.py": "def test_scale_is_applied_after_adding(): ...",
        "b.md": "A scale of zero\ngives zeros and no NaN.",
        "c.py": "def test_sums_of_ones(): 'Ones add up to 1, 2, 3.'",
    }
    assert leaks.find_secrets(texts, secrets) == [
        "a.py, line 1: 'test_scale_is_applied_after_adding' of the hidden test_hidden.py",
        "b.md, line 1: 'A scale of zero gives zeros and no NaN.' of the hidden test_hidden.py",
    ]


def test_a_rubric_is_a_secret_but_for_the_questions_that_it_repeats(project):
    questions = (project.stencil / "questions.md").read_text(encoding="utf-8")
    rubric = (project.suite / "rubric.md").read_text(encoding="utf-8")
    secrets = leaks.hidden_test_secrets(project.suite, {"questions.md": questions})
    assert leaks.find_secrets({"questions.md": questions}, secrets) == []
    found = leaks.find_secrets({"notes.md": rubric}, secrets)
    assert [entry.partition(": ")[0] for entry in found] == ["notes.md, line 5"]
