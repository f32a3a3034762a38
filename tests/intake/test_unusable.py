"""The hand-ins of tests/submissions/unusable: each is refused for what it is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from grader import catalog
from grader.errors import UnusableSubmission
from grader.intake.prepare import prepare

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).resolve().parent.parent / "submissions/unusable"
EXPECTED = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))


def test_each_file_of_the_folder_has_an_expectation():
    assert {path.name for path in FOLDER.iterdir() if path.suffix in (".zip", ".rar")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_unusable_hand_in_is_refused_for_what_it_is(name, tmp_path):
    with pytest.raises(UnusableSubmission) as caught:
        prepare(FOLDER / name, catalog.load("integration"), tmp_path / "run")
    assert EXPECTED[name] in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["unpacked"]
