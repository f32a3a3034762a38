"""Zips and folders as students make them, and what is refused in a bare folder."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

import pytest

from grader.errors import UnusableSubmission
from grader.intake import members, tree, unpack
from grader.intake.unpack import unpack as unpack_hand_in


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def zip_bytes(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def refusal(source: Path, into: Path) -> str:
    with pytest.raises(UnusableSubmission) as caught:
        unpack_hand_in(source, into)
    return str(caught.value)


def test_a_zip_is_unpacked_with_the_hash_of_its_bytes(make_zip, tmp_path):
    files = {"hw/data.py": b"x = 1\n", "hw/deep/er/cell.py": b"", "hw/questions.md": "π".encode()}
    path = make_zip(files)
    unpacked = unpack_hand_in(path, tmp_path / "out")
    assert contents(unpacked.root) == files
    assert unpacked.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert unpacked.notes == ()


def test_a_folder_is_copied_and_stays_as_it_was(make_folder, tmp_path):
    files = {"data.py": b"x = 1\n", "sub/cell.py": b"y"}
    folder = make_folder(files)
    unpacked = unpack_hand_in(folder, tmp_path / "out")
    assert contents(unpacked.root) == contents(folder) == files


def test_the_hash_of_a_folder_tells_names_and_contents_apart_but_not_junk(make_folder, tmp_path):
    def sha256(name: str, files: dict[str, bytes]) -> str:
        return unpack_hand_in(make_folder(files, name), tmp_path / f"{name}-out").sha256

    first = sha256("a", {"data.py": b"1", "cell.py": b"2"})
    assert first == sha256("b", {"cell.py": b"2", "data.py": b"1", ".DS_Store": b"junk"})
    assert first != sha256("c", {"data.py": b"2", "cell.py": b"1"})
    assert first != sha256("d", {"data.py": b"1", "cells.py": b"2"})


def test_junk_is_left_out_and_counted(make_zip, tmp_path):
    junk = [
        *(
            "__MACOSX/hw/._data.py",
            "hw/.DS_Store",
            "hw/._cell.py",
            "hw/.git/HEAD",
            "hw/__pycache__/data.pyc",
            "hw/x.pyc",
        ),
        *(
            "hw/venv/lib/a.py",
            "hw/data/mnist.npz",
            "hw/node_modules/a/b.js",
            "hw/fast.so",
            "hw/fast.pyd",
            "hw/runs/1/events",
        ),
        *("hw/my env/pyvenv.cfg", "hw/my env/lib/python3/site.py", "hw/my env/bin/python"),
    ]
    path = make_zip([("hw/data.py", b"x"), *((name, b"junk") for name in junk)])
    unpacked = unpack_hand_in(path, tmp_path / "out")
    assert contents(unpacked.root) == {"hw/data.py": b"x"}
    (note,) = unpacked.notes
    assert f"left out {len(junk)} files that are no part of the work" in note.text
    assert "a virtual environment (3)" in note.text
    assert len(note.text) < 250


def test_a_virtual_environment_made_in_the_homework_itself_leaves_the_homework(make_zip, tmp_path):
    path = make_zip({"pyvenv.cfg": b"", "bin/python": b"", "Lib/a.py": b"", "data.py": b"x", "plots/a.png": b""})
    assert set(contents(unpack_hand_in(path, tmp_path / "out").root)) == {"data.py", "plots/a.png"}


def test_junk_in_a_folder_is_left_out(make_folder, tmp_path):
    folder = make_folder({"data.py": b"x", ".git/HEAD": b"", "data/mnist.npz": b"0" * 100})
    unpacked = unpack_hand_in(folder, tmp_path / "out")
    assert set(contents(unpacked.root)) == {"data.py"}
    assert "left out 2 files" in unpacked.notes[0].text


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_junk_counts_for_no_limit(kind, make_zip, make_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(members, "MAX_MEMBERS", 3)
    monkeypatch.setattr(tree, "MAX_FILE_BYTES", 1000)
    files = {"data.py": b"x", **{f"data/{i}.npy": b"0" * 5000 for i in range(9)}}
    source = (make_zip if kind == "zip" else make_folder)(files)
    assert set(contents(unpack_hand_in(source, tmp_path / "out").root)) == {"data.py"}


def test_a_zip_in_a_zip_is_unpacked_once_with_a_note(make_zip, tmp_path):
    inner = zip_bytes({"hw/data.py": b"x", "__MACOSX/._x": b""})
    unpacked = unpack_hand_in(make_zip({"hw.zip": inner, "__MACOSX/._hw.zip": b""}), tmp_path / "out")
    assert contents(unpacked.root) == {"hw/data.py": b"x"}
    assert any("nothing but 'hw.zip'" in note.text for note in unpacked.notes)


def test_a_folder_that_holds_one_zip_is_unpacked(make_folder, tmp_path):
    folder = make_folder({"hw.ZIP": zip_bytes({"hw.zip/data.py": b"x"})})
    unpacked = unpack_hand_in(folder, tmp_path / "out")
    assert contents(unpacked.root) == {"hw.zip/data.py": b"x"}
    assert (folder / "hw.ZIP").exists()


def test_a_zip_among_other_files_stays_a_file(make_zip, tmp_path):
    path = make_zip({"hw.zip": zip_bytes({"data.py": b""}), "cell.py": b""})
    assert set(contents(unpack_hand_in(path, tmp_path / "out").root)) == {"hw.zip", "cell.py"}


def test_a_third_zip_inside_is_refused(make_zip, tmp_path):
    path = make_zip({"a.zip": zip_bytes({"b.zip": zip_bytes({"data.py": b""})})})
    assert "'a.zip' is a zip in a zip that holds another zip" in refusal(path, tmp_path / "out")


def test_a_broken_zip_in_a_zip_is_named(make_zip, tmp_path):
    assert "'hw.zip' is no zip" in refusal(make_zip({"hw.zip": b"garbage"}), tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("hw.rar", b"Rar!\x1a\x07\x00", "'hw.rar' is a RAR archive; expected a zip or a folder"),
        ("hw.7z", b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        ("hw.tar.gz", b"\x1f\x8b\x08", "a gzip file"),
        ("hw.tar.bz2", b"BZh91AY", "a bzip2 file"),
        ("hw.tar.xz", b"\xfd7zXZ\0", "an xz file"),
        ("report.pdf", b"%PDF-1.7", "a PDF"),
        ("hw.zip", b"\n<!DOCTYPE html><title>Log in</title>", "a web page"),
        ("lstm.py", b"import numpy\n", "'lstm.py' is no zip; expected a zip or a folder"),
        ("hw.zip", b"", "is empty (0 bytes)"),
    ],
)
def test_what_is_no_zip_is_called_by_its_name(name, content, words, tmp_path):
    (tmp_path / name).write_bytes(content)
    message = refusal(tmp_path / name, tmp_path / "out")
    assert words in message
    assert "submit.py" in message


def test_a_missing_path_is_refused(tmp_path):
    assert "can't be read (No such file or directory)" in refusal(tmp_path / "absent.zip", tmp_path / "out")


def test_a_path_with_a_nul_byte_is_refused(tmp_path):
    assert "can't be read" in refusal(tmp_path / "a\0b.zip", tmp_path / "out")


def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "hw.zip")
    assert "neither a file nor a folder" in refusal(tmp_path / "hw.zip", tmp_path / "out")


def test_an_archive_past_the_limit_is_refused_before_it_is_read(make_zip, tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_ARCHIVE_BYTES", 10)
    assert "at most 0 MB are read" in refusal(make_zip({"data.py": b"x"}), tmp_path / "out")


def test_links_and_pipes_of_a_folder_are_left_out_with_a_note(make_folder, tmp_path):
    secret = make_folder({"secret.py": b"answer"}, "elsewhere")
    folder = make_folder({"data.py": b"x"})
    (folder / "cell.py").symlink_to(secret / "secret.py")
    (folder / "more").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    unpacked = unpack_hand_in(folder, tmp_path / "out")
    assert contents(unpacked.root) == {"data.py": b"x"}
    assert "cell.py, loop, more, pipe" in unpacked.notes[0].text


def test_a_folder_of_links_alone_holds_nothing_to_grade(make_folder, tmp_path):
    folder = make_folder({})
    folder.mkdir()
    (folder / "data.py").symlink_to("/etc/passwd")
    assert "no file to grade" in refusal(folder, tmp_path / "out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_of_a_folder_is_named(make_folder, tmp_path):
    folder = make_folder({"data.py": b"x"})
    (folder / "data.py").chmod(0)
    assert "'data.py' can't be read (Permission denied)" in refusal(folder, tmp_path / "out")


def test_a_folder_past_the_limits_is_refused(make_folder, tmp_path, monkeypatch):
    folder = make_folder({"data.py": b"0" * 800, "cell.py": b"0" * 800})
    monkeypatch.setattr(tree, "MAX_TOTAL_BYTES", 1000)
    assert "its files have more than" in refusal(folder, tmp_path / "out1")
    monkeypatch.setattr(tree, "MAX_FILE_BYTES", 500)
    assert "'cell.py' is larger than" in refusal(folder, tmp_path / "out2")
    monkeypatch.setattr(members, "MAX_MEMBERS", 1)
    assert "it holds 2 files, such as cell.py, data.py" in refusal(folder, tmp_path / "out3")


def test_case_colliding_names_of_a_folder_are_refused(make_folder, tmp_path):
    folder = make_folder({"data.py": b"1", "Data.py": b"2"})
    if len(list(folder.iterdir())) == 2:  # else the file system ignores case itself
        assert "differ by upper and lower case alone" in refusal(folder, tmp_path / "out")


def test_a_name_of_a_folder_that_is_no_unicode_is_refused(make_folder, tmp_path):
    folder = make_folder({"data.py": b"x"})
    try:
        (folder / os.fsdecode(b"caf\xe9.py")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system holds no such name")
    assert "the file name 'caf\\udce9.py' is no valid Unicode" in refusal(folder, tmp_path / "out")


def test_folders_too_deep_to_be_listed_are_refused(make_folder, tmp_path):
    folder = make_folder({"data.py": b"x"})
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(20):  # longer than any path may be: only relative to one another can they be made
        os.mkdir("d" * 250, dir_fd=descriptor)
        deeper = os.open("d" * 250, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = deeper
    os.close(descriptor)
    assert "can't be read (File name too long)" in refusal(folder, tmp_path / "out")
