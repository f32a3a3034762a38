"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import os
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
