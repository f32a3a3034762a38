"""What breaks on our side costs no student a point, leaves a whole result, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from grader import catalog
from grader.errors import SandboxFailed
from grader.grading import judge, run
from grader.grading.run import Grader
from grader.sandbox.temporary import remove_tree

from .conftest import RIGHT, TOY, ToyGrading
from .test_run import case, statuses


@pytest.fixture
def suite(tmp_path: Path):
    """A copy of the toy's suite, with changes: `suite(name=(old, new))`."""

    def change(**changes: tuple[str, str]) -> catalog.Assignment:
        folder = tmp_path / "suite"
        shutil.copytree(TOY, folder, ignore=shutil.ignore_patterns("__pycache__"))
        for name, (old, new) in changes.items():
            path = next(folder.glob(f"{name}.*"))
            text = path.read_text()
            assert text.count(old) == 1
            path.write_text(text.replace(old, new))
        return catalog.read(folder / "assignment.toml")

    return change


@pytest.fixture
def grade_with(tmp_path: Path):
    def grade(assignment: catalog.Assignment, source: str = RIGHT, **options):
        with Grader(assignment) as grader:
            return ToyGrading(grader, tmp_path / "hand-in")(source, **options)

    return grade


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """Where this process and those that it starts make their temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def open_descriptors() -> set[str]:
    folder = Path("/proc/self/fd")
    return {str(path.readlink()) for path in folder.iterdir() if path.exists()} if folder.is_dir() else set()


def test_what_waits_for_a_task_that_could_not_be_checked_is_not_charged(suite, grade_with):
    toy = suite(test_public=("    got = student.halve(x=4)", "    got = student.halve(x=no_such_name)"))
    result = grade_with(toy)
    assert statuses(result)["test_halve"] == "could_not_check"
    assert statuses(result)["test_both"] == "passed"
    assert result.headline == "1 test could not be checked; that is not your fault."


def test_a_static_check_behind_what_could_not_be_checked_is_not_charged(suite, grade_with):
    toy = suite(test_public=('points=1, behind="1.1"', 'points=1, behind="1.2"'))
    path = toy.suite_dir / "test_public.py"
    path.write_text(path.read_text().replace("student.halve(x=4)", "student.halve(x=no_such_name)"))
    documented = case(grade_with(toy), "test_documented")
    assert documented.status == "could_not_check"
    assert "task 1.2, which could not be checked" in documented.detail


def test_a_judge_that_dies_leaves_what_ended_and_charges_nothing_else(suite, grade_with):
    toy = suite(test_public=("    got = student.halve(x=4)", "    import os; os.abort()"))
    result = grade_with(toy)
    assert result.verdict == "could_not_grade"
    assert "the judge ended with code -6" in result.headline
    assert statuses(result)["test_double_of_two"] == "passed"
    assert statuses(result)["test_halve"] == statuses(result)["test_both"] == "could_not_check"


def test_a_judge_that_dies_while_it_writes_is_no_traceback(suite, grade_with):
    code = "import json, os; job = json.load(open('job.json')); os.write(job['events_fd'], b'{'); os.abort()"
    result = grade_with(suite(test_public=("    got = student.halve(x=4)", f"    {code}")))
    assert result.verdict == "could_not_grade"
    assert result.headline == "the judge ended with code -6"


def test_a_hidden_test_that_hangs_ends_the_grading_all_the_same(suite, grade_with, monkeypatch):
    monkeypatch.setattr(run, "_JUDGE_SLACK_S", -64.0)  # of 60 s and a training of 10 s
    result = grade_with(suite(test_public=("    got = student.halve(x=4)", "    while True: pass")))
    assert result.verdict == "could_not_grade"
    assert "the judge did not end within 6 s" in result.headline
    assert statuses(result)["test_double_of_two"] == "passed"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"test_public": ("import numpy as np\n", "import no_such_module\n")},
            "test_public.py can't be collected: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        ({"test_public": ("points=3, hint", "points=2, hint")}, "add up to 3 points; assignment.toml says 4"),
        ({"adapters": ("def train(", "def teach(")}, "adapters.py has no such function"),
    ],
)
def test_a_suite_that_contradicts_itself_is_named(suite, grade_with, changes, words):
    result = grade_with(suite(**changes))
    assert result.verdict == "could_not_grade"
    assert words in result.headline


def test_a_zygote_that_dies_costs_one_submission_alone(toy, tmp_path, temporary):
    with Grader(toy) as grader:
        grade = ToyGrading(grader, tmp_path / "hand-in")

        class Killer(run.Silent):
            def finished(self, case):
                if "test_double_of_two" in case.id:
                    os.kill(grader.zygotes["numpy"]._process.pid, signal.SIGKILL)

        result = grade(RIGHT, watcher=Killer())
        assert statuses(result)["test_double_of_two"] == "passed"
        assert set(statuses(result).values()) <= {"passed", "could_not_check", "awaiting_review"}
        assert "could_not_check" in statuses(result).values()
        assert "not your fault" in result.headline
        assert grade(RIGHT).score == 12.0
    assert list(temporary.iterdir()) == []


def test_a_zygote_that_never_starts_says_why(toy, tmp_path, monkeypatch):
    with Grader(toy) as grader:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        (tmp_path / "python").write_text("#!/bin/sh\necho 'ImportError: no such library' >&2\nexit 1\n")
        (tmp_path / "python").chmod(0o755)
        os.kill(grader.zygotes["numpy"]._process.pid, signal.SIGKILL)
        grader._broken.add("numpy")
        result = ToyGrading(grader, tmp_path / "hand-in")(RIGHT)
        assert result.verdict == "could_not_grade"
        assert "ImportError: no such library" in result.headline


def test_a_judge_that_cannot_start_leaks_no_descriptor(toy, tmp_path, monkeypatch):
    with Grader(toy) as grader:
        grade = ToyGrading(grader, tmp_path / "hand-in")
        grade(RIGHT, trains=False)
        before = open_descriptors()
        monkeypatch.setattr(judge, "sys", SimpleNamespace(executable=str(tmp_path / "nowhere")))
        result = grade(RIGHT)
        assert result.verdict == "could_not_grade"
        assert "No such file" in result.headline
        assert open_descriptors() == before


def test_an_error_of_the_judge_ends_its_events(tmp_path, toy):
    with Grader(toy) as grader:
        job = run.Job(
            suite_dir=str(tmp_path / "nowhere"),
            submission_dir=str(tmp_path),
            control_fds={"numpy": grader.zygotes["numpy"].control_fd},
            insecure=False,
            seed=0,
            cores=(0,),
        )
        process = judge.JudgeProcess(job, tmp_path, 60.0)
        try:
            with pytest.raises(SandboxFailed, match=r"^the judge ended with code 4$") as caught:
                list(process.events())
            assert "nowhere" in caught.value.detail
        finally:
            process.close()


def test_a_callers_error_ends_every_process_and_deletes_every_file(toy, tmp_path, temporary):
    def fail(result: object) -> None:
        if getattr(result, "cases", ()):
            raise KeyboardInterrupt

    with Grader(toy) as grader:
        with pytest.raises(KeyboardInterrupt):
            ToyGrading(grader, tmp_path / "hand-in")(RIGHT, on_update=fail)
        (left,) = temporary.iterdir()
        assert left.name.startswith("grader-zygote-")
    assert list(temporary.iterdir()) == []


def test_locked_folders_of_a_worker_are_deleted(tmp_path):
    inner = tmp_path / "run" / "scratch-1" / "locked" / "deep"
    inner.mkdir(parents=True)
    (inner / "file").write_text("")
    (tmp_path / "run" / "link").symlink_to(tmp_path)
    inner.parent.chmod(0)
    remove_tree(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_sigterm_leaves_a_whole_result_and_nothing_else(tmp_path, temporary):
    (tmp_path / "hand-in").mkdir()
    (tmp_path / "hand-in" / "numbers_.py").write_text("import time\ntime.sleep(30)\n" + RIGHT)
    (tmp_path / "hand-in" / "questions.md").write_text("")
    code = f"""
    import sys
    from pathlib import Path
    from grader import catalog, cli
    toy = catalog.read(Path({str(TOY / "assignment.toml")!r}))
    catalog.load = lambda name: toy
    sys.argv[1:] = ["grade", "hand-in", "-a", "toy", "--json", "r.json"]
    cli.main()
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not any(path.name.startswith("grading-") for path in temporary.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 1
    assert b"interrupted" in (tmp_path / "r.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hand-in", "r.json", "temporary"]
    assert list(temporary.iterdir()) == []
