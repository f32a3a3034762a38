"""Says whether this machine can run the homework: run `python check_env.py`. It installs and changes nothing.

Exit code 0: all is well; 1: there is a problem, and the line under it says what to do.
"""
# Python 3.6 must be able to read this file, or it could not say that it is too old: no annotations, no newer syntax.
# ruff: noqa: UP036

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
OLDEST = (3, 10)
NEWEST_FOR_TENSORFLOW = (3, 13)
IMPORT_LIMIT_S = 240  # the first import on Windows, with a virus scanner, takes minutes
# TensorFlow comes under several names.
OTHER_NAMES = {"tensorflow": ("tensorflow-cpu", "tensorflow-intel", "tensorflow-macos")}
COLAB = "or use https://colab.research.google.com, where everything is installed"
VENV = "make a fresh one: python3.12 -m venv .venv, activate it, then: python -m pip install -r requirements.txt"

TRY_TENSORFLOW = """
import json
import tensorflow
import keras
total = float(tensorflow.reduce_sum(tensorflow.ones((3, 4)) @ tensorflow.ones((4, 2))))
print("RESULT " + json.dumps([tensorflow.__version__, keras.__version__, keras.backend.backend(), total]))
"""


class Check:
    """Prints one line for each thing looked at and counts the problems."""

    def __init__(self):
        self.problems = 0

    def ok(self, text):
        print("ok       " + text)

    def note(self, text):
        print("note     " + text)

    def problem(self, text, advice):
        self.problems += 1
        print("PROBLEM  " + text)
        print("         -> " + advice)


