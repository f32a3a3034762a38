"""Inflates the work out of a zip, whatever the zip claims about itself."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from grader.errors import UnusableSubmission
from grader.intake.members import EXPECTED, PACK_AGAIN, Sieve, check_paths, clean_path, reason, shown
from grader.intake.tree import CHUNK_BYTES, Tree

MAX_DIRECTORY_BYTES = 16 << 20  # of the table of contents, which is read as a whole; 40,000 files of a venv need 9 MB
MAX_ENTRIES = 100_000  # in that table: each costs the reader ten times its own size
MAX_RATIO = 200  # of inflated to packed bytes
RATIO_FREE_BYTES = 1 << 20  # what a file may have at any ratio: short files of zeros are harmless

_ENTRY, _ENTRY_BYTES = b"PK\1\2", 46  # of the table of contents: how each begins, and its least size
_ENCRYPTED = 0x1
_UTF8_NAME = 0x800
# Deflate is what every system's own zip writes. zipfile inflates the others without a bound on what comes at once.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_METHOD_NAMES = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 98: "PPMd"}
# What zipfile raises on bytes that are no sound zip; ValueError includes undecodable names.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, OverflowError, IndexError, NotImplementedError, RuntimeError),
)
_KINDS = (
    (b"rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"bzh", "a bzip2 file"),
    (b"\xfd7zxz", "an xz file"),
    (b"%pdf", "a PDF"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
)


def inflate(file: BinaryIO, name: str, tree: Tree) -> Sieve:
    """Inflates the work out of an open zip.

    Args:
        file: At its start.
        name: Of the zip, for messages.

    Returns:
        What was left out.

    Raises:
        UnusableSubmission: It is no zip or a broken one, or something in it is refused.
    """
    metered = _Metered(file)
    try:
        archive = zipfile.ZipFile(metered)
        members = [(_name(member), member) for member in archive.infolist() if not _is_folder(member)]
    except _BROKEN as error:
        raise UnusableSubmission(_not_a_zip(file, name, error)) from error
    found = [(clean_path(name), member) for name, member in members]
    sieve = Sieve(path for path, _ in found)
    kept = [(path, member) for path, member in found if sieve.keeps(path)]
    check_paths([path for path, _ in kept], sieve)
    for path, member in kept:
        _check(path, member)
    for path, member in kept:
        tree.add(path, _chunks(archive, metered, path, member))
    return sieve


class _Metered:
    """The file for zipfile: counts what is read of it, and refuses a huge table of contents before it is parsed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read_bytes = 0
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1, /) -> bytes:
        if size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its table of contents is too large")
        data = self._file.read(size)
        if len(data) > _ENTRY_BYTES * MAX_ENTRIES and data.count(_ENTRY) > MAX_ENTRIES:
            raise zipfile.BadZipFile("its table of contents is too long")
        self.read_bytes += len(data)
        return data


def _chunks(archive: zipfile.ZipFile, metered: _Metered, path: str, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yields a member's content as it inflates; the ratio is to the bytes that were read, not to what a header says."""
    before, size = metered.read_bytes, 0
    try:
        with archive.open(member) as packed:
            while chunk := packed.read(CHUNK_BYTES):
                size += len(chunk)
                if size > max(RATIO_FREE_BYTES, MAX_RATIO * (metered.read_bytes - before)):
                    raise UnusableSubmission(
                        f"'{shown(path)}' inflates to more than {MAX_RATIO} times its packed size, as zip bombs do; "
                        "hand in without it"
                    )
                yield chunk
    except _BROKEN as error:
        raise UnusableSubmission(f"the zip is broken at '{shown(path)}' ({reason(error)}); {PACK_AGAIN}") from error


def _check(path: str, member: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise UnusableSubmission(f"'{shown(path)}' is a link; hand in the file itself")
    if kind not in (0, stat.S_IFREG):
        raise UnusableSubmission(f"'{shown(path)}' is no regular file; hand in without it")
    if member.flag_bits & _ENCRYPTED:
        raise UnusableSubmission(f"'{shown(path)}' is encrypted; pack the folder again without a password")
    if member.compress_type not in _METHODS:
        method = _METHOD_NAMES.get(member.compress_type, f"method {member.compress_type}")
        raise UnusableSubmission(f"'{shown(path)}' is packed by {method}; expected deflate; {PACK_AGAIN}")


def _name(member: zipfile.ZipInfo) -> str:
    """The name as the student's system wrote it; what follows a NUL byte included."""
    name = member.orig_filename
    if not member.flag_bits & _UTF8_NAME:
        # macOS writes UTF-8 without saying so, and zipfile takes it for code page 437.
        try:
            return name.encode("cp437").decode("utf-8")
        except UnicodeError:
            return name
    return name


def _is_folder(member: zipfile.ZipInfo) -> bool:
    """Folders are made where files need them; a folder's own entry is not read."""
    return member.orig_filename.endswith(("/", "\\"))


def _not_a_zip(file: BinaryIO, name: str, error: Exception) -> str:
    file.seek(0)
    start = file.read(512).lstrip().lower()
    if start.startswith(b"pk\x03\x04"):
        return f"'{shown(name)}' is a broken zip ({reason(error)}): the upload may have been cut off; {PACK_AGAIN}"
    kind = next((kind for magic, kind in _KINDS if start.startswith(magic)), "no zip")
    return f"'{shown(name)}' is {kind}; {EXPECTED}"
