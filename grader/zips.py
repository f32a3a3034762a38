"""Zips of which the same input gives the same bytes, on any machine."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
_FILE, _PROGRAM = 0o100644, 0o100755


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a zip. `is_program` sets the run bit."""

    data: bytes
    is_program: bool = False


def zip_bytes(members: Mapping[str, Member]) -> bytes:
    """The bytes of a zip with these members, sorted by path."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, member in sorted(members.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, wherever it is built
            entry.external_attr = (_PROGRAM if member.is_program else _FILE) << 16
            entry.compress_type = zipfile.ZIP_STORED  # the bytes of deflate depend on the zlib
            archive.writestr(entry, member.data)
    return buffer.getvalue()
