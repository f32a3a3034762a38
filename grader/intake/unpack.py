"""A zip or a bare folder -> a clean tree of regular files."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from grader.errors import UnusableSubmission
from grader.intake.archive import inflate
from grader.intake.members import EXPECTED, PACK_AGAIN, Sieve, check_paths, clean_path, listed, reason, shown
from grader.intake.tree import Tree, chunks_of, megabytes
from grader.records import Note

MAX_ARCHIVE_BYTES = 2 << 30  # of a zip, with the virtual environments and data sets that are left out


@dataclass(frozen=True)
class Unpacked:
    """A clean copy of a hand-in.

    Attributes:
        root: The folder that holds it; regular files and folders alone.
        sha256: Of the zip's bytes; for a folder, of the sorted names and contents of what was kept.
        notes: What was left out, and whether a zip lay in the zip.
    """

    root: Path
    sha256: str
    notes: tuple[Note, ...]


def unpack(source: Path, into: Path) -> Unpacked:
    """Copies the regular files of a hand-in into an empty folder.

    Count, sizes and compression ratio are bounded while inflating. What is no part of the work (see `members`) is
    left out unread. A hand-in that is nothing but one zip is unpacked once more.

    Args:
        source: A zip or a folder.
        into: Made if it is not there; holds a part of the files if this raises.

    Raises:
        UnusableSubmission: It is neither, it is broken, or something in it is refused.
        OSError: `into` can't be written.
    """
    into.mkdir(parents=True, exist_ok=True)
    try:
        mode = source.stat().st_mode
    except (OSError, ValueError) as error:
        raise UnusableSubmission(f"'{shown(str(source))}' can't be read ({reason(error)}); {EXPECTED}") from error
    if stat.S_ISDIR(mode):
        sha256, texts = _copy_folder(source, into)
    elif stat.S_ISREG(mode):
        sha256, texts = _unpack_zip(source, into)
    else:
        raise UnusableSubmission(f"'{shown(source.name)}' is neither a file nor a folder; {EXPECTED}")
    texts += _unpack_inner(into)
    return Unpacked(into, sha256, tuple(Note(text=text) for text in texts))


def _unpack_zip(source: Path, into: Path) -> tuple[str, list[str]]:
    with _open_regular(source.name, source) as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise UnusableSubmission(
                f"'{shown(source.name)}' is empty (0 bytes); the upload may have failed; {EXPECTED}"
            )
        if size > MAX_ARCHIVE_BYTES:
            raise UnusableSubmission(
                f"'{shown(source.name)}' has {megabytes(size)}; at most {megabytes(MAX_ARCHIVE_BYTES)} are read; "
                f"{PACK_AGAIN}"
            )
        digest = hashlib.sha256()
        for chunk in chunks_of(file.read):
            digest.update(chunk)
        file.seek(0)
        return digest.hexdigest(), inflate(file, source.name, Tree(into)).notes()


def _unpack_inner(into: Path) -> list[str]:
    """If all that came is one zip, puts its content in its place."""
    inner = _only_zip(into)
    if inner is None:
        return []
    with inner.open("rb") as file:
        inner.unlink()  # it stays open; its content may hold a file of its name
        sieve = inflate(file, inner.name, Tree(into))
    if _only_zip(into):
        raise UnusableSubmission(f"'{shown(inner.name)}' is a zip in a zip that holds another zip; {PACK_AGAIN}")
    return [f"the hand-in is nothing but '{shown(inner.name)}', so that zip was unpacked", *sieve.notes()]


def _only_zip(folder: Path) -> Path | None:
    found = [place for _, place, _ in _walk(folder)]
    return found[0] if len(found) == 1 and found[0].suffix.casefold() == ".zip" else None


def _copy_folder(source: Path, into: Path) -> tuple[str, list[str]]:
    """Copies the work out of a folder, following no links; returns its hash and what was left out."""
    found = list(_walk(source))
    sieve = Sieve(path for path, _, _ in found)
    kept = sorted((path, place, is_file) for path, place, is_file in found if sieve.keeps(path))
    others = [path for path, _, is_file in kept if not is_file]
    files = [(path, place) for path, place, is_file in kept if is_file]
    check_paths([path for path, _ in files], sieve)
    tree, digest = Tree(into), hashlib.sha256()
    for path, place in files:
        with _open_regular(path, place) as file:
            digest.update(f"{path}\0{tree.add(path, chunks_of(file.read))}\n".encode())
    texts = sieve.notes()
    if others:
        texts.append(f"left out what is no regular file (links are not followed): {listed(others)}")
    return digest.hexdigest(), texts


def _walk(source: Path) -> Iterator[tuple[str, Path, bool]]:
    """Yields of all but folders: path in the hand-in, place on disk, whether it is a regular file."""
    waiting = [(source, "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    path = clean_path(prefix + entry.name)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((Path(entry.path), f"{path}/"))
                    else:
                        yield path, Path(entry.path), entry.is_file(follow_symlinks=False)
        except OSError as error:
            where = shown(prefix or source.name)
            raise UnusableSubmission(f"the folder '{where}' can't be read ({reason(error)})") from error


def _open_regular(path: str, place: Path) -> BinaryIO:
    """Opens a file for reading; never waits, even if it has become a pipe since it was listed."""
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise UnusableSubmission(f"'{shown(path)}' can't be read ({reason(error)})") from error
    return open(descriptor, "rb")  # noqa: PTH123 - a descriptor, closed by the caller
