"""docs/security.md and Containerfile against the program: figures, tests that hold a promise, options, paths."""

from __future__ import annotations

import re

import pytest

from grader.catalog import ROOT_DIR
from grader.cli import cli
from grader.sandbox.attacks import attacks
from tests.submissions.hostile.corpus import HAND_INS, expectations

PAGE = (ROOT_DIR / "docs" / "security.md").read_text(encoding="utf-8")
CONTAINERFILE = (ROOT_DIR / "Containerfile").read_text(encoding="utf-8")


def test_the_figures_are_todays() -> None:
    hand_ins = {expected.name for worker in ("numpy", "tensorflow") for expected in expectations(worker, "jailed")}
    assert f"tries {len(attacks())} ways out" in PAGE
    assert f"\n{len(attacks(short=True))} attacks, 30 ms" in PAGE
    assert f": {len(hand_ins)} hand-ins" in PAGE


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(?:tests/sandbox/)?(test_\w+\.py)`", PAGE))))
def test_each_test_that_holds_a_promise_exists(name: str) -> None:
    places = [ROOT_DIR / "tests" / folder / name for folder in ("sandbox", "intake", "report", "grading", "")]
    assert any(place.is_file() for place in places)


def test_each_hand_in_that_is_named_exists() -> None:
    named = re.findall(r"`(\w+)`", "".join(re.findall(r"[^|]*of the corpus", PAGE)))
    assert len(named) >= 6
    assert {name for name in named if not (HAND_INS / f"{name}.py").is_file()} == set()


def test_every_path_exists() -> None:
    for path in re.findall(r"`((?:grader|tests|docs)/[\w./-]+)`", PAGE):
        assert (ROOT_DIR / path).exists(), path


def test_the_container_runs_commands_and_options_that_exist() -> None:
    assert 'ENTRYPOINT ["grader"]' in CONTAINERFILE
    assert "bubblewrap" in CONTAINERFILE
    named = set(re.findall(r"homework-grader (\w+)", PAGE + CONTAINERFILE))
    assert named <= set(cli.commands)
    options = {name for command in cli.commands.values() for option in command.params for name in option.opts}
    used = set(re.findall(r"homework-grader grade.*", PAGE)[0].split()) & set(re.findall(r"--[\w-]+", PAGE))
    assert used <= options
