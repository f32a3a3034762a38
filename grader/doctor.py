"""What this machine can do: sandbox tier, data, versions, room. `examine` looks, `findings` judges, `render` prints."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.catalog import ROOT_DIR
from grader.environment import python_environment
from grader.errors import SandboxFailed, SandboxUnavailable
from grader.records import Environment, Limits
from grader.sandbox import jail, probing, seccomp
from grader.sandbox.box import BareBox, Box, open_box, open_strong, self_test
from grader.sandbox.server import ZygoteServer

Level = Literal["good", "note", "bad"]
DataState = Literal["whole", "damaged", "absent"]

DATA_DIR = ROOT_DIR / "data"
SAMPLE = "mnist-mini.npz"
SUMS = "SHA256SUMS"
NEEDED_DISK_BYTES = 1 << 30  # a hand-in, unpacked, and the folders of two workers

_IMPORT_LIMIT_S = 300.0
_CLONE_NEWUSER = 0x1000_0000
# Where a container's memory limit stands: control groups version 2, then 1.
_MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_MARKS: dict[Level, tuple[str, str]] = {"good": ("ok", "green"), "note": ("note", "yellow"), "bad": ("problem", "red")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Which tier holds here.

    Attributes:
        tier: `jailed`, `bubblewrap`, or `bare` where a worker could be held by neither.
        detail: What is in force in a jailed worker, or why there is none.
        landlock_abi: Of the kernel; 0 where it has none.
        filter: Whether the kernel takes a system-call filter.
        uid: Of this process; 0 is root.
        user_namespaces: Whether a process may make one.
    """

    tier: str
    detail: str
    landlock_abi: int
    filter: bool
    uid: int
    user_namespaces: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFlow:
    """One import of TensorFlow in a process of its own.

    Attributes:
        import_s: Wall time with the start of Python; None where it failed.
        error: Last line of what it said then.
    """

    import_s: float | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `examine` found.

    Attributes:
        data: State of each file that data/ should hold; empty without a checkout.
        memory_bytes: Of the machine, or of the container if that is less.
        disk_free_bytes: In the folder for temporary files.
    """

    sandbox: Sandbox
    environment: Environment
    tensorflow: TensorFlow
    data: dict[str, DataState]
    memory_bytes: int
    disk_free_bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for the reader."""

    subject: str
    level: Level
    text: str


def examine() -> Report:
    """Looks at this machine; takes as long as one import of TensorFlow and a second more."""
    return Report(
        sandbox=examine_sandbox(),
        environment=python_environment(),
        tensorflow=time_import("tensorflow"),
        data=examine_data(DATA_DIR),
        memory_bytes=memory_limit_bytes(),
        disk_free_bytes=shutil.disk_usage(tempfile.gettempdir()).free,
    )


def examine_sandbox() -> Sandbox:
    """Starts a worker in the strongest tier and has it try to break out."""
    try:
        with ZygoteServer("numpy") as server, closing(open_strong(server.control_fd)) as box:
            tier, detail = box.tier, self_test(box)
    except (SandboxUnavailable, SandboxFailed) as error:
        tier, detail = "bare", str(error)
    return Sandbox(
        tier=tier,
        detail=detail,
        landlock_abi=jail.landlock_abi(),
        filter=seccomp.supported(),
        uid=os.getuid(),
        user_namespaces=_allows_user_namespaces(),
    )


def time_import(module: str) -> TensorFlow:
    """Imports a module in a fresh interpreter, as a worker's zygote does."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-I", "-B", "-c", f"import {module}"]
    started = time.perf_counter()
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            command, env=environment, capture_output=True, timeout=_IMPORT_LIMIT_S, text=True, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return TensorFlow(import_s=None, error=f"not imported after {_IMPORT_LIMIT_S:g} s")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"]
        return TensorFlow(import_s=None, error=lines[-1])
    return TensorFlow(import_s=time.perf_counter() - started)


def examine_data(folder: Path) -> dict[str, DataState]:
    """State of the bundled sample and of each file that SHA256SUMS lists."""
    sums = folder / SUMS
    if not sums.is_file():
        return {}
    states: dict[str, DataState] = {SAMPLE: "whole" if (folder / SAMPLE).is_file() else "absent"}
    for line in sums.read_text(encoding="ascii").splitlines():
        expected, _, name = line.partition("  ")
        place = folder / name
        if not place.is_file():
            states[name] = "absent"
        else:
            found = hashlib.sha256(place.read_bytes()).hexdigest()
            states[name] = "whole" if found == expected else "damaged"
    return states


def memory_limit_bytes() -> int:
    """Memory that this process and its children may fill together."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for place in _MEMORY_LIMITS:
        try:
            limits.append(int(place.read_text()))
        except (OSError, ValueError):  # there is no such file, or it says "max"
            continue
    return min(limits)


def findings(report: Report) -> list[Finding]:
    """Judges what was found, most important first."""
    return [
        *_judge_sandbox(report.sandbox),
        _judge_tensorflow(report),
        Finding("Python", "good", f"{report.environment.python} on {report.environment.platform}"),
        *_judge_data(report.data),
        *_judge_room(report),
    ]


