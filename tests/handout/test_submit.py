"""submit.py packs what a student wrote, and says what it does."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import zipfile

import pytest


def run(handout, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-B", str(handout / "submit.py")],
        capture_output=True,
        text=True,
        cwd=handout.parent,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def packed(handout) -> list[str]:
    with zipfile.ZipFile(handout / "toy-submission.zip") as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_an_untouched_handout_packs_its_files_and_names_what_is_open(handout):
    said = run(handout)
    assert packed(handout) == ["handout.json", "questions.md", "sums.py"]
    assert "sums.py, line 12: task 1.1 is still open (Running sums)" in said
    assert said.count("task 1.2 is still open (The scaler)") == 2
    assert "questions.md, line 5: an answer is still empty" in said
    assert "Left out" not in said
    assert "toy-submission.zip is ready (" in said
    assert "3 files" in said


def test_a_finished_solution_has_nothing_open(handout, project):
    for name in ("sums.py", "questions.md"):
        shutil.copy(project.solution / name, handout / name)
    with (handout / "sums.py").open("a", encoding="utf-8") as file:
        file.write('# raise NotImplementedError("Task 1.1: Running sums")\n')
    with (handout / "questions.md").open("a", encoding="utf-8") as file:
        file.write("Answers stand in place of *Your answer.* above.\n")
    said = run(handout)
    assert "still" not in said
    assert "Before you hand in" not in said


def test_own_modules_packages_answers_and_the_review_are_packed(handout):
    for name in ("gates.py", "tools/__init__.py", "tools/plots.py", "explore.ipynb", "answers.pdf", "2470student"):
        (handout / name).parent.mkdir(exist_ok=True)
        (handout / name).write_text("", encoding="utf-8")
    (handout / "review.md").write_text("We met group 7.\n", encoding="utf-8")
    said = run(handout)
    own = {"gates.py", "tools/__init__.py", "tools/plots.py", "explore.ipynb", "answers.pdf", "review.md"}
    assert set(packed(handout)) == own | {"handout.json", "questions.md", "sums.py"}
    assert "2470student  (neither code nor text" in said


def test_junk_stays_out_and_the_reason_is_said(handout):
    for name in (
        *("data/mnist.npz", "runs/1/events.py", ".venv/lib/x.py", ".git/config", "__pycache__/sums.pyc"),
        *("myenv/pyvenv.cfg", "myenv/lib/y.py", ".DS_Store", "weights.npz", "con.md", "Notes.md", "notes.md"),
    ):
        (handout / name).parent.mkdir(parents=True, exist_ok=True)
        (handout / name).write_text("x", encoding="utf-8")
    (handout / "huge.txt").write_bytes(b"x" * (10 * 2**20 + 1))
    (handout / "link.py").symlink_to(handout / "sums.py")
    (handout / "conftest.py").write_text("# mine\n", encoding="utf-8")
    said = run(handout)
    assert packed(handout) == ["Notes.md", "handout.json", "questions.md", "sums.py"]
    for line in (
        "data/  (data, caches and results of runs are not graded)",
        "runs/  (data, caches",
        ".venv/  (hidden)",
        "myenv/  (a virtual environment)",
        "weights.npz  (neither code nor text",
        "con.md  (no file name on every system: rename it)",
        "notes.md  (on some machines it is the same file as Notes.md",
        "huge.txt  (larger than 10 MB)",
        "link.py  (a link: put the file itself here)",
        "conftest.py  (changed, but the grader uses its own)",
    ):
        assert line in said
    assert "pycache" not in said
    assert "kit" not in said


def test_the_same_files_give_the_same_bytes(handout):
    run(handout)
    first = (handout / "toy-submission.zip").read_bytes()
    (handout / "sums.py").touch()
    run(handout)
    assert (handout / "toy-submission.zip").read_bytes() == first
    with zipfile.ZipFile(handout / "toy-submission.zip") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(
    ("rename", "words"),
    [
        (None, "sums.py is MISSING: its tasks can't earn points"),
        ("Sums.py", "sums.py is MISSING: rename Sums.py; upper and lower case count"),
        ("src/sums.py", "sums.py is MISSING: move it back from src/sums.py"),
        ("data/sums.py", "sums.py is MISSING"),
    ],
)
def test_a_missing_file_is_said_loudly_and_the_rest_is_packed(handout, rename, words):
    if rename:
        (handout / rename).parent.mkdir(exist_ok=True)
        (handout / "sums.py").rename(handout / rename)
    else:
        (handout / "sums.py").unlink()
    said = run(handout)
    assert words in said.partition("LOOK AT THIS FIRST:")[2]
    assert "questions.md" in packed(handout)


def test_a_listed_file_that_is_too_large_is_said_loudly(handout):
    (handout / "questions.md").write_bytes(b"x" * (10 * 2**20 + 1))
    assert "questions.md is LEFT OUT: larger than 10 MB" in run(handout)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x = (1,\ny = 2\n", "sums.py, line 1: Python can't read this: "),
        (b"x = 1\ns = 'caf\xe9'\n", "sums.py, line 2: not saved as UTF-8"),
        (b"x = 1\0\n", "Python can't read this: source code string cannot contain null bytes"),
    ],
)
def test_a_file_that_python_cannot_read_is_named_with_its_line(handout, content, words):
    (handout / "sums.py").write_bytes(content)
    assert words in run(handout)
    assert "sums.py" in packed(handout)


def test_a_module_that_hides_another_is_named(handout):
    (handout / "random.py").write_text("", encoding="utf-8")
    assert "random.py bears the name of a module that exists already" in run(handout)


@pytest.mark.parametrize(
    ("stamp", "words"),
    [
        (None, "there is no handout.json beside submit.py"),
        ("{", "handout.json can't be read (JSONDecodeError"),
        ("[]", "handout.json can't be read (TypeError"),
        ("{}", "handout.json can't be read (KeyError"),
        ({"files": 3}, "its 'files' is damaged"),
        ({"assignment": "../evil"}, "its 'assignment' is damaged"),
    ],
)
def test_without_a_usable_stamp_it_still_packs_and_says_so(handout, stamp, words):
    path = handout / "handout.json"
    if stamp is None:
        path.unlink()
    elif isinstance(stamp, dict):
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **stamp}), encoding="utf-8")
    else:
        path.write_text(stamp, encoding="utf-8")
    assert words in run(handout)
    assert {"sums.py", "questions.md"} <= set(packed(handout))


def test_a_zip_that_cannot_be_written_is_said_kindly(handout):
    (handout / "toy-submission.zip").mkdir()
    (handout / "toy-submission.zip" / "x").write_text("")
    assert "toy-submission.zip could not be written" in run(handout, code=1)
    assert not list(handout.glob("*.part"))


def test_python_3_8_can_read_it(handout):
    ast.parse((handout / "submit.py").read_text(encoding="utf-8"), feature_version=(3, 8))
