"""Zips with the same bytes for the same input."""

from __future__ import annotations

import io
import stat
import zipfile

from grader.zips import Member, zip_bytes


def test_the_order_of_the_members_does_not_matter():
    first, second = Member(b"1"), Member(b"#!", is_program=True)
    assert zip_bytes({"a": first, "b": second}) == zip_bytes({"b": second, "a": first})


def test_members_keep_content_and_run_bit_and_no_time():
    data = zip_bytes({"a/data.bin": Member(b"\r\n"), "run": Member(b"#!", is_program=True)})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        assert archive.read("a/data.bin") == b"\r\n"
    assert {entry.date_time for entry in entries.values()} == {(1980, 1, 1, 0, 0, 0)}
    modes = {name: stat.S_IMODE(entry.external_attr >> 16) for name, entry in entries.items()}
    assert modes == {"a/data.bin": 0o644, "run": 0o755}