def render(report: Report, console: Console) -> None:
    """Prints the findings as a table."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings(report):
        mark, colour = _MARKS[finding.level]
        table.add_row(Text(finding.subject), Text(mark, style=colour), Text(finding.text))
    console.print(table)


def probe(console: Console) -> bool:
    """Tries every attack in workers of the strongest tier, and prints a table of what came of each.

    Returns:
        Whether the tier keeps what it promises; `bare`, which promises nothing, always does.

    Raises:
        SandboxFailed: No worker could be started.
    """
    with ZygoteServer("numpy") as server:
        try:
            box: Box = open_box("numpy", control_fd=server.control_fd)
        except SandboxUnavailable as error:
            console.print(Text(f"{error}. So tier bare is probed, which promises nothing.", style="yellow"))
            box = BareBox(server.control_fd)
        with closing(box):
            tier, outcomes = box.tier, list(probing.run(box))
    console.print(_probe_table(outcomes))
    worked = [outcome for outcome in outcomes if outcome.worked]
    console.print(
        Text(f"tier {tier}: {len(outcomes) - len(worked)} of {len(outcomes)} attacks were refused or stopped")
    )
    return tier == "bare" or not worked


def _probe_table(outcomes: list[probing.Outcome]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Kind", no_wrap=True)
    table.add_column("What a worker tried to do", overflow="fold")
    table.add_column("Outcome", no_wrap=True)
    last = ""
    for outcome in outcomes:
        kind = "" if outcome.group == last else outcome.group
        last = outcome.group
        style = "red" if outcome.worked else "green"
        table.add_row(Text(kind), Text(outcome.title), Text(outcome.outcome, style=style))
    return table


def _judge_sandbox(sandbox: Sandbox) -> list[Finding]:
    parts = [
        f"Landlock ABI {sandbox.landlock_abi}" if sandbox.landlock_abi else "no Landlock",
        "system-call filter" if sandbox.filter else "no system-call filter",
        "user namespaces allowed" if sandbox.user_namespaces else "user namespaces refused",
        f"uid {sandbox.uid}",
    ]
    kernel = Finding("Kernel", "good" if sandbox.landlock_abi and sandbox.filter else "note", ", ".join(parts))
    if sandbox.tier == "bare":
        text = f"tier bare: {sandbox.detail}. `grader grade` needs --insecure here: only for submissions that you trust"
        return [Finding("Sandbox", "bad", text), kernel]
    text = f"tier {sandbox.tier}, proved by a worker: {sandbox.detail}"
    if sandbox.tier == "jailed" and sandbox.uid == 0 and "spare uid" not in sandbox.detail:
        return [
            Finding("Sandbox", "note", f"{text}. No other uid can read this Python; the jail holds without"),
            kernel,
        ]
    return [Finding("Sandbox", "good", text), kernel]


def _judge_tensorflow(report: Report) -> Finding:
    versions = ", ".join(f"{name} {version}" for name, version in report.environment.packages.items())
    if report.tensorflow.import_s is None:
        return Finding("TensorFlow", "bad", f"can't be imported: {report.tensorflow.error}. Installed: {versions}")
    return Finding("TensorFlow", "good", f"imported in {report.tensorflow.import_s:.1f} s: {versions}")


def _judge_data(data: dict[str, DataState]) -> list[Finding]:
    if not data:
        return [Finding("Data", "note", "this installation has no folder data/")]
    damaged = [name for name, state in data.items() if state == "damaged"]
    absent = [name for name, state in data.items() if state == "absent"]
    if damaged:
        text = f"{', '.join(damaged)}: not what {SUMS} says. Delete it and run ./download.sh"
        return [Finding("Data", "bad", text)]
    if SAMPLE in absent:
        return [Finding("Data", "bad", f"{SAMPLE} is missing: restore it from the repository")]
    if absent:
        return [Finding("Data", "note", f"the sample {SAMPLE} is here, all of MNIST is not: ./download.sh fetches it")]
    return [Finding("Data", "good", f"all of MNIST and the sample {SAMPLE}")]


def _judge_room(report: Report) -> list[Finding]:
    cores, worker_bytes = report.environment.cores, Limits().memory_bytes
    shared = "" if cores > 1 else "; a training shares it with the other tests, so both take longer"
    return [
        Finding("Cores", "good" if cores > 1 else "note", f"{cores} x {report.environment.cpu}{shared}"),
        Finding(
            "Memory",
            "good" if report.memory_bytes >= worker_bytes else "note",
            f"{_gibibytes(report.memory_bytes)}; a worker may use up to {_gibibytes(worker_bytes)}",
        ),
        Finding(
            "Disk",
            "good" if report.disk_free_bytes >= NEEDED_DISK_BYTES else "bad",
            f"{_gibibytes(report.disk_free_bytes)} free in {tempfile.gettempdir()}; a grading may need "
            f"{_gibibytes(NEEDED_DISK_BYTES)}",
        ),
    ]


def _gibibytes(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.1f} GiB"


def _allows_user_namespaces() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    # In a process of its own: this one keeps its namespace.
    code = f"import ctypes, os; os._exit(ctypes.CDLL(None).unshare({_CLONE_NEWUSER}) != 0)"
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True).returncode == 0  # noqa: S603
