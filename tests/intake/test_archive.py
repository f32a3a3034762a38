"""Zips that lie, collide, point elsewhere or never end."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import pytest

from grader.errors import UnusableSubmission
from grader.intake import archive, members, tree
from grader.intake.unpack import unpack

MEGABYTE = 1 << 20


def refusal(source: Path, tmp_path: Path) -> str:
    """The words of the refusal; nothing may have been written outside of the folder."""
    before = set(tmp_path.rglob("*"))
    with pytest.raises(UnusableSubmission) as caught:
        unpack(source, tmp_path / "out")
    outside = {path for path in tmp_path.rglob("*") if tmp_path / "out" not in (path, *path.parents)}
    assert outside == before
    return str(caught.value)


def unix_member(name: str, mode: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = mode << 16
    return member


def patch_sizes(path: Path, size_bytes: int) -> None:
    """Writes another inflated size into both headers of a zip's only member."""
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.find(b"PK\x03\x04") + 22, size_bytes)
    struct.pack_into("<L", data, data.find(b"PK\x01\x02") + 24, size_bytes)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../evil.py", "points out of the hand-in by '..'"),
        ("hw/../../evil.py", "points out of the hand-in"),
        ("..\\evil.py", "points out of the hand-in"),
        ("data/../../evil.py", "points out of the hand-in"),  # what is left out unread is no way around
        ("/etc/evil.py", "is an absolute path"),
        ("\\\\host\\evil.py", "is an absolute path"),
        ("C:\\evil.py", "is an absolute path"),
        ("c:evil.py", "is an absolute path"),
        ("hw/con.py", "Windows device"),
        ("hw/NUL", "Windows device"),
        ("lpt1.tar.gz", "Windows device"),
        ("hw/a\x1b[31mb.py", "control character"),
        ("hw/a\nb.py", "control character"),
        ("x" * 256 + ".py", "longer than 255 bytes"),
        ("hw/" * 200 + "a.py", "at most 512"),
        (".", "has no name"),
    ],
)
def test_names_that_lead_astray_are_refused(name, words, make_zip, tmp_path):
    message = refusal(make_zip([("hw/data.py", b"x"), (name, b"evil")]), tmp_path)
    assert words in message
    assert message.isprintable()


def test_zip_slip_with_a_nul_byte_is_refused(make_zip, tmp_path):
    path = make_zip({"hw/data.pyX/../../evil": b""})
    path.write_bytes(path.read_bytes().replace(b"data.pyX", b"data.py\0"))
    assert "NUL byte" in refusal(path, tmp_path)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (stat.S_IFLNK | 0o777, "is a link; hand in the file itself"),
        (stat.S_IFIFO | 0o644, "no regular file"),
        (stat.S_IFCHR | 0o644, "no regular file"),
        (stat.S_IFBLK | 0o644, "no regular file"),
        (stat.S_IFSOCK | 0o644, "no regular file"),
    ],
)
def test_links_and_devices_are_refused(mode, words, make_zip, tmp_path):
    path = make_zip([("hw/data.py", b"x"), (unix_member("hw/cell.py", mode), b"/etc/passwd")])
    assert words in refusal(path, tmp_path)


def test_links_in_a_virtual_environment_are_left_out_with_it(make_zip, tmp_path):
    link = unix_member("hw/.venv/bin/python", stat.S_IFLNK | 0o777)
    unpacked = unpack(make_zip([("hw/data.py", b"x"), (link, b"/usr/bin/python3")]), tmp_path / "out")
    assert [path.name for path in unpacked.root.rglob("*.*")] == ["data.py"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("hw/data.py", "hw/data.py"), "is there twice"),
        (("hw/data.py", "hw//data.py"), "is there twice"),
        (("hw/data.py", "hw\\data.py"), "is there twice"),
        (("hw/data.py", "hw/./data.py"), "is there twice"),
        (("hw/data.py", "hw/Data.py"), "differ by upper and lower case alone"),
        (("HW/data.py", "hw/cell.py"), "differ by upper and lower case alone"),
        (("straße.py", "STRASSE.py"), "differ by upper and lower case alone"),
        (("caf\u00e9.py", "cafe\u0301.py"), "is there twice"),
        (("hw/data.py", "hw/data.py/cell.py"), "is a file and a folder at once"),
    ],
)
def test_colliding_names_are_refused(names, words, make_zip, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's own, of the first case
        path = make_zip([(name, b"x") for name in names])
    assert words in refusal(path, tmp_path)


def test_what_windows_programs_write_as_separator_is_one(make_zip, tmp_path):
    unpacked = unpack(make_zip({"hw\\deep\\data.py": b"x"}), tmp_path / "out")
    assert (unpacked.root / "hw/deep/data.py").read_bytes() == b"x"


def test_names_of_macos_are_read_as_utf8(make_zip, tmp_path):
    path = make_zip({"Übung/data.py": b"x"})
    data = path.read_bytes()
    # The flag that says UTF-8 is bit 11, at 6 of the local and 8 of the central header.
    local, central = data.find(b"PK\x03\x04"), data.find(b"PK\x01\x02")
    data = bytearray(data)
    data[local + 7] &= ~0x08
    data[central + 9] &= ~0x08
    path.write_bytes(data)
    assert (unpack(path, tmp_path / "out").root / "Übung/data.py").exists()


def test_encrypted_members_are_refused(make_zip, tmp_path):
    path = make_zip({"data.py": b"x"})
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "'data.py' is encrypted" in refusal(path, tmp_path)


@pytest.mark.parametrize(
    ("method", "name"), [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "LZMA"), (9, "Deflate64")]
)
def test_other_methods_than_deflate_are_refused(method, name, tmp_path):
    path = tmp_path / "hw.zip"
    with zipfile.ZipFile(path, "w", method if method != 9 else zipfile.ZIP_DEFLATED) as file:
        file.writestr("data.py", b"x" * 1000)
    if method == 9:
        data = bytearray(path.read_bytes())
        data[data.find(b"PK\x01\x02") + 10] = method
        path.write_bytes(data)
    assert f"packed by {name}; expected deflate" in refusal(path, tmp_path)


