"""The clean copy of a hand-in while it is written: nothing larger than the limits reaches the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from grader.errors import UnusableSubmission
from grader.intake.members import shown

MAX_FILE_BYTES = 64 << 20
MAX_TOTAL_BYTES = 256 << 20
CHUNK_BYTES = 1 << 16


class Tree:
    """Writes files below one folder.

    Args:
        root: Is there, and empty.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._total_bytes = 0

    def add(self, path: str, chunks: Iterable[bytes]) -> str:
        """Writes one file and returns the SHA-256 of its content.

        Args:
            path: Checked by `members.check_paths`.

        Raises:
            UnusableSubmission: The file, or all of them together, are too large; or `chunks` raises it.
            OSError: The disk is full, or the like: not the submission's fault.
        """
        place = self._root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with place.open("xb") as file:
            for chunk in chunks:
                size += len(chunk)
                self._total_bytes += len(chunk)
                if size > MAX_FILE_BYTES:
                    raise UnusableSubmission(
                        f"'{shown(path)}' is larger than {megabytes(MAX_FILE_BYTES)}; hand in without it"
                    )
                if self._total_bytes > MAX_TOTAL_BYTES:
                    raise UnusableSubmission(
                        f"its files have more than {megabytes(MAX_TOTAL_BYTES)}; hand in the files of the handout alone"
                    )
                digest.update(chunk)
                file.write(chunk)
        return digest.hexdigest()


def chunks_of(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yields what `read` returns until it is empty."""
    while chunk := read(CHUNK_BYTES):
        yield chunk


def megabytes(size_bytes: int) -> str:
    return f"{size_bytes >> 20:,} MB"
