"""Mutated zips: each is unpacked or refused with words, and nothing is written elsewhere."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

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


def unpack_or_refuse(data: bytes) -> None:
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
        else:
            places = list(unpacked.root.rglob("*"))
            assert any(place.is_file() for place in places)
            assert not any(place.is_symlink() for place in places)
        assert sorted(path.name for path in Path(folder).iterdir()) == ["hw.zip", "out"]
        assert sum(path.stat().st_size for path in into.rglob("*")) < 2 << 20


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