def test_a_bomb_is_refused_by_its_ratio_in_little_memory(make_zip, tmp_path):
    path = make_zip({"data.py": b"x", "zeros.npy": bytes(60 * MEGABYTE)})
    tracemalloc.start()
    try:
        message = refusal(path, tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "'zeros.npy' inflates to more than 200 times" in message
    assert peak < 4 * MEGABYTE
    assert (tmp_path / "out/zeros.npy").stat().st_size < 20 * MEGABYTE


def test_a_bomb_whose_header_claims_little_is_refused(make_zip, tmp_path):
    path = make_zip({"zeros.npy": bytes(30 * MEGABYTE)})
    patch_sizes(path, 100)
    assert "broken at 'zeros.npy' (Bad CRC-32" in refusal(path, tmp_path)
    assert (tmp_path / "out/zeros.npy").stat().st_size <= 100


def test_a_bomb_whose_header_claims_a_large_packed_size_is_refused(make_zip, tmp_path):
    """The ratio is to the bytes that were read, so overstating them helps nothing."""
    path = make_zip([("zeros.npy", bytes(30 * MEGABYTE)), ("noise.bin", bytes(range(256)) * 100)])
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.find(b"PK\x01\x02") + 20, len(data) - 200)
    path.write_bytes(data)
    refusal(path, tmp_path)
    assert (tmp_path / "out/zeros.npy").stat().st_size < 20 * MEGABYTE


def test_a_header_that_claims_a_huge_file_allocates_nothing(make_zip, tmp_path):
    path = make_zip({"data.py": b"x = 1\n"})
    patch_sizes(path, 0xFFFF_FFF0)
    tracemalloc.start()
    try:
        unpack(path, tmp_path / "out")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MEGABYTE
    assert (tmp_path / "out/data.py").read_bytes() == b"x = 1\n"


def test_short_files_of_zeros_are_no_bombs(make_zip, tmp_path):
    unpacked = unpack(make_zip({"data.py": b"x", "zeros.npy": bytes(archive.RATIO_FREE_BYTES)}), tmp_path / "out")
    assert (unpacked.root / "zeros.npy").stat().st_size == archive.RATIO_FREE_BYTES


def test_members_past_the_limits_are_refused(make_zip, tmp_path, monkeypatch):
    path = make_zip({"data.py": b"0" * 800, "cell.py": b"0" * 800})
    monkeypatch.setattr(tree, "MAX_TOTAL_BYTES", 1000)
    assert "its files have more than" in refusal(path, tmp_path)
    monkeypatch.setattr(tree, "MAX_FILE_BYTES", 500)
    assert "'data.py' is larger than" in refusal(path, tmp_path / "second")


def test_too_many_members_are_refused(make_zip, tmp_path):
    path = make_zip({f"hw/{i}.py": b"" for i in range(members.MAX_MEMBERS + 1)})
    assert "it holds 2,001 files, such as hw/0.py" in refusal(path, tmp_path)


def test_a_huge_table_of_contents_is_refused_unread(make_zip, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_DIRECTORY_BYTES", 1000)
    path = make_zip({f"hw/{i}.py": b"" for i in range(50)})
    assert "table of contents is too large" in refusal(path, tmp_path)


def test_a_truncated_zip_is_called_cut_off(make_zip, tmp_path):
    path = make_zip({"data.py": bytes(range(256)) * 50})
    path.write_bytes(path.read_bytes()[:200])
    assert "the upload may have been cut off" in refusal(path, tmp_path)


def test_a_corrupt_member_is_named(make_zip, tmp_path):
    path = tmp_path / "hw.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("data.py", b"a" * 1000)
    data = bytearray(path.read_bytes())
    data[100] ^= 0xFF
    path.write_bytes(data)
    assert "the zip is broken at 'data.py' (Bad CRC-32" in refusal(path, tmp_path)


def test_a_name_that_is_no_utf8_is_refused(make_zip, tmp_path):
    path = make_zip({"dat\u00e9.py": b"x"})
    path.write_bytes(path.read_bytes().replace("\u00e9".encode(), b"\xff\xff"))
    assert "broken zip" in refusal(path, tmp_path)


def test_an_empty_zip_says_that_nothing_is_in_it(make_zip, tmp_path):
    assert "no file to grade" in refusal(make_zip({}), tmp_path)


def test_a_zip_of_junk_alone_says_what_was_left_out(make_zip, tmp_path):
    message = refusal(make_zip({"data/lstm.py": b"", "data/model.py": b""}), tmp_path)
    assert "left out 2 files" in message
    assert "data/ (2)" in message


def test_entries_of_folders_are_no_files(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("hw/", b"")
        file.writestr("hw/empty/", b"")
        file.writestr("hw/data.py", b"x")
    (tmp_path / "hw.zip").write_bytes(buffer.getvalue())
    unpacked = unpack(tmp_path / "hw.zip", tmp_path / "out")
    assert [path.name for path in unpacked.root.rglob("*.py")] == ["data.py"]
    assert not (unpacked.root / "hw/empty").exists()
