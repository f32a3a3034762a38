"""Imports what workers need, once, and forks a worker on request.

`python -I -B -m grader.sandbox.zygote FD PRELOAD TEMPORARY WHY`: TEMPORARY is "" but inside bubblewrap (see there), WHY
says what keeps this zygote out of it. Its stdin is a pipe that the parent holds open as long as it lives.

It runs no TensorFlow operation (every child would hang), starts no thread, holds no tests and no answers, and reads
nothing that a worker writes. Connections arrive over the control socket, one for each box; a connection's workers
die with it, and all die with the control socket, with the parent, or with the zygote itself.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import math
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.sandbox import jail, worker
from grader.sandbox.channel import Channel

_PARENT_CHECK_S = 1.0
_NEEDED = {"numpy": ("numpy",), "tensorflow": ("numpy", "tensorflow", "keras")}
# What a worker would otherwise import at its first call, or a student's module at its top.
_HELPFUL = {
    "numpy": ("numpy.random", "numpy.linalg", "numpy.fft", "matplotlib.pyplot", "matplotlib.backends.backend_agg"),
    "tensorflow": (
        *("numpy.random", "matplotlib.pyplot", "matplotlib.backends.backend_agg"),
        *(
            "PIL.PngImagePlugin",
            "PIL.JpegImagePlugin",
            "PIL.GifImagePlugin",
            "PIL.BmpImagePlugin",
            "PIL.PpmImagePlugin",
        ),
        *(
            f"tensorflow.python.data.ops.{name}_op"
            for name in ("from_generator", "from_tensors", "flat_map", "range", "zip", "concatenate")
        ),
    ),
}
_QUIET_S = 10.0
_KILL_ALL_S = 30.0
_MOST_GENERATIONS = 50


@dataclass
class _Child:
    owner: Channel
    kill_at: float | None = None  # monotonic seconds; a SIGABRT went out before


class Zygote:
    """The loop: requests come in, workers go out, ended workers are reported to the box that asked for them."""

    def __init__(self, control: Channel, rules: jail.Rules | None, reason: str) -> None:
        self.control = control
        self.rules = rules
        self.reason = reason
        self.children: dict[int, _Child] = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ, self.on_control)
        self.selector.register(0, selectors.EVENT_READ, self.on_parent_end)
        self.parent = os.getppid()
        wake, wakeup = socket.socketpair()
        wake.setblocking(False)
        wakeup.setblocking(False)
        self.selector.register(wake, selectors.EVENT_READ, lambda: self.on_wake(wake))
        self.wakeup = wakeup  # kept open: signals are written to it
        signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # The death signal comes when the parent's *thread* ends, so look whether the process is there still.
        signal.signal(signal.SIGHUP, lambda *_: None)
        jail.set_death_signal(signal.SIGHUP)
        jail.adopt_orphans()
        self.running = True

    def serve(self) -> None:
        """Runs until the control socket is closed or the parent is gone; leaves no child."""
        try:
            while self.running and os.getppid() == self.parent:
                for key, _ in self.selector.select(self.next_wait_s()):
                    key.data()
                self.kill_overdue()
                self.reap()
        finally:
            for pid in self.children:
                _kill(pid, signal.SIGKILL)
                with contextlib.suppress(OSError):
                    os.waitpid(pid, 0)
            self.end_orphans()

    def next_wait_s(self) -> float:
        due = [child.kill_at for child in self.children.values() if child.kill_at is not None]
        return max(0.0, min([_PARENT_CHECK_S, *(at - time.monotonic() for at in due)]))

    def on_parent_end(self) -> None:
        """Nobody writes there, so it can be read once the parent is gone: inside bubblewrap nothing else tells."""
        self.running = False

    def on_wake(self, wake: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            wake.recv(4096)

    def on_control(self) -> None:
        received = self.control.receive()
        if received is None:
            self.running = False
            return
        for message, fds in received:
            if message["op"] == "quit":
                self.running = False
            for fd in fds:
                connection = Channel(socket.socket(fileno=fd))
                connection.socket.setblocking(False)
                self.selector.register(connection, selectors.EVENT_READ, lambda c=connection: self.on_connection(c))

    def on_connection(self, connection: Channel) -> None:
        received = connection.receive()
        if received is None:
            self.drop(connection)
            return
        for message, fds in received:
            try:
                self.answer(connection, message, fds)
            except (KeyError, TypeError, ValueError, OSError) as error:
                self.send(connection, {"op": "refused", "reason": f"{type(error).__name__}: {error}"})
            finally:
                for fd in fds:
                    os.close(fd)

    def answer(self, connection: Channel, message: dict[str, Any], fds: list[int]) -> None:
        op = message["op"]
        if op == "hello":
            self.send(connection, {"op": "hello", "tier": self.tier(), "reason": self.reason})
        elif op == "fork":
            self.send(connection, self.fork(connection, worker.Start(**message["start"]), fds))
        elif op == "kill" and message["pid"] in self.children:
            _kill(message["pid"], signal.SIGKILL)
        elif op == "abort" and message["pid"] in self.children:
            # faulthandler in the worker writes where it is; student code may have disarmed it, so SIGKILL follows.
            # Once only: a second signal would cut its words short.
            child = self.children[message["pid"]]
            if child.kill_at is None:
                child.kill_at = time.monotonic() + message["grace_s"]
                _kill(message["pid"], signal.SIGABRT)
        elif op == "kill_all":
            for pid in self.children:
                _kill(pid, signal.SIGKILL)
            until = time.monotonic() + _KILL_ALL_S
            while self.children and time.monotonic() < until:
                self.reap()
                time.sleep(0.002)
            if self.children:
                raise OSError(f"{len(self.children)} workers do not end")
            self.send(connection, {"op": "killed_all"})

    def tier(self) -> str:
        """The tier that its workers can have besides `bare`, or ""."""
        if self.rules is None:
            return ""
        return "bubblewrap" if self.rules.temporary else "jailed"

    def fork(self, connection: Channel, start: worker.Start, fds: list[int]) -> dict[str, Any]:
        threads = jail.thread_count()
        if threads != 1:
            return {"op": "refused", "reason": f"the zygote has {threads} threads; a fork would be unsafe"}
        try:
            pid = os.fork()
        except OSError as error:
            return {"op": "refused", "reason": f"no new process: {error}"}
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                worker.run(start, fds[0], fds[1], fds[2], self.rules)
            finally:
                os._exit(worker.EXIT_UNUSABLE)
        self.children[pid] = _Child(connection)
        return {"op": "forked", "pid": pid}

    def kill_overdue(self) -> None:
        now = time.monotonic()
        for pid, child in self.children.items():
            if child.kill_at is not None and child.kill_at <= now:
                child.kill_at = math.inf
                _kill(pid, signal.SIGKILL)

    def reap(self) -> None:
        for pid in list(self.children):
            found, status, usage = os.wait4(pid, os.WNOHANG)
            if found == 0:
                continue
            child = self.children.pop(pid)
            scale = 1 if sys.platform == "darwin" else 1024
            event = {"op": "exited", "pid": pid, "status": status, "peak_bytes": usage.ru_maxrss * scale}
            self.send(child.owner, event)
            self.end_orphans()

    def end_orphans(self) -> None:
        """Ends what a worker without a jail started and left behind; it may start more meanwhile, so not for ever."""
        for _ in range(_MOST_GENERATIONS):
            orphans = [pid for pid in _own_children() if pid not in self.children]
            if not orphans:
                return
            for pid in orphans:
                _kill(pid, signal.SIGKILL)
                with contextlib.suppress(OSError):
                    os.waitpid(pid, 0)

    def send(self, connection: Channel, message: dict[str, Any]) -> None:
        try:
            connection.send(message)
        except OSError:
            self.drop(connection)

    def drop(self, connection: Channel) -> None:
        """Forgets a box that is gone, with its workers."""
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(connection)
        connection.close()
        for pid, child in self.children.items():
            if child.owner is connection:
                _kill(pid, signal.SIGKILL)


def preload(kind: str) -> None:
    """Imports what workers of this kind use, so that their first call does not have to; starts no thread that stays."""
    for name in _NEEDED[kind]:
        importlib.import_module(name)
    for name in _HELPFUL[kind]:
        with contextlib.suppress(ImportError):  # not installed, or moved in another version
            importlib.import_module(name)
    if kind == "tensorflow":
        _ = sys.modules["tensorflow"].keras.layers  # loaded lazily
    until = time.monotonic() + _QUIET_S
    while jail.thread_count() != 1 and time.monotonic() < until:  # a timer of matplotlib's, cancelled but not gone yet
        time.sleep(0.01)


def main(arguments: list[str]) -> int:
    """Starts the zygote; what was sent meanwhile waits in the socket."""
    control = Channel(socket.socket(fileno=int(arguments[0])))
    preload(arguments[1])
    temporary, why = arguments[2:]
    rules, reason = None, ""
    try:
        rules = jail.inner_rules(temporary) if temporary else jail.rules()
    except OSError as error:
        reason = "; ".join(filter(None, (error.strerror or str(error), why)))
    gc.collect()
    gc.freeze()  # so that no collection in a child touches, and thereby copies, these pages
    jail.forbid_dumping()
    zygote = Zygote(control, rules, reason)
    zygote.serve()
    return 0


def _own_children() -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()]
    except OSError:  # a system without /proc, or a kernel that does not list them
        return []


def _kill(pid: int, number: int) -> None:
    # Not reaped yet, so the pid is still that child's.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
