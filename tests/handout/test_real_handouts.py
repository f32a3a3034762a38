"""Every assignment of this kit, as a student meets it: the stencil imports, the tests run, the solution passes them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from grader import catalog
from grader.handout import release


@pytest.fixture(scope="module", params=catalog.names())
def assignment(request):
    return catalog.load(request.param)


@pytest.fixture
def home(assignment, tmp_path):
    """The unpacked handout."""
    with zipfile.ZipFile(release.build_handout(assignment, tmp_path)) as archive:
        archive.extractall(tmp_path)
    return tmp_path / assignment.name


def run(home, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-B", *arguments],
        capture_output=True,
        text=True,
        cwd=home,
        env={**environment, "COLUMNS": "200", "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=False,
    )


def test_every_module_of_the_stencil_imports(assignment, home):
    done = run(home, "-c", "import " + ", ".join(assignment.modules))
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_in_a_blank_handout_every_public_test_names_an_open_task(assignment, home):
    done = run(home, "-m", "pytest")
    assert done.returncode == 1
    failures = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert failures
    assert all(re.search(r" - (task \S+: )?Task \S+ is still open", line) for line in failures), failures
    assert " passed" not in done.stdout.splitlines()[-1]
    assert " warning" not in done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_the_solution_passes_the_public_tests_and_leaves_nothing_open(assignment, home):
    shutil.copytree(
        assignment.solution_dir, home, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "runs")
    )
    done = run(home, "-m", "pytest")
    assert done.returncode == 0, done.stdout
    assert " warning" not in done.stdout.splitlines()[-1]
    packed = run(home, "submit.py").stdout
    assert "Before you hand in" not in packed
    assert "LOOK AT THIS FIRST" not in packed


def test_programs_of_the_shell_can_be_run_once_unpacked(assignment, tmp_path):
    with zipfile.ZipFile(release.build_handout(assignment, tmp_path)) as archive:
        programs = {entry.filename for entry in archive.infolist() if entry.external_attr >> 16 & 0o111}
    assert programs == ({f"{assignment.name}/download.sh"} if assignment.data else set())
