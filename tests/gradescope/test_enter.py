"""What a container's root is refused, where a preview can't show it by trying."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from grader.gradescope import enter
from grader.sandbox import seccomp


def test_a_machine_without_a_filter_says_so():
    with pytest.raises(OSError, match="no system-call filter for riscv64"):
        seccomp.build_container("riscv64")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_whole_instructions_and_short_enough(machine: str):
    program = seccomp.build_container(machine)
    assert len(program) % 8 == 0
    assert len(program) // 8 <= 4096


def test_docker_leaves_no_power_over_mounts_or_processes_to_root():
    sys_admin, sys_ptrace, sys_module, net_admin = 21, 19, 16, 12
    assert not {sys_admin, sys_ptrace, sys_module, net_admin} & set(enter.DOCKER_CAPABILITIES)


def test_what_cannot_be_entered_is_told_by_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    spec = {"root": str(tmp_path), "binds": [], "groups": [str(tmp_path / "absent" / "cgroup.procs")]}
    place = tmp_path / "spec.json"
    place.write_text(json.dumps({**spec, "command": ["/bin/true"], "environment": {}, "folder": "/"}))
    assert enter.main(str(place)) == enter.FAILED
    assert "absent" in capsys.readouterr().err
    assert os.getcwd() != "/"  # noqa: PTH109 - this process is where it was
