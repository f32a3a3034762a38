"""Mutated zips: each is unpacked or refused with words, and nothing is written elsewhere.

Hypothesis looks for the smallest that breaks something; 500 random ones are counted, timed and measured besides.
"""

from __future__ import annotations

import io
import random
import struct
import tempfile
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import UnusableSubmission
from grader.intake.members import MAX_PATH_BYTES, check_path, clean_path
from grader.intake.unpack import unpack

NAMES = st.one_of(
    st.sampled_from(
        ["data.py", "hw/data.py", "hw/../x", "/x", "Data.py", "__MACOSX/._x", "hw/", "a\\b", "C:x", "data.py/x"]
    ),
    st.text(min_size=1, max_size=30),
)
# Field values that parsers stumble over, written anywhere.
WORDS = st.sampled_from(
    [b"\0\0", b"\xff\xff", b"\1\0", b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"\xff" * 4, b"\0" * 8]
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.one_of(WORDS, st.binary(min_size=1, max_size=4))), max_size=6)


def unpack_or_refuse(data: bytes, most_bytes: int = 2 << 20) -> bool:
    """Returns whether it was unpacked; fails where it is neither that nor refused with words."""
    with tempfile.TemporaryDirectory() as folder:
        source, into = Path(folder) / "hw.zip", Path(folder) / "out"
        source.write_bytes(data)
        try:
            unpacked = unpack(source, into)
        except UnusableSubmission as error:
            message = str(error)
            assert message
            assert message.isprintable()
            assert len(message) < 1000
            assert folder not in message
            unpacked = None
        else:
            places = list(unpacked.root.rglob("*"))
            assert any(place.is_file() for place in places)
            assert not any(place.is_symlink() for place in places)
        assert sorted(path.name for path in Path(folder).iterdir()) == ["hw.zip", "out"]
        assert sum(path.stat().st_size for path in into.rglob("*")) < most_bytes
        return unpacked is not None


def sound_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("\0", "0"), content)
    return buffer.getvalue()


SOUND = [
    sound_zip({"hw/data.py": b"x = 1\n" * 50, "hw/cell.py": b"y", "hw/.DS_Store": b"z"}),
    sound_zip({"data.py": b"x = 1\n"}, zipfile.ZIP_STORED),
    sound_zip({"hw.zip": sound_zip({"data.py": b"x" * 300})}),
    sound_zip({"zeros": bytes(1 << 20), "data.py": b""}),
]


@given(st.sampled_from(SOUND), EDITS, st.floats(0, 1), st.binary(max_size=30))
@settings(max_examples=200, deadline=None, database=None)
def test_a_damaged_zip_is_unpacked_or_refused(data, edits, kept, tail):
    damaged = bytearray(data)
    for place, content in edits:
        start = int(place * (len(damaged) - 1))
        damaged[start : start + len(content)] = content
    if kept > 0.5:  # cut off the rest
        del damaged[int(kept * len(damaged)) :]
    unpack_or_refuse(bytes(damaged) + tail)


@given(st.dictionaries(NAMES, st.binary(max_size=20), max_size=5))
@settings(max_examples=100, deadline=None, database=None)
def test_a_zip_of_any_names_is_unpacked_or_refused(files):
    try:
        data = sound_zip(files)
    except (UnicodeEncodeError, UserWarning):  # zipfile writes no such name, or `a` and `a\0` become one
        return
    unpack_or_refuse(data)


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None, database=None)
def test_any_bytes_are_refused(data):
    unpack_or_refuse(data)


@given(st.text(max_size=700))
@settings(deadline=None, database=None)
def test_a_path_that_passes_stays_inside(name):
    try:
        path = clean_path(name)
        check_path(path)
    except UnusableSubmission:
        return
    assert clean_path(path) == path
    assert not Path(path).is_absolute()
    assert ".." not in Path(path).parts
    assert len(path.encode()) <= MAX_PATH_BYTES