def read_requirements():
    """requirements.txt -> list of (name, list of (operator, version))."""
    found = []
    for line in (FOLDER / "requirements.txt").read_text(encoding="utf-8").splitlines():
        line = line.partition("#")[0].partition(";")[0].strip()
        match = re.match(r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*(.*)$", line)
        if match:
            found.append((match.group(1).lower(), re.findall(r"(~=|==|!=|>=|<=|>|<)\s*([0-9][^\s,]*)", match.group(2))))
    return found


def numbers(version):
    """Turns 2.21.0rc1 into (2, 21, 0)."""
    parts = []
    for part in version.split("."):
        match = re.match(r"\d+", part)
        if not match:
            break
        parts.append(int(match.group()))
        if match.group() != part:
            break
    return tuple(parts)


def fits(version, bounds):
    """Whether a version lies within [(operator, version), ...]."""
    for operator, bound in bounds:
        have, want = numbers(version), numbers(bound)
        length = max(len(have), len(want))
        shortened = have[: len(want)]
        have, padded = have + (0,) * (length - len(have)), want + (0,) * (length - len(want))
        good = {
            ">=": have >= padded,
            "<=": have <= padded,
            ">": have > padded,
            "<": have < padded,
            "==": have == padded or (bound.endswith(".*") and shortened == want),
            "!=": have != padded,
            "~=": have >= padded and have[: len(want) - 1] == want[:-1],
        }
        if not good[operator]:
            return False
    return True


def check_python(check, needs_tensorflow):
    """Looks at Python and the machine; says so early where no package could be installed."""
    text = f"Python {platform.python_version()} ({platform.system()}, {platform.machine()})"
    version = sys.version_info[:2]
    before = check.problems
    if version < OLDEST:
        check.problem(text + " is too old; needed: 3.10 to 3.13", "install Python 3.12 from python.org, " + COLAB)
    if needs_tensorflow and version > NEWEST_FOR_TENSORFLOW:
        check.problem(
            text + " is too new: TensorFlow 2.21 has no wheel for it; needed: 3.10 to 3.13",
            "install Python 3.12 beside it and " + VENV + "; " + COLAB,
        )
    if sys.maxsize < 2**32:
        check.problem("this Python is a 32-bit build; TensorFlow has 64-bit wheels alone", "install the 64-bit Python")
    if needs_tensorflow and platform.system() == "Darwin" and platform.machine() == "x86_64":
        if runs_under_rosetta():
            check.problem(
                "this Python is built for Intel, but the Mac has an Apple chip",
                "install the universal Python from python.org and " + VENV,
            )
        else:
            check.problem("TensorFlow 2.21 has no wheel for Macs with an Intel chip", "use another machine, " + COLAB)
    if needs_tensorflow and platform.system() == "Windows" and platform.machine().upper() == "ARM64":
        check.problem("TensorFlow has no wheel for Windows on ARM", "install the x64 build of Python, " + COLAB)
    if check.problems == before:
        check.ok(text)
    if os.environ.get("COLAB_RELEASE_TAG"):
        check.note("this is Colab: after a pip install, restart the session before you go on")
    elif sys.prefix == getattr(sys, "base_prefix", sys.prefix):
        check.note("no virtual environment is active; one keeps these packages apart from others")


def runs_under_rosetta():
    try:
        output = subprocess.check_output(["/usr/sbin/sysctl", "-n", "sysctl.proc_translated"])
    except (OSError, subprocess.CalledProcessError):
        return False
    return output.strip() == b"1"


def check_files(check, requirements):
    """Whether the handout is whole, and no file of the student's hides a package."""
    try:
        stamp = json.loads((FOLDER / "handout.json").read_text(encoding="utf-8"))
        expected = sorted(stamp["contents"])
    except (OSError, ValueError, KeyError):
        check.problem(
            "handout.json is not beside check_env.py, or damaged", "unpack the whole zip; start from that folder"
        )
        return
    lost = [name for name in expected if not (FOLDER / name).exists()]
    if lost:
        check.problem("files of the handout are missing: " + ", ".join(lost), "take them from the zip again")
    else:
        check.ok("{}, handout {}: all files are there".format(stamp["assignment"], stamp["version"]))
    taken = set(getattr(sys, "stdlib_module_names", ())) | {name for name, _ in requirements} | {"keras"}
    for path in sorted(FOLDER.glob("*.py")):
        if path.stem in taken:
            check.problem(f"your {path.name} hides the module of that name", "rename it")


def installed_version(name):
    """(name under which it is installed, version), or None."""
    from importlib import metadata

    for candidate in (name, *OTHER_NAMES.get(name, ())):
        try:
            return candidate, metadata.version(candidate)
        except metadata.PackageNotFoundError:
            pass
    return None


def check_packages(check, requirements):
    for name, bounds in requirements:
        wanted = name + ",".join(operator + version for operator, version in bounds)
        found = installed_version(name)
        if found is None:
            check.problem(wanted + " is not installed", f'python -m pip install "{wanted}"')
        elif not fits(found[1], bounds):
            check.problem(
                f"{found[0]} {found[1]} is installed; needed: {wanted}",
                f'python -m pip install "{wanted.replace(name, found[0], 1)}"',
            )
        else:
            check.ok("{} {}".format(*found))


def check_tensorflow(check):
    """Imports TensorFlow in a process of its own: a wrong build may end the process, or take for ever."""
    print("         importing TensorFlow; this may take a minute ...")
    sys.stdout.flush()
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="2")
    process = subprocess.Popen(  # noqa: S603 - a fixed program of ours
        [sys.executable, "-c", TRY_TENSORFLOW],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=str(FOLDER),
        env=environment,
    )
    try:
        output, errors = process.communicate(timeout=IMPORT_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        text = f"importing TensorFlow took more than {IMPORT_LIMIT_S} s"
        check.problem(text, "try again; if it stays so, " + VENV)
        return
    result = re.search(r"^RESULT (.*)$", output.decode("utf-8", "replace"), re.MULTILINE)
    if not result:
        explain_failure(check, process.returncode, errors.decode("utf-8", "replace"))
        return
    version, keras, backend, total = json.loads(result.group(1))
    if numbers(keras) < (3,):
        check.problem(f"Keras {keras} is active; needed: Keras 3", "unset TF_USE_LEGACY_KERAS, or " + VENV)
    elif backend != "tensorflow":
        advice = "unset KERAS_BACKEND, and remove or change ~/.keras/keras.json"
        check.problem(f"Keras runs on {backend}; needed: tensorflow", advice)
    elif total != 24.0:
        check.problem(f"TensorFlow computes 3 x 4 x 2 = {total}", VENV)
    else:
        check.ok(f"TensorFlow {version} with Keras {keras} computes")


def explain_failure(check, returncode, errors):
    lines = [line for line in errors.strip().splitlines() if line.strip()]
    last = lines[-1].strip() if lines else f"exit code {returncode}"
    if returncode in (-4, 132, 0xC000001D, -1073741795):  # SIGILL, illegal instruction on Windows
        advice = (
            "its processor instructions are missing here (AVX, or an emulated machine): use another machine, " + COLAB
        )
    elif "DLL load failed" in errors:
        advice = "install the Microsoft Visual C++ Redistributable (x64), restart, and try again"
    else:
        advice = VENV
    check.problem("TensorFlow can't be imported: " + last[:300], advice)


def main():
    check = Check()
    try:
        requirements = read_requirements()
    except OSError:
        check.problem("requirements.txt is not beside check_env.py", "unpack the whole zip; start from that folder")
        requirements = []
    check_files(check, requirements)
    needs_tensorflow = any(name == "tensorflow" for name, _ in requirements)
    check_python(check, needs_tensorflow)
    if sys.version_info[:2] >= (3, 8):  # from here on the standard library must know of installed packages
        check_packages(check, requirements)
        if needs_tensorflow and installed_version("tensorflow"):
            check_tensorflow(check)
    if check.problems:
        print(f"\n{check.problems} problem(s). Solve the first, then run this again.")
        return 1
    print("\nAll is well. Next: python -m pytest")
    return 0


if __name__ == "__main__":
    sys.exit(main())
