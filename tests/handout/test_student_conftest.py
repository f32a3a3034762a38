"""The public tests in an unpacked handout, run as a student runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest


def run(handout, *options: str, cwd=None) -> tuple[int, str]:
    done = start(cwd or handout, *options)
    assert "warning" not in done.stdout.lower()
    assert done.stderr == ""
    return done.returncode, done.stdout


def start(folder, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "--color=no", *options],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**environment, "COLUMNS": "200"},  # pytest cuts its lines at the terminal's width
        check=False,
    )


@pytest.fixture
def finished(handout, project):
    """The handout with the solution filled in."""
    shutil.copy(project.solution / "sums.py", handout / "sums.py")
    return handout


def test_an_open_todo_fails_with_the_name_of_its_task(handout):
    code, said = run(handout)
    assert code == 1
    assert "____ task 1.1: Ones add up to 1, 2, 3. ____" in said
    assert "Task 1.1 is still open: `running_sums` raises NotImplementedError (sums.py, line 12: " in said
    assert "FAILED test_public.py::test_sums_of_ones - Task 1.1 is still open" in said
    assert "task 1.1   open           Running sums" in said
    assert "where to look" not in said
    assert "calls.call" not in said  # nothing of the kit's own code is shown


def test_a_finished_solution_passes(finished):
    code, said = run(finished)
    assert code == 0
    assert "task 1.1   2 of 2 passed  Running sums" in said


def test_it_runs_from_another_folder(finished):
    code, _ = run(finished, "toy", cwd=finished.parent)
    assert code == 0


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_wrong_value_shows_the_message_and_not_the_machinery(finished):
    edit(finished / "sums.py", "return scale * totals", "return 2 * totals")
    code, said = run(finished)
    assert code == 1
    assert "task 1.1: `running_sums` returned array([2., 4., 6.]); expected 1, 2, 3" in said.splitlines()[-2]
    assert "where to look" in said
    assert "The axis of time" in said
    assert "task 1.1   1 of 2 passed  Running sums" in said


def test_an_exception_of_the_student_is_worded_as_in_the_grader(finished):
    edit(finished / "sums.py", "np.cumsum(x, axis=0)", "np.cumsum(x, axis=7)")
    _, said = run(finished)
    assert "`running_sums` raised AxisError: axis 7 is out of bounds" in said
    assert "(sums.py, line 13: `totals = np.cumsum(x, axis=7)`)" in said


def test_an_answer_that_could_not_cross_the_pipe_fails(finished):
    edit(finished / "sums.py", "return scale * totals.astype(np.float64)", "return {1, 2, 3}")
    assert "The answer of `sums` holds an object of type set" in run(finished)[1]


def test_code_that_changes_its_input_changes_a_copy(finished):
    edit(finished / "sums.py", "    totals = ", "    x += 1\n    totals = ")
    edit(
        finished / "test_public.py",
        "found = student.sums(x=np.ones(3), scale=1.0)",
        "x = np.zeros(3)\n    found = student.sums(x=x, scale=1.0)\n    assert not x.any(), 'x was changed'",
    )
    assert run(finished)[0] == 0


def test_the_students_own_tests_and_scripts_are_left_alone(finished):
    (finished / "test_mine.py").write_text("raise RuntimeError('collected')\n", encoding="utf-8")
    (finished / "train.py").write_text("raise RuntimeError('imported')\n", encoding="utf-8")
    assert run(finished)[0] == 0


def test_modules_are_fresh_in_each_test_and_files_land_in_a_scratch_folder(finished):
    edit(finished / "sums.py", "import numpy as np\n", "import numpy as np\n\ncalls = []\n")
    probe = """\
    calls.append(1)
    open("log.txt", "a").write("x")
    assert len(calls) == len(open("log.txt").read()) == 1
"""
    edit(finished / "sums.py", "    totals = ", probe + "    totals = ")
    edit(
        finished / "test_public.py",
        'first = student.keep(value=1)\n    student.restart()\n',
        'first = student.keep(value=1)\n    student.sums(x=np.ones(3), scale=1.0)\n    student.restart()\n'
        '    student.sums(x=np.ones(3), scale=1.0)\n',
    )  # fmt: skip
    code, said = run(finished)
    assert code == 0, said
    assert not (finished / "log.txt").exists()


def test_inputs_are_the_same_at_every_run(finished):
    edit(
        finished / "test_public.py",
        "    found = student",
        "    print('drawn', rng.random(), np.random.rand())\n    found = student",
    )
    drawn = [[line for line in run(finished, "-s")[1].splitlines() if "drawn" in line] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 1


def test_a_test_that_the_grader_would_stop_is_pointed_out(finished):
    edit(finished / "test_public.py", "limit_s=5", "limit_s=0.0")
    code, said = run(finished)
    assert code == 0
    assert "Ones add up to 1, 2, 3.: took 0 s; the grader would have stopped it after 0 s" in said


def test_ctrl_c_ends_the_run(finished):
    edit(finished / "sums.py", "    totals = ", "    raise KeyboardInterrupt\n    totals = ")
    done = start(finished)
    assert done.returncode == 2
    assert "KeyboardInterrupt" in done.stdout


def test_an_adapter_that_does_not_exist_is_named(finished):
    edit(finished / "test_public.py", "student.sums(x", "student.totals(x")
    assert "A name that the handout fixes is missing: module 'adapters' has no attribute 'totals'" in run(finished)[1]


@pytest.mark.parametrize(("task", "refused"), [("1.1", True), ("1.2", False)])
def test_a_package_is_forbidden_in_the_tasks_that_may_not_use_it(finished, task, refused):
    stamp = json.loads((finished / "handout.json").read_text(encoding="utf-8"))
    stamp["forbidden"] = {"1.1": [], task: ["colorsys"]}
    (finished / "handout.json").write_text(json.dumps(stamp), encoding="utf-8")
    edit(finished / "sums.py", "    totals = ", "    import colorsys\n    colorsys.rgb_to_hsv(0, 0, 0)\n    totals = ")
    assert ("`colorsys.rgb_to_hsv` is not allowed here" in run(finished)[1]) == refused


@pytest.mark.parametrize(
    ("name", "outcome"), [("", "2 skipped"), ("graduate", "2 passed"), ("graduate.txt", "2 passed")]
)
def test_a_task_that_a_file_switches_on_is_skipped_without_it(finished, name, outcome):
    stamp = json.loads((finished / "handout.json").read_text(encoding="utf-8"))
    stamp["switches"] = {"1.1": "graduate"}
    (finished / "handout.json").write_text(json.dumps(stamp), encoding="utf-8")
    if name:
        (finished / name).touch()
    code, said = run(finished, "-rs")
    assert code == 0
    assert outcome in said
    assert ("task 1.1 counts with an empty file graduate in this folder" in said) == (not name)
