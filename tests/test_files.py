"""A reader never sees half of a file."""

from __future__ import annotations

import os

import pytest

from grader.files import remove_leftovers, replace_file


def test_the_old_file_stays_whole_when_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    replace_file(path, b"old")

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_at_once(tmp_path):
    path = tmp_path / "result.json"
    replace_file(path, b"old")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_others_may_read_as_ever(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "r.json", tmp_path / "result.json"
    link.symlink_to(target)
    replace_file(link, b"new")
    (tmp_path / "plain").write_bytes(b"")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_a_killed_writer_left_is_deleted_and_nothing_else(tmp_path):
    for name in ("r.json", ".r.json.0123abcd", ".r.json.keep", ".q.json.0123abcd", "r.json.0123abcd"):
        (tmp_path / name).write_bytes(b"x")
    remove_leftovers(tmp_path / "r.json")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".q.json.0123abcd", ".r.json.keep", "r.json", "r.json.0123abcd"]
