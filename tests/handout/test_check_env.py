"""check_env.py says what is wrong with a machine, and what to do next."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from collections import namedtuple

import pytest

from grader.handout.release import COMMON_DIR

VersionInfo = namedtuple("VersionInfo", "major minor micro releaselevel serial")


def run(handout, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", "-B", str(handout / "check_env.py")],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture
def module():
    """check_env.py as a module, to call its parts with the values of other machines."""
    spec = importlib.util.spec_from_file_location("check_env", COMMON_DIR / "check_env.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_good_machine_passes(handout):
    code, said = run(handout)
    assert code == 0
    assert "ok       Python 3." in said
    assert "ok       toy, handout 2026.1: all files are there" in said
    assert "ok       numpy 2." in said
    assert "TensorFlow" not in said
    assert said.endswith("All is well. Next: python -m pytest\n")


def test_every_problem_comes_with_advice_and_exit_code_1(handout):
    (handout / "requirements.txt").write_text("numpy<2\nno-such-package>=1.5,<2\npytest  # fine\n", encoding="utf-8")
    (handout / "kit" / "wire.py").unlink()
    (handout / "random.py").write_text("", encoding="utf-8")
    code, said = run(handout)
    lines = said.splitlines()
    problems = [place for place, line in enumerate(lines) if line.startswith("PROBLEM")]
    assert code == 1
    assert [lines[place + 1][:12] for place in problems] == ["         -> "] * 4
    assert "PROBLEM  files of the handout are missing: kit/wire.py" in lines
    assert "PROBLEM  your random.py hides the module of that name" in lines
    assert "PROBLEM  no-such-package>=1.5,<2 is not installed" in lines
    assert '         -> python -m pip install "no-such-package>=1.5,<2"' in lines
    assert any(
        line.startswith("PROBLEM  numpy 2.") and line.endswith("is installed; needed: numpy<2") for line in lines
    )
    assert lines[-1] == "4 problem(s). Solve the first, then run this again."


def test_a_handout_that_was_not_unpacked_is_said(handout):
    for name in ("handout.json", "requirements.txt"):
        (handout / name).unlink()
    code, said = run(handout)
    assert code == 1
    assert said.count("unpack the whole zip") == 2


def test_colab_gets_its_own_note(handout):
    assert "note     this is Colab" in run(handout, COLAB_RELEASE_TAG="release-colab_2026")[1]


def test_python_3_6_can_read_it():
    source = (COMMON_DIR / "check_env.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))  # the oldest that ast knows
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.ImportFrom) and node.module == "__future__"), "3.6 has no future annotations"
        assert not isinstance(node, ast.AnnAssign)
    imported = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= {"json", "os", "platform", "re", "subprocess", "sys"}


@pytest.mark.parametrize(
    ("version", "bounds", "good"),
    [
        ("2.21.0", ">=2.19,<2.22", True),
        ("2.22.0", ">=2.19,<2.22", False),
        ("2.22.0rc1", "<2.22", False),
        ("2.9", ">=2.19", False),
        ("2", ">=2.0.0", True),
        ("2.0.1", "<=2", False),
        ("2.1.post1", "==2.1", True),
        ("2.1.3", "==2.1.*", True),
        ("2.2", "==2.1.*", False),
        ("2.1", "!=2.1", False),
        ("1.4.2", "~=1.4", True),
        ("2.0", "~=1.4", False),
        ("1.5", ">1.5", False),
        ("1.5", "", True),
    ],
)
def test_versions_are_compared_as_numbers(module, monkeypatch, tmp_path, version, bounds, good):
    (tmp_path / "requirements.txt").write_text(f"Some_Thing[extra] {bounds}; python_version > '3'\n", encoding="utf-8")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    [(name, parsed)] = module.read_requirements()
    assert name == "some_thing"
    assert module.fits(version, parsed) is good


MACHINES = {
    "old Python": ((3, 9), "Linux", "x86_64", "is too old; needed: 3.10 to 3.13"),
    "new Python": ((3, 14), "Linux", "x86_64", "TensorFlow 2.21 has no wheel for it"),
    "Intel Mac": ((3, 12), "Darwin", "x86_64", "no wheel for Macs with an Intel chip"),
    "Windows on ARM": ((3, 12), "Windows", "ARM64", "no wheel for Windows on ARM"),
}


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_without_a_wheel_is_told_so(module, monkeypatch, capsys, name):
    version, system, machine, words = MACHINES[name]
    monkeypatch.setattr(sys, "version_info", VersionInfo(*version, 0, "final", 0))
    monkeypatch.setattr(module.platform, "system", lambda: system)
    monkeypatch.setattr(module.platform, "machine", lambda: machine)
    check = module.Check()
    module.check_python(check, needs_tensorflow=True)
    said = capsys.readouterr().out
    assert check.problems == 1
    assert words in said
    assert "colab.research.google.com" in said


def test_a_numpy_assignment_runs_on_any_new_python(module, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", VersionInfo(3, 15, 0, "final", 0))
    check = module.Check()
    module.check_python(check, needs_tensorflow=False)
    assert check.problems == 0


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ('print(\'RESULT ["2.21.0", "3.15.0", "tensorflow", 24.0]\')', "ok       TensorFlow 2.21.0 with Keras 3.15.0"),
        ('print(\'RESULT ["2.15.0", "2.15.0", "tensorflow", 24.0]\')', "Keras 2.15.0 is active; needed: Keras 3"),
        ('print(\'RESULT ["2.21.0", "3.15.0", "jax", 24.0]\')', "Keras runs on jax; needed: tensorflow"),
        ('print(\'RESULT ["2.21.0", "3.15.0", "tensorflow", 23.0]\')', "TensorFlow computes 3 x 4 x 2 = 23.0"),
        ("import no_such_module", "TensorFlow can't be imported: ModuleNotFoundError"),
        ("raise ImportError('DLL load failed while importing x')", "Microsoft Visual C++ Redistributable"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "its processor instructions are missing here"),
        ("import time; time.sleep(60)", "importing TensorFlow took more than 1 s"),
    ],
)
def test_each_way_in_which_tensorflow_fails_is_explained(module, monkeypatch, capsys, program, words):
    monkeypatch.setattr(module, "TRY_TENSORFLOW", program)
    monkeypatch.setattr(module, "IMPORT_LIMIT_S", 1 if "sleep" in program else 60)
    check = module.Check()
    module.check_tensorflow(check)
    said = capsys.readouterr().out
    assert words in said
    assert check.problems == (0 if words.startswith("ok") else 1)


def test_the_cpu_build_of_tensorflow_counts_as_tensorflow(module, monkeypatch, capsys):
    from importlib import metadata

    def version(name):
        if name == "tensorflow-cpu":
            return "2.21.0"
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    check = module.Check()
    module.check_packages(check, [("tensorflow", [(">=", "2.19"), ("<", "2.22")])])
    assert capsys.readouterr().out == "ok       tensorflow-cpu 2.21.0\n"


@pytest.mark.slow
def test_the_import_of_tensorflow_itself(module, capsys):
    check = module.Check()
    module.check_tensorflow(check)
    assert check.problems == 0
    assert "computes" in capsys.readouterr().out
