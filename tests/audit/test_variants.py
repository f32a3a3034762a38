"""variants.toml: what is refused, and what is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import catalog
from grader.audit.variants import build_variant, read_variants
from grader.errors import InvalidAssignment


@pytest.fixture(scope="module")
def integration() -> catalog.Assignment:
    return catalog.load("integration")


def write(folder: Path, text: str) -> Path:
    path = folder / "variants.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[variant", "variants.toml"),
        ("[[variant]]\nkind = 'wrong'", "has no name"),
        ("[[variant]]\nname = 'a'\nkind = 'odd'", "of the kind 'odd'"),
        ("[[variant]]\nname = 'a'\nkind = 'wrong'\nfail = []", "unknown keys fail"),
        ("[[variant]]\nname = 'a'\nkind = 'right'\ntier = 'gold'", "unknown tier 'gold'"),
        ("[[variant]]\nname = 'a'\nkind = 'right'\nfiles = 'nowhere'", "there is no folder"),
        ("[[variant]]\nname = 'a'\nkind = 'right'\nonly = ['data.py']", "'data.py' alone, which is no file"),
        ("[[variant]]\nname = 'a'\nkind = 'wrong'\nfails = 'test_a'", "fails is 'test_a', which is of another type"),
        ("[[variant]]\nname = 'a'\nkind = 'wrong'\ntrains = 'no'", "trains is 'no'"),
        ("[[variant]]\nname = 'a'\nkind = 'wrong'\nhow = 'wrnog'", "the unknown way 'wrnog'"),
        ("[[variant]]\nname = 'a'\nkind = 'wrong'\nedits = [{ file = 'a' }]", "expected the keys file, find, replace"),
        ("[[variant]]\nname = 'a'\nkind = 'wrong'\nedits = ['a']", "expected the keys file, find, replace"),
        (
            "[[variant]]\nname = 'a'\nkind = 'right'\n[[variant]]\nname = 'a'\nkind = 'right'",
            "two variants are called 'a'",
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, integration, text, words):
    with pytest.raises(InvalidAssignment, match=words):
        read_variants(write(tmp_path, text), integration)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ("{ file = 'data.py', find = 'no such text', replace = '' }", "matches 0 times"),
        ("{ file = 'data.py', find = 'import', replace = '' }", "expected once"),
        ("{ file = 'gone.py', find = 'a', replace = 'b' }", "which is not there"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(tmp_path, integration, edit, words):
    (variant,) = read_variants(
        write(tmp_path, f"[[variant]]\nname = 'a'\nkind = 'wrong'\nedits = [{edit}]"), integration
    )
    with pytest.raises(InvalidAssignment, match=words):
        build_variant(variant, integration, tmp_path / "built")


def test_a_file_that_is_not_there_cannot_be_taken_away(tmp_path, integration):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "gone.py.absent").write_text("")
    path = write(tmp_path, "[[variant]]\nname = 'a'\nkind = 'wrong'\nfiles = 'mine'")
    (variant,) = read_variants(path, integration)
    with pytest.raises(InvalidAssignment, match=r"takes away gone\.py, which is not there"):
        build_variant(variant, integration, tmp_path / "built")


def test_a_folder_replaces_files_and_takes_away_absent_ones(tmp_path, integration):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "data.py").write_text("# mine\n")
    (folder / "model.py.absent").write_text("")
    path = write(tmp_path, "[[variant]]\nname = 'a'\nkind = 'wrong'\nfiles = 'mine'")
    (variant,) = read_variants(path, integration)
    built = build_variant(variant, integration, tmp_path / "built")
    assert (built / "data.py").read_text() == "# mine\n"
    assert not (built / "model.py").exists()
    assert (built / "lstm.py").read_bytes() == (integration.solution_dir / "lstm.py").read_bytes()


def test_of_a_folder_some_files_alone_may_be_taken(tmp_path, integration):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("data.py", "model.py"):
        (folder / name).write_text("# mine\n")
    path = write(tmp_path, "[[variant]]\nname = 'a'\nkind = 'wrong'\nfiles = 'mine'\nonly = ['data.py']")
    (variant,) = read_variants(path, integration)
    built = build_variant(variant, integration, tmp_path / "built")
    assert (built / "data.py").read_text() == "# mine\n"
    assert (built / "model.py").read_bytes() == (integration.solution_dir / "model.py").read_bytes()
