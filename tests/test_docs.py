"""README against the program: every command is there, every path exists, every name can be imported."""

from __future__ import annotations

import re
from pathlib import Path

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


@pytest.mark.parametrize("page", sorted((catalog.ROOT_DIR / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_file_that_a_page_links_to_exists(page: Path):
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_page_on_gradescope_names_every_option_of_a_preview():
    page = (catalog.ROOT_DIR / "docs" / "gradescope.md").read_text(encoding="utf-8")
    options = {name for option in cli.commands["preview"].params for name in option.opts if name.startswith("--")}
    assert set(re.findall(r"^\| `(--[a-z]+)", page, re.MULTILINE)) == options


def test_the_public_names_are_these():
    assert grader.__all__ == ["grade"]
    assert callable(grader.grade)
    with pytest.raises(AttributeError, match="no attribute 'grades'"):
        grader.grades  # noqa: B018
