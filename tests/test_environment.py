"""The record of what a grading ran on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from grader import environment
from grader.environment import cpu_model, package_version, python_environment, usable_cores


def test_versions_and_machine_are_recorded():
    record = python_environment()
    assert record.python == platform.python_version()
    assert record.packages["numpy"] == np.__version__
    assert {"keras", "pytest"} <= set(record.packages)
    assert record.cores == len(usable_cores()) >= 1
    assert record.cpu


def test_no_heavy_package_is_imported_for_it():
    code = "import sys; from grader.environment import python_environment as e; e(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "numpy", "matplotlib"} & set(done.stdout.split())


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process to a core")
def test_cores_are_those_that_this_process_may_use():
    core = usable_cores()[-1]
    code = (
        f"import os; os.sched_setaffinity(0, {{{core}}}); from grader.environment import usable_cores as u; print(u())"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"({core},)"


def test_without_affinity_every_core_counts(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert usable_cores() == tuple(range(os.cpu_count() or 1))


def test_a_package_that_is_absent_has_no_version():
    assert package_version("no-such-distribution") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nmodel name\t: Fast CPU: 3 GHz\nmodel name\t: other\n", "Fast CPU: 3 GHz"),
        ("processor\t: 0\nBogoMIPS\t: 50\n", platform.processor() or platform.machine()),
        (None, platform.processor() or platform.machine()),
    ],
)
def test_the_processors_name_or_its_architecture(text, expected, tmp_path: Path, monkeypatch):
    place = tmp_path / "cpuinfo"
    if text is not None:
        place.write_text(text)
    monkeypatch.setattr(environment, "_CPUINFO", place)
    assert cpu_model() == expected
