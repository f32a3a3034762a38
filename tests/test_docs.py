"""README against the program: every command is there, every path exists, every name can be imported."""

from __future__ import annotations

import re

import pytest

import grader
from grader import catalog
from grader.cli import cli

README = (catalog.ROOT_DIR / "README.md").read_text(encoding="utf-8")
MAKEFILE = (catalog.ROOT_DIR / "Makefile").read_text(encoding="utf-8")


def test_every_command_is_in_the_readme_and_no_other():
    named = set(re.findall(r"`grader ([a-z]+)", README))
    assert named == set(cli.commands)


def test_every_make_target_of_the_readme_exists():
    named = set(re.findall(r"`make ([a-z-]+)`|^\$ make ([a-z-]+)", README, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert {first or second for first, second in named} <= targets


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:grader|tests|docs|benchmarks|data)/[\w./-]*)`", README))))
def test_every_path_of_the_readme_exists(path: str):
    assert (catalog.ROOT_DIR / path).exists()


def test_the_public_names_are_these():
    assert grader.__all__ == ["grade"]
    assert callable(grader.grade)
    with pytest.raises(AttributeError, match="no attribute 'grades'"):
        grader.grades  # noqa: B018
