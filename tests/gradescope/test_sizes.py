"""Control groups of both versions, on a folder that looks like them."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import PreviewUnavailable
from grader.gradescope import sizes
from grader.gradescope.sizes import SIZES, ControlGroup

ONE = SIZES[1]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Says which groups are mounted where, and which this process is in."""

    def describe(mounts: list[str], own: list[str]) -> None:
        (tmp_path / "mounts").write_text("".join(f"{line}\n" for line in mounts))
        (tmp_path / "own").write_text("".join(f"{line}\n" for line in own))
        monkeypatch.setattr(sizes, "_MOUNTS", tmp_path / "mounts")
        monkeypatch.setattr(sizes, "_OWN_GROUPS", tmp_path / "own")

    return describe


@pytest.fixture
def version_2(tmp_path: Path, machine) -> Path:
    root = tmp_path / "cgroup"
    (root / "user" / "session").mkdir(parents=True)
    (root / "cgroup.subtree_control").write_text("cpu memory pids\n")
    machine([f"cgroup2 {root} cgroup2 rw 0 0"], ["0::/user/session"])
    return root


def test_version_2_gets_its_limits_as_near_as_it_lets_us(version_2: Path):
    # /user and /user/session have no cgroup.subtree_control that could be read: the root has.
    with ControlGroup(ONE) as group:
        folder = group.folders["memory"]
        assert folder.parent == version_2
        assert (folder / "memory.max").read_text() == str(3 << 29)
        assert (folder / "memory.swap.max").read_text() == "0"
        assert (folder / "cpu.max").read_text() == "100000 100000"
        assert group.entrances == [str(folder / "cgroup.procs")]
        for name in ("memory.max", "memory.swap.max", "cpu.max"):
            (folder / name).unlink()
    assert not folder.exists()


def test_version_2_is_measured_without_pages_of_files(version_2: Path):
    with ControlGroup(None) as group:
        folder = group.folders["memory"]
        (folder / "memory.stat").write_text(
            "anon 100\nfile 5000\nfile_mapped 30\nkernel 10\nshmem 3\nslab_reclaimable 4\n"
        )
        (folder / "memory.events").write_text("low 0\noom 2\noom_kill 1\n")
        (folder / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
        use = group.use()
        (folder / "memory.stat").write_text("anon 1\n")  # a peak stays one
        assert group.use().peak_bytes == use.peak_bytes
        for name in ("memory.stat", "memory.events", "cpu.stat"):
            (folder / name).unlink()
    assert (use.peak_bytes, use.cpu_s, use.kills) == (139, 2.5, 1)


def test_version_1_is_used_where_its_controllers_are_mounted(tmp_path: Path, machine):
    for name in ("memory/own", "cpu"):
        (tmp_path / name).mkdir(parents=True)
    machine(
        [
            f"cgroup {tmp_path}/memory cgroup rw,memory 0 0",
            f"cgroup {tmp_path}/cpu cgroup rw,cpu,cpuacct 0 0",
            f"cgroup2 {tmp_path}/unified cgroup2 rw 0 0",
        ],
        ["4:memory:/own", "3:cpu,cpuacct:/", "0::/"],
    )
    with ControlGroup(ONE) as group:
        memory, cpu = group.folders["memory"], group.folders["cpu"]
        assert memory.parent == tmp_path / "memory/own"
        assert cpu == group.folders["cpuacct"]
        assert (memory / "memory.limit_in_bytes").read_text() == str(3 << 29)
        assert (cpu / "cpu.cfs_quota_us").read_text() == "100000"
        (memory / "memory.stat").write_text("cache 900\nrss 1\ntotal_mapped_file 300\ntotal_rss 70\ntotal_shmem 7\n")
        (memory / "memory.kmem.usage_in_bytes").write_text("5\n")
        (memory / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
        (cpu / "cpuacct.usage").write_text("1500000000\n")
        use = group.use()
        for file in (*memory.iterdir(), *cpu.iterdir()):
            file.unlink()
    assert (use.peak_bytes, use.cpu_s, use.kills) == (382, 1.5, 2)
    assert not memory.exists()


def test_a_machine_without_groups_says_so(machine):
    machine(["proc /proc proc rw 0 0"], ["0::/"])
    with pytest.raises(PreviewUnavailable, match="no control groups are mounted here"):
        ControlGroup(ONE)


def test_groups_that_cannot_be_made_say_where(tmp_path: Path, machine):
    machine([f"cgroup2 {tmp_path}/absent cgroup2 rw 0 0"], ["0::/"])
    with pytest.raises(PreviewUnavailable, match="no control group can be made here"):
        ControlGroup(ONE)
