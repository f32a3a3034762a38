"""The choice of a tier, and boxes: what starts workers.

Tiers, chosen by `open_box`: `jailed` (Landlock and system-call filter; proved by a self-test in a worker) and `bare`
(another process and limits; no promise against hostile code, so only where the caller says `insecure`). A further
tier is one more class with the methods of `Box`.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Protocol

from grader.errors import KitError, SandboxFailed, SandboxUnavailable, StudentError
from grader.sandbox.handle import Worker, WorkerSpec
from grader.sandbox.jail import PROBES, open_to_spare
from grader.sandbox.server import Connection, ZygoteServer

__all__ = [
    "BareBox",
    "Box",
    "JailedBox",
    "Worker",
    "WorkerSpec",
    "ZygoteServer",
    "open_box",
    "open_to_spare",
    "self_test",
]

_HELLO_S = 180.0  # the zygote may still be importing


class Box(Protocol):
    """Starts workers of one tier."""

    tier: str

    def start(self, spec: WorkerSpec, scratch_dir: Path | None = None) -> Worker:
        """Starts a fresh worker; `scratch_dir` is one that an earlier worker was told to keep."""
        ...

    def close(self) -> None:
        """Ends every worker of this box."""
        ...


class _ZygoteBox:
    """A box whose workers are forked by a zygote.

    Args:
        control_fd: `ZygoteServer.control_fd`, perhaps inherited by this process.

    Raises:
        SandboxUnavailable: The machine can't do this tier.
        SandboxFailed: The zygote is gone.
    """

    tier = ""

    def __init__(self, control_fd: int) -> None:
        self._connection = Connection(control_fd)
        self._workers: list[Worker] = []
        self._owned: ZygoteServer | None = None
        try:
            hello = self._connection.request({"op": "hello"}, "hello", timeout_s=_HELLO_S)
            if self.tier == "jailed" and not hello["jail"]:
                raise SandboxUnavailable(f"no jail on this machine: {hello['reason']}")
        except KitError:
            self._connection.close()
            raise

    def start(self, spec: WorkerSpec, scratch_dir: Path | None = None) -> Worker:
        """Forks a worker and waits until its jail is on.

        Args:
            spec: Its limits and folders.
            scratch_dir: A folder kept by `Worker.close(keep_scratch=True)`, to go on with; None makes a new one.

        Raises:
            SandboxFailed: No worker could be started; never the submission's fault.
        """
        self._workers = [worker for worker in self._workers if not worker.closed]
        worker = Worker(self._connection, spec, jailed=self.tier == "jailed", scratch_dir=scratch_dir)
        self._workers.append(worker)
        return worker

    def close(self) -> None:
        """Ends every worker of this box, and the zygote if `open_box` started it. May be called twice."""
        try:
            for worker in self._workers:
                worker.close()
        finally:
            self._workers = []
            self._connection.close()
            if self._owned is not None:
                self._owned.close()

    def __enter__(self) -> _ZygoteBox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class JailedBox(_ZygoteBox):
    """Workers that can't read tests, write results, reach the network or other processes, or leave anything behind."""

    tier = "jailed"


class BareBox(_ZygoteBox):
    """Workers with limits alone: no promise against hostile code."""

    tier = "bare"


def open_box(worker_kind: str, insecure: bool = False, control_fd: int | None = None) -> JailedBox | BareBox:
    """Opens the strongest tier that this machine proves to hold.

    Args:
        worker_kind: "tensorflow" or "numpy": what a zygote of the box's own preloads.
        insecure: Falls back to `bare`, which promises nothing, instead of raising.
        control_fd: Of a running `ZygoteServer`; else the box starts one and ends it with itself.

    Raises:
        SandboxUnavailable: No tier holds and `insecure` is False; the text says what failed.
    """
    server = ZygoteServer(worker_kind) if control_fd is None else None
    fd = server.control_fd if server is not None else control_fd
    if fd is None:
        raise SandboxFailed("no control socket")
    try:
        box = _open(fd, insecure)
    except BaseException:
        if server is not None:
            server.close()
        raise
    box._owned = server
    return box


def _open(control_fd: int, insecure: bool) -> JailedBox | BareBox:
    try:
        box = JailedBox(control_fd)
        try:
            self_test(box)
        except BaseException:
            box.close()
            raise
    except SandboxUnavailable:
        if not insecure:
            raise
        return BareBox(control_fd)
    return box


def self_test(box: JailedBox) -> str:
    """Has a worker try what it must not be able to do.

    Returns:
        What is in force, in words.

    Raises:
        SandboxUnavailable: An attempt succeeded, or no worker could be jailed.
    """
    folder = Path(tempfile.mkdtemp(prefix="grader-self-test-"))
    try:
        folder.chmod(0o755)
        submission, canary = folder / "submission", folder / "canary"
        submission.mkdir()
        canary.write_bytes(b"not for workers")
        spec = WorkerSpec(submission, True, 4 << 30, 1 << 20, 1 << 16, 20.0, 0)
        with box.start(spec) as worker:
            attempts = worker.probe(canary, folder / "outside", time.monotonic() + 20.0)
            failed = [what for what, outcome in attempts.items() if outcome != "refused"]
            if failed or set(attempts) != set(PROBES):
                raise SandboxUnavailable(
                    f"the jail does not hold on this machine: a worker could {', '.join(failed) or 'not be asked'}"
                )
            return worker.jail
    except (SandboxFailed, StudentError) as error:
        raise SandboxUnavailable(f"no worker could be jailed on this machine: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
