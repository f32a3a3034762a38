"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Replaces a file at once: the old one stays whole until the new one is on the disk.

    Raises:
        OSError: The disk is full or the folder can't be written; the old file is as it was.
    """
    place = path.resolve()  # what a link points to, perhaps on another disk
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:  # with the mode that any other new file gets
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_leftovers(path: Path) -> None:
    """Deletes what a killed process left when it was about to replace a file. Call it while nobody replaces it."""
    place = path.resolve()
    leftover = re.compile(rf"\.{re.escape(place.name)}\.[0-9a-f]{{8}}")
    for found in place.parent.iterdir():
        if leftover.fullmatch(found.name) and found.is_file():
            found.unlink(missing_ok=True)
