"""The bundle: the same bytes each time, all that grading needs, nothing that students or others should not see."""

from __future__ import annotations

import io
import json
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from grader import catalog
from grader.assignment import PACKAGE_DIR, Assignment
from grader.errors import InvalidAssignment
from grader.gradescope.bundle import HARNESS_DIR, PROGRAMS, build_bundle, bundle_members, requirements
from grader.grading.fingerprint import suite_sha256
from grader.handout import leaks, stencil
from tests.gradescope.conftest import accepted

CONSTRAINTS = (HARNESS_DIR / "constraints.txt").read_bytes()
READY = [name for name in catalog.names() if (catalog.ROOT_DIR / "stencil" / name).is_dir()]


@pytest.fixture(scope="module", params=READY)
def assignment(request: pytest.FixtureRequest) -> Assignment:
    return catalog.load(request.param)


@pytest.fixture(scope="module")
def members(assignment: Assignment) -> dict[str, bytes]:
    return {name: member.data for name, member in bundle_members(assignment).items()}


def test_two_packagings_in_a_row_are_byte_identical(assignment: Assignment, tmp_path: Path):
    first = build_bundle(assignment, tmp_path / "a").read_bytes()
    assert build_bundle(assignment, tmp_path / "b").read_bytes() == first
    assert len(first) < 5e6


def test_what_gradescope_starts_lies_at_the_top_and_can_run(toy_bundle: Path):
    with zipfile.ZipFile(toy_bundle) as archive:
        for name in PROGRAMS:
            entry = archive.getinfo(name)
            assert stat.S_IMODE(entry.external_attr >> 16) == 0o755
            assert archive.read(name).startswith(b"#!/usr/bin/env bash\n")
            assert b"\r" not in archive.read(name)
        others = [entry for entry in archive.infolist() if entry.filename not in PROGRAMS]
        assert {stat.S_IMODE(entry.external_attr >> 16) for entry in others} == {0o644}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_valid_bash(name: str):
    assert subprocess.run(["bash", "-n", str(HARNESS_DIR / name)], check=False).returncode == 0


def test_no_other_assignment_is_in_it(assignment: Assignment, members: dict[str, bytes]):
    suites = {Path(name).parts[2] for name in members if name.startswith("grader/suites/")}
    stencils = {Path(name).parts[1] for name in members if name.startswith("stencil/")}
    assert suites == {assignment.name}
    assert stencils <= {assignment.name}


def test_no_solution_variant_or_rubric_is_in_it(assignment: Assignment, members: dict[str, bytes]):
    names = "\n".join(members)
    assert "solution/" not in names
    assert "variants" not in names
    assert "rubric" not in names
    # Grading's own code and tests may do what a solution does; what is shared with students must not.
    solution = stencil.text_files(stencil.read_tree(assignment.solution_dir))
    texts = {name: data.decode() for name, data in members.items() if name.startswith("stencil/")}
    assert leaks.find_secrets(texts, leaks.solution_secrets(solution)) == []


def test_the_suite_in_it_is_the_one_that_grades_here(assignment: Assignment, members: dict[str, bytes], tmp_path: Path):
    for name, data in members.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from grader import catalog; "
        "from grader.grading.fingerprint import suite_sha256; assignment = catalog.load(sys.argv[2]); "
        "print(catalog.__file__, suite_sha256(assignment.suite_dir))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), assignment.name], capture_output=True, text=True, check=True
    )
    place, digest = done.stdout.split()
    assert Path(place).is_relative_to(tmp_path)
    assert digest == suite_sha256(assignment.suite_dir) == json.loads(members["bundle.json"])["suite_sha256"]


def test_data_come_as_the_sample_alone(assignment: Assignment, members: dict[str, bytes]):
    data = {name for name in members if name.startswith("data/")}
    assert data == ({"data/mnist-mini.npz", "data/README.md", "data/SHA256SUMS"} if assignment.data else set())


def test_every_package_is_pinned_and_tensorflow_is_for_those_who_need_it(assignment: Assignment):
    lines = requirements(assignment, CONSTRAINTS)
    needs = any(line.startswith("tensorflow") for line in assignment.requirements)
    assert any(line.startswith("tensorflow") for line in lines) == needs
    assert all("tensorflow-cpu" in line for line in lines if line.startswith("tensorflow"))
    assert {"pytest", "numpy", "msgspec"} <= {re.split(r"[^\w-]", line)[0] for line in lines}


def test_a_numpy_assignment_installs_no_tensorflow(toy_bundle: Path):
    with zipfile.ZipFile(toy_bundle) as archive:
        lines = archive.read("requirements.txt").decode().split("\n")
    assert lines == ["msgspec", "numpy", "pytest", 'tomli; python_version < "3.11"', ""]


def test_a_package_without_a_pinned_version_is_named(toy: Assignment):
    with pytest.raises(InvalidAssignment, match=r"constraints\.txt pins no version of torch"):
        requirements(replace(toy, requirements=("numpy", "torch>=2")), CONSTRAINTS)


def test_every_pin_is_one_exact_version():
    lines = [line for line in CONSTRAINTS.decode().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in lines)
    assert lines == sorted(set(lines))


def test_no_conda_and_no_address_in_the_programs():
    texts = "".join((HARNESS_DIR / name).read_text() for name in (*PROGRAMS, "constraints.txt"))
    assert "conda" not in texts
    assert "://" not in texts


def test_a_missing_file_is_named(toy_suite: Assignment, toy_solution: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("grader.gradescope.bundle._CODE", ("__init__.py", "absent.py"))
    with pytest.raises(InvalidAssignment, match=re.escape(f"the bundle needs {PACKAGE_DIR / 'absent.py'}")):
        bundle_members(toy_suite, toy_solution)


def test_what_stands_there_before_the_grading_starts_is_accepted(toy_bundle: Path):
    with zipfile.ZipFile(io.BytesIO(toy_bundle.read_bytes())) as archive:
        table = accepted(archive.read("interrupted.json"))
    assert table["extra_data"]["verdict"] == "could_not_grade"
    assert "not your fault" in table["output"]


def test_files_that_python_just_writes_change_nothing(toy_suite: Assignment, toy_solution: Path, tmp_path: Path):
    folder = tmp_path / "toy"
    shutil.copytree(toy_suite.suite_dir, folder, ignore=shutil.ignore_patterns("__pycache__"))
    before = suite_sha256(folder)
    suite_sha256.cache_clear()
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "adapters.cpython-310.pyc.140234").write_bytes(b"half")
    assert suite_sha256(folder) == before
    members = bundle_members(catalog.read(folder / "assignment.toml"), toy_solution)
    assert not [name for name in members if "__pycache__" in name]
