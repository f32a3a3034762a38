"""Zygotes that the tests of this folder share, and tiny submissions."""

from __future__ import annotations

import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.errors import SandboxUnavailable
from grader.sandbox.box import BareBox, JailedBox, Worker, WorkerSpec, ZygoteServer

ADAPTERS = """
kept = {}

def f(**arguments):
    import hw
    return hw.f(**arguments)

def g(**arguments):
    import hw
    return hw.g(**arguments)
"""
LIMIT_S = 30.0  # far above what any call here needs, on a busy machine too


@pytest.fixture(scope="session")
def numpy_server() -> Iterator[ZygoteServer]:
    with ZygoteServer("numpy") as server:
        yield server


@pytest.fixture(scope="session")
def tensorflow_server() -> Iterator[ZygoteServer]:
    with ZygoteServer("tensorflow") as server:
        yield server


@pytest.fixture(scope="session")
def jail(numpy_server: ZygoteServer) -> None:
    """Leaves out what needs a jail where this machine has none (macOS, a kernel without Landlock)."""
    try:
        JailedBox(numpy_server.control_fd).close()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def own_temp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, which no test that runs at the same time shares."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # a worker may have a uid of its own
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def box(numpy_server: ZygoteServer, jail: None) -> Iterator[JailedBox]:
    with JailedBox(numpy_server.control_fd) as box:
        yield box


@pytest.fixture
def bare_box(numpy_server: ZygoteServer) -> Iterator[BareBox]:
    with BareBox(numpy_server.control_fd) as box:
        yield box


@pytest.fixture
def tensorflow_box(jail: None, tensorflow_server: ZygoteServer) -> Iterator[JailedBox]:
    with JailedBox(tensorflow_server.control_fd) as box:
        yield box


@pytest.fixture
def submission(tmp_path: Path) -> Callable[..., WorkerSpec]:
    """`submission(source, other="...")`: hw.py (and other.py) with the kit's adapters; returns a spec to adapt."""

    def write(source: str = "", adapters: str = ADAPTERS, **modules: str) -> WorkerSpec:
        folder = tmp_path / "submission"
        folder.mkdir(exist_ok=True)
        for name, text in {"adapters": adapters, "hw": source, **modules}.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        return WorkerSpec(
            submission=folder,
            scratch=False,
            memory_bytes=1 << 30,
            scratch_bytes=4 << 20,
            output_bytes=1 << 16,
            cpu_s=LIMIT_S,
            seed=7,
            core=None,
        )

    return write


@pytest.fixture
def answer(box: JailedBox, submission: Callable[..., WorkerSpec]) -> Callable[..., Any]:
    """`answer(source, **arguments)`: what `hw.f` gives in a fresh jailed worker; `spec=` changes limits."""

    def ask(source: str, /, spec: dict[str, Any] | None = None, limit_s: float = LIMIT_S, **arguments: Any) -> Any:
        with box.start(replace(submission(source), **(spec or {}))) as worker:
            return call(worker, "f", limit_s=limit_s, **arguments)

    return ask


def call(worker: Worker, adapter: str = "f", /, limit_s: float = LIMIT_S, **arguments: Any) -> Any:
    return worker.call(adapter, arguments, time.monotonic() + limit_s)


@pytest.fixture(name="call")
def _call() -> Callable[..., Any]:
    """`call(worker, adapter="f", limit_s=..., **arguments)`."""
    return call


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what came of each hostile hand-in, where that was tested."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    properties = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    found = {tuple(column): rows for name, (column, rows) in properties if name == "hostile"}
    if not found:
        return
    outcomes = {(row["name"], column): outcome_of(row) for column, rows in found.items() for row in rows}
    names = list(dict.fromkeys(name for name, _ in outcomes))
    table = [["situation", *(situation for situation, _ in found)], ["worker", *(worker for _, worker in found)]]
    table.append(["tier", *(rows[0]["tier"] for rows in found.values())])
    table += [[name, *(outcomes.get((name, column), "-") for column in found)] for name in names]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    terminalreporter.section("hostile hand-ins, and what came of each (as expected, unless marked !)")
    for row in table:
        terminalreporter.write_line("  ".join(map(str.ljust, row, widths)).rstrip())


def outcome_of(row: dict[str, Any]) -> str:
    """The outcome of one hand-in in a word or two."""
    of_import, *of_tests = row["kinds"]
    tests = "/".join(dict.fromkeys(of_tests))
    mark = "" if row["as_expected"] else "! "
    return mark + (tests if of_import in ("passed", tests) else f"{of_import}, {tests}")
