"""Folders for temporary files that say whose they are, so that what a killed grader left is deleted by the next one.

Each holds a file that its owner keeps locked; the kernel unlocks it when the owner ends, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from functools import cache
from pathlib import Path

from grader.sandbox import scratch
from grader.sandbox.jail import SPARE_ID

PREFIXES = ("grading-", "grader-zygote-", "grader-self-test-", "grader-probe-")
_LOCK = ".owner"


class TemporaryFolder:
    """A folder of this process, in the folder for temporary files.

    Making the first one also deletes those of graders that are gone.

    Args:
        prefix: One of `PREFIXES`.

    Attributes:
        path: The folder; it holds a locked file.

    Raises:
        OSError: It can't be made.
    """

    def __init__(self, prefix: str) -> None:
        if prefix not in PREFIXES:
            raise ValueError(f"prefix is {prefix!r}; expected one of {', '.join(PREFIXES)}")
        _sweep_once()
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=prefix))
            self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # somebody who sweeps has just taken it for an orphan
                os.close(self._lock)
                continue
            return

    def remove(self) -> None:
        """Deletes it, whatever a worker left in it; twice is fine. What can't be deleted stays."""
        remove_tree(self.path)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def sweep() -> list[Path]:
    """Deletes the folders whose owners are gone, and returns them. Folders of other users are left alone."""
    found = []
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        names = [entry.path for entry in entries if entry.name.startswith(PREFIXES)]
        found = [path for path in map(Path, names) if _is_orphan(path)]
    for path in found:
        remove_tree(path)
    return found


def remove_tree(folder: Path) -> None:
    """Deletes a folder, whatever a worker left in it. What can't be deleted stays: a result is worth more."""
    with contextlib.suppress(OSError):
        scratch.remove(folder)
    shutil.rmtree(folder, ignore_errors=True)


@cache
def _sweep_once() -> None:
    sweep()


def _is_orphan(folder: Path) -> bool:
    try:
        found = folder.lstat()
        # Root gives one to the spare uid that starts bubblewrap.
        owners = (0, SPARE_ID) if os.geteuid() == 0 else (os.geteuid(),)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
            return False
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:  # gone, or no lock in it yet
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
