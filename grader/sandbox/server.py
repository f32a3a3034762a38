"""Starts and ends a zygote process, and talks to it: the trusted side of the control channel."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from grader.errors import SandboxFailed
from grader.sandbox import bubblewrap, jail, landlock
from grader.sandbox.channel import Channel
from grader.sandbox.temporary import TemporaryFolder

PRELOADS = ("tensorflow", "numpy")
_START_S = 180.0  # a cold import of TensorFlow from a slow disk
_END_S = 10.0
# Where a zygote may write: TensorFlow looks for such a place while it is imported.
_PLACES = ("HOME", "TMPDIR", "KERAS_HOME", "MPLCONFIGDIR")
# Fixed, so that a result depends on no setting of who runs the grader.
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "KERAS_BACKEND": "tensorflow",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # a first answer costs a third less; and bits vary less between machines
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "MPLBACKEND": "Agg",
}


class ZygoteServer:
    """A zygote process; it outlives submissions, and judges share it.

    The constructor returns at once: imports go on while the caller unpacks; `wait_ready` or the first box waits.

    Args:
        preload: "tensorflow" (with Keras) or "numpy".

    Attributes:
        control_fd: Socket that a judge process inherits (`pass_fds`) and hands to a box.
    """

    def __init__(self, preload: str) -> None:
        if preload not in PRELOADS:
            raise SandboxFailed(f"no zygote preloads {preload!r}; expected one of {', '.join(PRELOADS)}")
        temporary_folder = TemporaryFolder("grader-zygote-")
        self._remove_folder = weakref.finalize(self, temporary_folder.remove)
        self._folder = temporary_folder.path
        ours, theirs = socket.socketpair()
        self._control = Channel(ours)
        self._connection: Connection | None = None
        why_unwrapped = _why_unwrapped()
        temporary = str(self._folder.resolve().parent) if not why_unwrapped else ""
        command = [sys.executable, "-I", "-B", "-m", "grader.sandbox.zygote", str(theirs.fileno()), preload]
        identity: dict[str, Any] = {}
        if temporary:
            trees, _ = jail.readable()
            command = bubblewrap.command(trees, jail.zygote_paths(), Path(temporary)) + command
            identity = bubblewrap.identity(jail.SPARE_ID)
            if identity:
                os.chown(self._folder, jail.SPARE_ID, jail.SPARE_ID)
        with theirs, (self._folder / "stderr").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  (our own module, no shell)
                [*command, temporary, why_unwrapped],
                pass_fds=[theirs.fileno()],
                env={**_ENVIRONMENT, **dict.fromkeys(_PLACES, str(self._folder))},
                cwd="/",
                stdin=subprocess.PIPE,  # nothing is written to it: its end tells the zygote that this process has ended
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is the parent's to handle
                **identity,
            )
        ours.setblocking(True)

    @property
    def control_fd(self) -> int:
        return self._control.fileno()

    def wait_ready(self) -> None:
        """Waits until the imports are done.

        Raises:
            SandboxFailed: The process ended instead, or takes too long.
        """
        try:
            self._own_connection().request({"op": "hello"}, "hello", timeout_s=_START_S)
        except SandboxFailed as error:
            raise SandboxFailed(f"{error}{self._last_words()}") from error

    def kill_all(self) -> None:
        """Kills every worker of every box and returns when none is left; for the time after a judge died.

        Raises:
            SandboxFailed: The zygote does not answer.
        """
        self._own_connection().request({"op": "kill_all"}, "killed_all", timeout_s=_START_S)

    def close(self) -> None:
        """Ends the process with all its workers, and deletes its folder. May be called twice."""
        if self._connection is not None:
            self._connection.close()
        with contextlib.suppress(OSError):  # it may have ended by itself
            self._control.send({"op": "quit"})  # a judge may hold the socket too, so closing it says nothing
        self._control.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:  # e.g. stuck in an import
            self._process.kill()
            self._process.wait()
        self._remove_folder()

    def __enter__(self) -> ZygoteServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _own_connection(self) -> Connection:
        if self._connection is None:
            self._connection = Connection(self.control_fd)
        return self._connection

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = (self._folder / "stderr").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return f": {lines[-1]}" if lines else ""
        return ""


@functools.cache
def _why_unwrapped() -> str:
    """Why zygotes of this process run without bubblewrap around them; "" where they run inside."""
    if landlock.abi() >= landlock.REFER_ABI:
        return "Landlock does it better"
    if not jail.spare_enters(Path(tempfile.gettempdir())):
        return f"bubblewrap must not be started by root, and no other uid can enter {tempfile.gettempdir()}"
    return bubblewrap.why_unusable(jail.spare_id())


class Connection:
    """A box's own line to the zygote; its workers end with it.

    Args:
        control_fd: Of a `ZygoteServer`, perhaps inherited.
    """

    def __init__(self, control_fd: int) -> None:
        try:
            control = socket.fromfd(control_fd, socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:
            raise SandboxFailed(f"no control socket of a zygote ({error.strerror})") from error
        ours, theirs = socket.socketpair()
        try:
            Channel(control).send({"op": "connect"}, (theirs.fileno(),))
        except OSError as error:
            ours.close()
            raise SandboxFailed(f"the zygote is gone ({error.strerror})") from error
        finally:
            control.close()
            theirs.close()
        self._channel = Channel(ours)
        self._sending = threading.Lock()
        self._receiving = threading.Lock()
        self._waiting: list[dict[str, Any]] = []

    def send(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        """Sends one message; any thread may.

        Raises:
            SandboxFailed: The zygote is gone.
        """
        try:
            with self._sending:
                self._channel.send(message, fds)
        except OSError as error:
            raise SandboxFailed(f"the zygote is gone ({error.strerror})") from error

    def request(
        self, message: dict[str, Any], answer: str, *, timeout_s: float, fds: tuple[int, ...] = ()
    ) -> dict[str, Any]:
        """Sends a message and returns its answer, the next one whose `op` is `answer` or `refused`.

        Raises:
            SandboxFailed: The zygote is gone, refused, or does not answer in time.
        """
        self.send(message, fds)
        reply = self._wait(lambda found: found["op"] in (answer, "refused"), timeout_s)
        if reply is None:
            raise SandboxFailed(f"the zygote gave no answer within {timeout_s:g} s")
        if reply["op"] == "refused":
            raise SandboxFailed(reply["reason"])
        return reply

    def wait_exit(self, pid: int, timeout_s: float) -> dict[str, Any] | None:
        """Returns how that worker ended (`status` as of os.wait, `peak_bytes`), or None where it has not yet."""
        return self._wait(lambda found: found["op"] == "exited" and found["pid"] == pid, timeout_s)

    def close(self) -> None:
        """Closes the line; the zygote then kills what workers are left."""
        self._channel.close()

    def _wait(self, wanted: Callable[[dict[str, Any]], bool], timeout_s: float) -> dict[str, Any] | None:
        until = time.monotonic() + timeout_s
        with self._receiving:
            while True:
                for message in self._waiting:
                    if wanted(message):
                        self._waiting.remove(message)
                        return message
                left_s = until - time.monotonic()
                if left_s <= 0:
                    return None
                self._channel.socket.settimeout(left_s)
                try:
                    received = self._channel.receive()
                except TimeoutError:
                    return None
                except OSError as error:
                    raise SandboxFailed(f"the zygote is gone ({error.strerror})") from error
                if received is None:
                    raise SandboxFailed("the zygote is gone")
                self._waiting += [message for message, _ in received]
