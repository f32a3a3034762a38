"""Changed signatures, read from the source without running it."""

from __future__ import annotations

import os

import pytest

from grader.intake import signatures
from grader.intake.signatures import MAX_SOURCE_BYTES, changed_signatures, compare

HANDOUT = """
class LSTMCell:
    def __init__(self, units): ...
    def call(self, x, states): ...
    def _private(self, a): ...

def train(model, dataset, epochs=3, callback=None): ...
def _helper(a): ...
def main(): ...
"""


def changed(submitted: str) -> list[str]:
    return compare(HANDOUT, submitted, "lstm.py")


@pytest.mark.parametrize(
    "submitted",
    [
        HANDOUT,
        "",
        "x = 1",
        "class LSTMCell: ...",
        "class LSTMCell:\n def call(this, x: int, states=None, training=False) -> tuple: ...",
        "class LSTMCell:\n def call(self, x, states, /): ...",
        "class LSTMCell:\n def call(self, *args, **kwargs): ...",
        "class LSTMCell:\n @tf.function\n async def call(self, x, states, *, mask=None): ...",
        "class LSTMCell:\n @staticmethod\n def __init__(self, units, name='cell'): ...",
        "def train(model, dataset, *, callback=print, epochs, verbose=1): ...",
        "def train(model, dataset, callback=None, epochs=100, **options): ...",
        "def main(arguments): ...",
        "def _helper(b): ...\nclass LSTMCell:\n def _private(self, b): ...",
        "if True:\n def train(a): ...\nelse:\n def train(model, dataset, epochs=1, callback=None): ...",
        "try:\n import jax\nexcept ImportError:\n def train(model, dataset, epochs=1, callback=None): ...",
    ],
)
def test_what_can_be_called_as_the_handout_says_is_no_change(submitted):
    assert changed(submitted) == []


@pytest.mark.parametrize(
    ("submitted", "phrase"),
    [
        (
            "class LSTMCell:\n def call(self, x, state): ...",
            "`LSTMCell.call(self, x, state)` in lstm.py; the handout fixes `(self, x, states)`",
        ),
        (
            "class LSTMCell:\n def call(self, x): ...",
            "`LSTMCell.call(self, x)` in lstm.py; the handout fixes `(self, x, states)`",
        ),
        (
            "class LSTMCell:\n def call(self, states, x): ...",
            "`LSTMCell.call(self, states, x)` in lstm.py; the handout fixes `(self, x, states)`",
        ),
        (
            "class LSTMCell:\n def call(self, x, h, states): ...",
            "`LSTMCell.call(self, x, h, states)` in lstm.py; the handout fixes `(self, x, states)`",
        ),
        (
            "class LSTMCell:\n def __init__(self, units, *, rate): ...",
            "`LSTMCell.__init__(self, units, *, rate)` in lstm.py; the handout fixes `(self, units)`",
        ),
        (
            "def train(model, dataset, *args, loss): ...",
            "`train(model, dataset, *args, loss)` in lstm.py; the handout fixes `(model, dataset, epochs, callback)`",
        ),
        (
            "def train(model, dataset, epochs): ...",
            "`train(model, dataset, epochs)` in lstm.py; the handout fixes `(model, dataset, epochs, callback)`",
        ),
        (
            "if True:\n def train(a): ...\nelse:\n def train(b): ...",
            "`train(b)` in lstm.py; the handout fixes `(model, dataset, epochs, callback)`",
        ),
    ],
)
def test_a_parameter_that_is_gone_renamed_or_new_and_required_is_a_change(submitted, phrase):
    assert changed(submitted) == [phrase]


def test_a_phrase_stays_short():
    (phrase,) = changed(f"def train({'a' * 10_000}): ...")
    assert len(phrase) < 300


