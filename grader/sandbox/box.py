"""The choice of a tier, and boxes: what starts workers.

Tiers, chosen by `open_box`: `jailed` (Landlock and system-call filter), `bubblewrap` (the same without Landlock, in
namespaces), both proved by a self-test in a worker; and `bare` (another process and limits; no promise against hostile
code, so only where the caller says `insecure`). docs/security.md says what each promises.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeAlias

from grader.errors import KitError, SandboxFailed, SandboxUnavailable, StudentError
from grader.sandbox.attacks import attacks
from grader.sandbox.handle import Worker, WorkerSpec
from grader.sandbox.jail import open_to_spare
from grader.sandbox.server import Connection, ZygoteServer
from grader.sandbox.temporary import TemporaryFolder

__all__ = [
    "BareBox",
    "Box",
    "BubblewrapBox",
    "JailedBox",
    "Worker",
    "WorkerSpec",
    "ZygoteServer",
    "open_box",
    "open_strong",
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
            if self.tier not in ("bare", hello["tier"]):
                what = "jail" if self.tier == "jailed" else self.tier
                raise SandboxUnavailable(f"no {what} on this machine: {hello['reason']}")
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
        worker = Worker(self._connection, spec, tier=self.tier, scratch_dir=scratch_dir)
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


class BubblewrapBox(_ZygoteBox):
    """Workers that can't do more than jailed ones, on kernels without Landlock."""

    tier = "bubblewrap"


class BareBox(_ZygoteBox):
    """Workers with limits alone: no promise against hostile code."""

    tier = "bare"


StrongBox: TypeAlias = JailedBox | BubblewrapBox


def open_box(worker_kind: str, insecure: bool = False, control_fd: int | None = None) -> StrongBox | BareBox:
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
        box = _open(fd, insecure, scratch=worker_kind != "numpy")
    except BaseException:
        if server is not None:
            server.close()
        raise
    box._owned = server
    return box


def open_strong(control_fd: int) -> StrongBox:
    """A box of the tier that this zygote offers, not yet proved.

    Raises:
        SandboxUnavailable: It offers none but `bare`.
    """
    try:
        return JailedBox(control_fd)
    except SandboxUnavailable:
        with suppress(SandboxUnavailable):
            return BubblewrapBox(control_fd)
        raise


def _open(control_fd: int, insecure: bool, scratch: bool) -> StrongBox | BareBox:
    try:
        box = open_strong(control_fd)
        try:
            self_test(box, scratch=scratch)
        except BaseException:
            box.close()
            raise
    except SandboxUnavailable:
        if not insecure:
            raise
        return BareBox(control_fd)
    return box


def self_test(box: StrongBox, *, scratch: bool = True) -> str:
    """Has a worker try what it must not be able to do: the short attacks of `attacks`.

    Args:
        scratch: Gives it a private folder, as workers with TensorFlow have.

    Returns:
        What is in force, in words.

    Raises:
        SandboxUnavailable: An attack succeeded, or no worker could be jailed, at the second try either.
    """
    try:
        return _tested(box, scratch)
    except (SandboxFailed, StudentError):  # a worker that is killed from outside says nothing about the tier
        try:
            return _tested(box, scratch)
        except (SandboxFailed, StudentError) as error:
            raise SandboxUnavailable(f"no worker could be jailed on this machine: {error}") from error


def _tested(box: StrongBox, scratch: bool) -> str:
    temporary = TemporaryFolder("grader-self-test-")
    try:
        folder = temporary.path
        submission, secret = folder / "submission", folder / "tests" / "secret"
        for path in (folder, submission, secret.parent):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
        for path in (secret, submission / "hw.py"):
            path.write_bytes(b"not for workers")
            path.chmod(0o666)
        scene = {
            "secret": str(secret),
            "own": str(submission / "hw.py"),
            "folder": str(secret.parent),
            "marker": folder.name,
            "grader": os.getpid(),
        }
        spec = WorkerSpec(submission, scratch, 4 << 30, 1 << 20, 1 << 16, 20.0, 0)
        with box.start(spec) as worker:
            found = worker.probe(scene, time.monotonic() + 20.0)
            failed = [title for title, outcome in found.items() if outcome != "refused"]
            if failed or set(found) != set(attacks(short=True)):
                raise SandboxUnavailable(
                    f"tier {box.tier} does not hold here: a worker could {', '.join(failed) or 'not be asked'}"
                )
            return worker.jail
    finally:
        temporary.remove()