class RandomArchive:
    """Puts a zip together field by field; each may lie, in some archives more often than in others."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.lies = draw.choice([0.0, 0.01, 0.05, 0.2])

    def pick(self, usual, *rare):
        return self.draw.choice(rare) if self.draw.random() < self.lies else usual

    def build(self) -> bytes:
        draw = self.draw
        body, table = bytearray(), bytearray()
        entries = draw.choice([0, 1, 1, 2, 3, 5, 40])
        for number in range(entries):
            at = self.pick(len(body), 0, 2**31, draw.randrange(2**32))
            local, central = self.member(number, at)
            body += local
            table += central * self.pick(1, 2, 3000)
        count = self.pick(entries, 0, 0xFFFF)
        size = self.pick(len(table), 0, 0xFFFFFFFF, len(table) + 7)
        start = self.pick(len(body), 0, 0xFFFFFFFF)
        comment = draw.randbytes(draw.choice([0, 0, 3, 300]))
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, start, len(comment)) + comment
        archive = bytearray(body + table + end)
        for _ in range(self.pick(0, 1, 3, 20)):
            archive[draw.randrange(len(archive))] = draw.randrange(256)
        if self.pick(False, True):
            del archive[draw.randrange(len(archive)) :]
        return bytes(archive)

    def member(self, number: int, at: int) -> tuple[bytes, bytes]:
        draw = self.draw
        content = draw.choice([b"x = 1\n", b"", draw.randbytes(200), b"PK\3\4" * 30, bytes(self.pick(99, 3 << 20))])
        method = self.pick(draw.choice([0, 8, 8]), 9, 12, 14, 93, draw.randrange(2**16))
        packed = zlib.compress(content, 9, -15) if method == 8 else content
        name = self.name(number)
        flags = self.pick(0x800, 0, 1, 8, 0x41, draw.randrange(2**16))
        crc = self.pick(zlib.crc32(content), 0)
        sizes = [self.pick(size, 0, 1, 0xFFFFFFFF) for size in (len(packed), len(content))]
        extra = self.pick(b"", draw.randbytes(9), struct.pack("<2H2Q", 1, 16, 2**62, 2**62))
        mode = self.pick(0o100644, 0o120777, 0o040755, 0o010644, 0o060644, 0o140644, 0)
        fields = (20, flags, method, 0, 33, crc, *sizes, len(name), len(extra))
        local = struct.pack("<4s5H3L2H", b"PK\3\4", *fields) + name + extra + packed
        header = struct.pack("<4s6H3L5H2L", b"PK\1\2", 0x0314, *fields, 0, 0, 0, mode << 16, at)
        return local, header + name + extra

    def name(self, number: int) -> bytes:
        usual = f"hw/file{number}.py".encode()
        odd = (
            b"../../x",
            b"/etc/x",
            b"C:\\x",
            b"a\0b",
            b"\xff\xfe",
            b"",
            b"/",
            b"hw",
            b"nul",
            b"x" * 400,
            b"hw/.git/x",
        )
        return self.pick(usual, b"hw/file0.py", b"hw/FILE0.py", *odd, self.draw.randbytes(6))


def test_500_random_archives_are_unpacked_or_refused_in_little_time_and_memory():
    draw = random.Random(7)  # noqa: S311 - no secret
    slowest_s, largest, refused = 0.0, 0, 0
    tracemalloc.start()
    try:
        for _ in range(500):
            data = RandomArchive(draw).build()
            tracemalloc.reset_peak()
            before, started = tracemalloc.get_traced_memory()[0], time.process_time()
            refused += not unpack_or_refuse(data, most_bytes=64 << 20)
            slowest_s = max(slowest_s, time.process_time() - started)
            largest = max(largest, tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    print(f"500 archives, {refused} refused; slowest {slowest_s:.2f} s, largest {largest >> 10} kB")
    assert 100 < refused < 450  # both outcomes are met
    assert slowest_s < 10
    # A table of contents that is read as a whole, and chunks of what is inflated.
    assert largest < 32 << 20


def test_a_table_of_contents_without_end_is_refused_before_it_is_parsed(tmp_path):
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    table = entry * 200_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(table), 0, 0)
    (tmp_path / "a.zip").write_bytes(table + end)
    del table
    tracemalloc.start()
    try:
        with pytest.raises(UnusableSubmission, match="is no zip"):
            unpack(tmp_path / "a.zip", tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
