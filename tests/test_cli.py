"""Exit codes and words of the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader import catalog


def grader(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", *map(str, arguments)]
    return subprocess.run(command, cwd=catalog.ROOT_DIR, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("grade",), "Missing argument"),
        (("grade", "README.md"), "Missing option '--assignment'"),
        (("grade", "no-such.zip", "-a", "integration"), "does not exist"),
        (("grade", "README.md", "-a", "integratoin"), "did you mean 'integration'?"),
        (("audit", "nothing"), "there is no assignment 'nothing'"),
        (("frobnicate",), "No such command"),
    ],
)
def test_wrong_usage_exits_2_and_says_why(arguments, words):
    done = grader(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_help_names_every_command():
    done = grader("--help")
    assert done.returncode == 0
    for command in ("audit", "doctor", "grade", "release", "stencil"):
        assert f"\n  {command} " in done.stdout
