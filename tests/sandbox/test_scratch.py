"""The private folder: watched while it is written, deleted whatever is in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.errors import StudentRaised, WorkerDied
from grader.sandbox import scratch
from grader.sandbox.box import JailedBox, WorkerSpec

Submission = Callable[..., WorkerSpec]
Call = Callable[..., Any]


@pytest.mark.parametrize(
    "filling",
    [
        "for i in range(10**6): open(f'{i}', 'wb').write(bytes(1 << 20))",
        "for i in range(10**6): os.mkdir(f'{i}'); open(f'{i}/x', 'wb').write(bytes(1 << 18))",
        "for i in range(10**6): open(f'{i}', 'wb').close()",
        "for i in range(10**6): os.mkdir('deep'); os.chdir('deep')",
    ],
    ids=["files", "folders", "empty files", "depth"],
)
def test_a_worker_that_fills_its_folder_is_stopped(
    box: JailedBox, submission: Submission, call: Call, filling: str
) -> None:
    spec = replace(submission(f"import os, time\ndef f():\n    {filling}\n"), scratch=True)
    with box.start(spec) as worker, pytest.raises(WorkerDied, match=r"than its folder may hold \(4 MB\)"):
        call(worker)
    assert worker.scratch is not None
    assert not worker.scratch.exists()


def test_one_file_above_the_cap_is_refused_by_the_system(box: JailedBox, submission: Submission, call: Call) -> None:
    source = "def f():\n    with open('x', 'wb') as file:\n        file.truncate(1 << 30)\n"
    with box.start(replace(submission(source), scratch=True)) as worker, pytest.raises(StudentRaised, match="Errno 27"):
        call(worker)


def test_a_numpy_worker_without_a_folder_can_write_nowhere(box: JailedBox, submission: Submission, call: Call) -> None:
    with box.start(submission("def f():\n    open('x', 'w')\n")) as worker:
        assert worker.scratch is None
        with pytest.raises(StudentRaised, match="Permission denied"):
            call(worker)


def test_size_counts_disk_space_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").write_bytes(bytes(100_000))
    (tmp_path / "link").symlink_to("/usr")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    used = scratch.used_bytes(tmp_path)
    assert used is not None
    assert 100_000 <= used < 200_000


def test_a_folder_beyond_sense_has_no_size(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(70):
        folder = folder / "d"
    folder.mkdir(parents=True)
    assert scratch.used_bytes(tmp_path) is None


def test_a_folder_is_removed_however_deep_and_locked(tmp_path: Path) -> None:
    top = tmp_path / "scratch"
    top.mkdir()
    home = os.open(".", os.O_RDONLY)
    try:
        os.chdir(top)
        for _ in range(3_000):  # deeper than a path may be long
            Path("d").mkdir()
            os.chdir("d")
            Path("file").touch()
    finally:
        os.fchdir(home)
        os.close(home)
    (top / "locked").mkdir()
    (top / "locked" / "inner").mkdir()
    (top / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    (top / "locked" / "inner").chmod(0)
    (top / "locked").chmod(0)
    scratch.remove(top)
    assert not top.exists()
    assert (tmp_path / "kept").exists()
    assert stat.S_IMODE(tmp_path.stat().st_mode) != 0
    scratch.remove(top)
