"""stencil/ mirrors solution/, and every kind of drift is named."""

from __future__ import annotations

import pytest

from grader import catalog
from grader.errors import HandoutLeak, InvalidAssignment, UnknownAssignment
from grader.handout import stencil
from grader.handout.stencil import check_stencils, write_stencils


def test_the_checked_in_stencils_mirror_the_solutions():
    assert check_stencils(catalog.ROOT_DIR, catalog.names()) == []


def test_writing_removes_what_the_solution_no_longer_has(project):
    (project.stencil / "old.py").write_text("x = 1\n")
    (project.stencil / "sums.py").unlink()
    assert write_stencils(project.root, ["toy"]) == [project.stencil]
    assert check_stencils(project.root, ["toy"]) == []
    assert sorted(path.name for path in project.stencil.iterdir()) == ["README.md", "questions.md", "sums.py"]


def test_what_runs_leave_behind_is_no_part_of_a_stencil(project):
    for name in ("__pycache__/sums.cpython-311.pyc", "runs/1/log.txt", ".pytest_cache/x.md", "toy-submission.zip"):
        (project.solution / name).parent.mkdir(parents=True, exist_ok=True)
        (project.solution / name).write_bytes(b"\xff")
    (project.solution / "figure.png").write_bytes(b"\x89PNG\r\n")
    made = stencil.make_stencil(project.assignment, project.solution)
    assert sorted(made) == ["README.md", "figure.png", "questions.md", "sums.py"]
    assert made["figure.png"] == b"\x89PNG\r\n"


def test_windows_line_ends_give_the_same_stencil(project):
    path = project.solution / "sums.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert check_stencils(project.root, ["toy"]) == []


@pytest.mark.parametrize(
    ("old", "new", "drift"),
    [
        (
            "scale: float = 1.0",
            "factor: float = 1.0",
            "stencil/toy/sums.py: the signature of running_sums differs: "
            "(x: np.ndarray, factor: float=1.0) -> np.ndarray in the stencil, "
            "(x: np.ndarray, scale: float=1.0) -> np.ndarray in the solution",
        ),
        ("Adds up a", "Adds a", "stencil/toy/sums.py: the docstring of running_sums differs"),
        ("import numpy as np", "import numpy", "stencil/toy/sums.py: the imports differ: only in the stencil: import"),
        (
            "#     The scale comes last.",
            "#     The scale comes first.",
            "stencil/toy/sums.py, line 11: `#     The scale comes first.` in the stencil, "
            "`#     The scale comes last.` from the solution",
        ),
        ('"""Sums of sequences."""', "'''Sums", "stencil/toy/sums.py: does not compile: unterminated"),
    ],
)
def test_drift_names_the_file_and_what_differs(project, old, new, drift):
    project.edit(project.stencil / "sums.py", old, new)
    found = check_stencils(project.root, ["toy"])
    assert len(found) == 1
    assert found[0].startswith(drift)


def test_missing_and_surplus_files_and_lines_are_drift(project):
    (project.stencil / "questions.md").unlink()
    (project.stencil / "extra.py").write_text("x = 1\n")
    (project.stencil / "README.md").write_text("# Running sums", encoding="utf-8")
    assert check_stencils(project.root, ["toy"]) == [
        "stencil/toy/README.md, line 2: nothing in the stencil, `` from the solution",
        "stencil/toy/extra.py has no counterpart in solution/toy/",
        "stencil/toy/questions.md is missing",
    ]


def test_a_stencil_folder_that_does_not_exist_is_drift(project):
    (project.root / "stencil").rename(project.root / "elsewhere")
    assert len(check_stencils(project.root, ["toy"])) == 3


def test_another_picture_is_drift(project):
    (project.solution / "figure.png").write_bytes(b"\x89PNG1")
    (project.stencil / "figure.png").write_bytes(b"\x89PNG2")
    assert check_stencils(project.root, ["toy"]) == ["stencil/toy/figure.png differs"]


def test_a_solution_line_in_a_hint_is_a_leak(project):
    project.edit(project.solution / "sums.py", "NumPy has a function for this.", "totals = np.cumsum(x, axis=0)")
    with pytest.raises(HandoutLeak, match=r"sums\.py, line 10: the solution line `totals = np \. cumsum"):
        write_stencils(project.root, ["toy"])
    assert (project.stencil / "sums.py").read_text(encoding="utf-8").count("cumsum") == 0


def test_a_solution_line_in_the_handout_text_is_a_leak(project):
    (project.solution / "README.md").write_text("Use\n`totals = np.cumsum(x, axis=0)`.\n", encoding="utf-8")
    with pytest.raises(HandoutLeak, match=r"README\.md, line 2"):
        stencil.make_stencil(project.assignment, project.solution)


def test_a_copy_of_a_block_without_markers_is_a_leak(project):
    path = project.solution / "sums.py"
    copy = "\n\ndef again(x, scale):\n    totals = np.cumsum(x, axis=0)\n    return scale * totals.astype(np.float64)\n"
    path.write_text(path.read_text(encoding="utf-8") + copy, encoding="utf-8")
    with pytest.raises(HandoutLeak, match=r"sums\.py: given code repeats the solution of 1\.1"):
        stencil.make_stencil(project.assignment, project.solution)


def test_a_file_that_assignment_toml_names_must_exist(project):
    (project.solution / "questions.md").unlink()
    with pytest.raises(InvalidAssignment, match=r"names questions\.md, but .* has no such file"):
        stencil.make_stencil(project.assignment, project.solution)


def test_an_assignment_without_a_solution_is_refused(project):
    with pytest.raises(InvalidAssignment, match="is no folder"):
        stencil.make_stencil(project.assignment, project.root / "solution" / "none")


def test_an_unknown_assignment_is_refused(project):
    with pytest.raises(UnknownAssignment, match="no assignment 'other'"):
        check_stencils(project.root, ["other"])


def test_text_that_is_not_utf_8_is_refused(project):
    (project.solution / "notes.md").write_bytes(b"caf\xe9\n")
    with pytest.raises(InvalidAssignment, match=r"notes\.md is not UTF-8: .* at byte 3"):
        stencil.make_stencil(project.assignment, project.solution)
