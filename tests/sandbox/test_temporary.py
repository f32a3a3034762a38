"""Folders for temporary files outlive no grader but the one that was killed, and that one not for long."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grader.sandbox import temporary
from grader.sandbox.temporary import TemporaryFolder, sweep

HOLD = """
import sys
from grader.sandbox.temporary import TemporaryFolder
print(TemporaryFolder("grading-").path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go, here and in what is started from here."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def killed(place: Path) -> Path:
    """The folder of a process that was killed while it held it."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    (folder / "scratch").mkdir()
    assert sweep() == []  # its owner lives
    process.kill()
    process.communicate()
    return folder


def test_a_folder_is_deleted_with_what_is_in_it(place: Path) -> None:
    folder = TemporaryFolder("grader-zygote-")
    (folder.path / "locked").mkdir(mode=0)
    folder.remove()
    folder.remove()
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_is_deleted(place: Path, killed: Path) -> None:
    assert sweep() == [killed]
    assert list(place.iterdir()) == []


def test_the_first_folder_of_a_process_deletes_what_others_left(place: Path, killed: Path) -> None:
    temporary._sweep_once.cache_clear()
    folder = TemporaryFolder("grading-")
    assert list(place.iterdir()) == [folder.path]
    folder.remove()


def test_foreign_files_are_left_alone(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / ".owner").touch()
    (place / "grading-link").symlink_to(other)
    (place / "grading-file").touch()
    (place / "grading-new").mkdir()  # its owner has not locked it yet
    (place / "something").mkdir()
    (place / "something" / ".owner").touch()
    assert sweep() == []
    assert (other / ".owner").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="changes an owner, as root alone may")
def test_a_folder_of_another_user_is_left_alone(place: Path, killed: Path) -> None:
    os.chown(killed, 12345, 12345)
    assert sweep() == []


def test_an_unknown_prefix_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of grading-"):
        TemporaryFolder("x-")
