"""The private folder of a worker: measured while the worker writes, removed whatever the worker left in it."""

from __future__ import annotations

import contextlib
import os
import stat
import uuid
from pathlib import Path

_MOST_ENTRIES = 5_000
_MOST_DEPTH = 64
_BLOCK_BYTES = 512  # unit of st_blocks


def used_bytes(folder: Path) -> int | None:
    """Disk space that the folder takes.

    A file that was deleted while open is not seen; the limits on file size and open files bound it.

    Returns:
        Bytes; None where it holds more entries or deeper folders than anything sensible.
    """
    total = entries = 0
    pending = [(str(folder), 0)]
    while pending:
        path, depth = pending.pop()
        if depth > _MOST_DEPTH:
            return None
        try:
            with os.scandir(path) as found:
                for entry in found:
                    entries += 1
                    if entries > _MOST_ENTRIES:
                        return None
                    with contextlib.suppress(OSError):  # gone meanwhile
                        status = entry.stat(follow_symlinks=False)
                        total += status.st_blocks * _BLOCK_BYTES
                        if stat.S_ISDIR(status.st_mode):
                            pending.append((entry.path, depth + 1))
        except OSError:
            continue
    return total


def remove(folder: Path) -> None:
    """Deletes the folder with all that is in it, however deep or locked; call it when the worker has ended.

    Raises:
        OSError: It can't be deleted.
    """
    if not folder.exists():
        return
    while True:
        files, folders = _content(folder)
        for path in files:
            path.unlink()
        if not folders:
            break
        for path in folders:
            _lift(path, folder)
    folder.rmdir()


def _lift(folder: Path, top: Path) -> None:
    """Deletes one folder; those in it move up to `top` first, so that no path grows and nothing recurses."""
    files, folders = _content(folder)
    for path in files:
        path.unlink()
    for path in folders:
        path.chmod(stat.S_IRWXU)
        path.rename(top / uuid.uuid4().hex)
    folder.rmdir()


def _content(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files (links included) and folders in a folder, which is made accessible first."""
    folder.chmod(stat.S_IRWXU)
    with os.scandir(folder) as found:
        entries = [(Path(entry.path), entry.is_dir(follow_symlinks=False)) for entry in found]
    return [path for path, is_folder in entries if not is_folder], [path for path, is_folder in entries if is_folder]