@pytest.fixture
def folders(tmp_path):
    for name in ("stencil", "submission"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "good.py").write_text("def f(a): ...\n")
        (tmp_path / name / "bad.py").write_text("def g(a): ...\n")
    (tmp_path / "submission/good.py").write_text("def f(b): ...\n")
    return tmp_path / "stencil", tmp_path / "submission"


CHANGE = ("`f(b)` in good.py; the handout fixes `(a)`",)


HARD_TO_PARSE = (
    b"def broken(:\n",
    b"def g(b):\n\0",
    b"x = '\xff\xfe'\ndef g(b): ...\n",
    b"# coding: no-such-codec\ndef g(b): ...\n",
    b"\xff\xfed\0e\0f\0",
    b"(" * 10_000,
    b"x = " + b"-" * 100_000 + b"1",
    b"x = a" + b".a" * 100_000,
    b"x = a" + b"[0]" * 100_000,
    b"x = a" + b"()" * 100_000,
    b"x = 1" + b"**1" * 100_000,
    b"x = " + b"not " * 50_000 + b"1",
    b"x = " + b"lambda: " * 50_000 + b"1",
    b"if x: pass\n" + b"elif x: pass\n" * 20_000,
    b"".join(b" " * i + b"if x:\n" for i in range(99)) + b" " * 99 + b"pass",
    b"x = '\\d'\n",
    b"x = " + b"9" * 100_000,
    b"x = [" + b"1," * 250_000 + b"]",
    b"#" * MAX_SOURCE_BYTES + b"\ndef g(b): ...\n",
)


def test_source_that_is_hard_to_parse_hides_no_other_module(folders):
    stencil, submission = folders
    names = [f"bad{index}" for index in range(len(HARD_TO_PARSE))]
    for name, source in zip(names, HARD_TO_PARSE, strict=True):
        (stencil / f"{name}.py").write_text("def g(a): ...\n")
        (submission / f"{name}.py").write_bytes(source)
    assert changed_signatures(stencil, submission, (*names, "good")) == CHANGE


def test_what_was_compared_before_the_limit_is_told(folders, monkeypatch):
    stencil, submission = folders
    monkeypatch.setattr(signatures, "_LIMIT_S", 3)
    (submission / "bad.py").unlink()
    os.mkfifo(submission / "bad.py")  # reading it never ends
    assert changed_signatures(stencil, submission, ("good", "bad")) == CHANGE


def test_a_syntax_error_leaves_the_other_modules_compared(folders):
    stencil, submission = folders
    (submission / "bad.py").write_text("def g(b:\n")
    assert changed_signatures(stencil, submission, ("bad", "good")) == CHANGE


def test_modules_that_are_missing_or_no_files_are_passed_over(folders):
    stencil, submission = folders
    (submission / "bad.py").unlink()
    (submission / "bad.py").mkdir()
    assert changed_signatures(stencil, submission, ("bad", "absent", "good")) == CHANGE


def test_modules_of_packages_are_found(folders):
    stencil, submission = folders
    for folder, parameter in ((stencil, "a"), (submission, "b")):
        (folder / "net").mkdir()
        (folder / "net/cell.py").write_text(f"def f({parameter}): ...\n")
    assert changed_signatures(stencil, submission, ("net.cell",)) == ("`f(b)` in net/cell.py; the handout fixes `(a)`",)


def test_without_a_stencil_nothing_is_compared(folders, tmp_path):
    assert changed_signatures(tmp_path / "absent", folders[1], ("good",)) == ()


def test_nothing_of_the_submission_is_run(folders, tmp_path):
    stencil, submission = folders
    proof = tmp_path / "ran"
    hostile = f"open({os.fspath(proof)!r}, 'w')\ndef f(b): ...\n"
    (submission / "good.py").write_text(hostile)
    for name in ("ast.py", "sitecustomize.py", "json.py", "grader.py"):
        (submission / name).write_text(hostile)
    assert changed_signatures(stencil, submission, ("good",)) == CHANGE
    assert not proof.exists()
