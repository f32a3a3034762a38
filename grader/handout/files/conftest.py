"""Lets the public tests run on your machine as they run in the grader. Nothing to change: the grader has its own.

There your code runs in a process of its own, and only plain values and arrays cross over. Here it runs in this
process, but every value goes through the same codec, so what passes here can be sent there.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before anything imports TensorFlow or matplotlib: less noise at the start, and no window of a plot.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["MPLBACKEND"] = "Agg"

import numpy as np
import pytest
from kit import calls, hollow, wire

ROOT = Path(__file__).resolve().parent
outcomes = pytest.StashKey[dict[str, dict[str, tuple[str, str, str]]]]()  # task -> test -> outcome, title, note


class Student:
    """Calls the adapters: `student.lstm_cell(x=..., units=8)` calls the function of that name in adapters.py.

    An error of your code ends the test with the words that the grader would use.
    """

    def __init__(self, folder: Path, seed: int, task: str) -> None:
        self._folder = folder
        self._seed = seed
        self._task = task
        self._scratch = folder
        self._starts = 0
        self.restart()

    def restart(self, keep_scratch: bool = False) -> None:
        """Forgets every object and module, as a new process would; `keep_scratch` keeps the files written so far."""
        forget_modules()
        hollow.install(read_stamp().get("forbidden", {}).get(self._task, []))
        seed_everything(self._seed)
        if not (keep_scratch and self._starts):
            self._scratch = self._folder / f"scratch-{self._starts}"
            self._scratch.mkdir()
        self._starts += 1

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)

        def adapter(**arguments: Any) -> Any:
            with working_in(self._scratch):  # in the grader, too, your code starts in an empty folder
                reply = calls.call("adapters", name, wire.copied(arguments), str(ROOT))
            if reply["ok"]:
                return reply["value"]
            if reply["error"]["type"] == "KeyboardInterrupt":
                raise KeyboardInterrupt  # Ctrl-C shall end the run, not this test alone
            return pytest.fail(calls.describe(reply["error"]), pytrace=False)

        return adapter


@contextlib.contextmanager
def working_in(folder: Path):
    """contextlib.chdir of Python 3.11."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def without_stderr():
    """Hides what C++ code says while it is loaded; pytest would show it under the first test."""
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


def forget_modules() -> None:
    """Drops your modules and the adapters, so that they are imported anew; tests and the kit stay."""
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if not isinstance(origin, str) or "site-packages" in Path(origin).parts:  # a virtual environment in here
            continue
        first = name.partition(".")[0]
        if first in ("kit", "conftest") or first.startswith("test_"):
            continue
        with contextlib.suppress(ValueError, OSError):  # ValueError: it lies elsewhere
            Path(origin).resolve().relative_to(ROOT)
            del sys.modules[name]


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and, where it is loaded, TensorFlow."""
    random.seed(seed)
    np.random.seed(seed)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None:
        tensorflow.random.set_seed(seed)


def seed_of(item: pytest.Item) -> int:
    """The same at every run, another one for each test."""
    return zlib.crc32(item.name.encode())


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Draws the inputs of this test; the grader draws others."""
    return np.random.default_rng(seed_of(request.node))


@pytest.fixture(scope="session")
def tensorflow_is_loaded() -> None:
    """Imports TensorFlow before the first test, whose time it shall not count in."""
    if "tensorflow" in (ROOT / "requirements.txt").read_text(encoding="utf-8"):
        # Where it fails the import in your code fails as well, and that is reported.
        with contextlib.suppress(ImportError), without_stderr():
            importlib.import_module("tensorflow")


@pytest.fixture
def student(request: pytest.FixtureRequest, tmp_path: Path, tensorflow_is_loaded: None):
    """Your code, behind the adapters; every test starts with freshly imported modules."""
    marker = request.node.get_closest_marker("task")
    task = str(marker.args[0]) if marker and marker.args else ""
    skip_what_is_off(task)
    yield Student(tmp_path, seed_of(request.node), task)
    forget_modules()
    hollow.install([])


def skip_what_is_off(task: str) -> None:
    """Skips a test of a task that a file switches on, where that file is missing."""
    flag = read_stamp().get("switches", {}).get(task)
    if flag and not any((ROOT / name).exists() for name in (flag, f"{flag}.txt")):  # some systems add the suffix
        pytest.skip(f"task {task} counts with an empty file {flag} in this folder")


def read_stamp() -> dict[str, Any]:
    """handout.json, or nothing where it is damaged."""
    try:
        stamp = json.loads((ROOT / "handout.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def title_of(item: pytest.Item) -> str:
    """First line of the test's docstring."""
    doc = getattr(getattr(item, "obj", None), "__doc__", None)
    return doc.strip().partition("\n")[0] if doc else item.name


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "task(id, points=..., ...): the task of the handout that this test belongs to")
    config.stash[outcomes] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Puts task and title over each failure, in place of the function's name, and the task into the summary."""
    report = yield
    marker = item.get_closest_marker("task")
    if marker is None or not marker.args:
        return report
    task = str(marker.args[0])
    outcome = report.outcome
    if report.failed:
        path, line, _ = report.location
        report.location = (path, line, f"task {task}: {title_of(item)}")
        crash = getattr(report.longrepr, "reprcrash", None)
        text = crash.message.removeprefix("Failed: ").removeprefix("AssertionError: ") if crash else ""
        if text.startswith(f"Task {task} is still open"):
            outcome = "open"
        elif crash:
            text = f"task {task}: {text}"
            if marker.kwargs.get("hint"):
                report.sections.append(("where to look", str(marker.kwargs["hint"])))
        if crash:
            crash.message = text
    if report.when == "call" or report.failed:
        kept = item.config.stash[outcomes].setdefault(task, {})
        kept[item.nodeid] = (outcome, title_of(item), time_note(marker, report))
    return report


def time_note(marker: pytest.Mark, report: pytest.TestReport) -> str:
    limit_s = marker.kwargs.get("limit_s")
    if limit_s is None or report.duration <= limit_s:
        return ""
    return f"took {report.duration:.0f} s; the grader would have stopped it after {limit_s:g} s"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Ends the run with a line for each task."""
    kept = config.stash[outcomes]
    if not kept:
        return
    titles = read_stamp().get("tasks", {})
    terminalreporter.section("public tests by task")
    for task, results in sorted(kept.items()):
        found = [outcome for outcome, _, _ in results.values()]
        passed = found.count("passed")
        word = "open" if "open" in found else f"{passed} of {len(found)} passed"
        line = f"task {task:<5} {word:<14} {titles.get(task, '')}".rstrip()
        color = "green" if passed == len(found) else "yellow" if "open" in found else "red"
        terminalreporter.line(line, **{color: True})
        for _, title, note in results.values():
            if note:
                terminalreporter.line(f"           {title}: {note}", yellow=True)
    terminalreporter.line("The grader's hidden tests go further: the same tasks, with other inputs and more cases.")
