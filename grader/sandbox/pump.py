"""One thread a worker: writes requests, reads replies, keeps the output flowing and watches the scratch folder.

It only moves bytes and measures; nothing of what a worker sent is decoded here.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
import time
from collections.abc import Callable
from pathlib import Path

from grader.sandbox import scratch, wire

_CHUNK_BYTES = 1 << 18
_TAIL_BYTES = 1 << 15
_CHECK_S = 0.1
_LAST_OUTPUT_S = 1.0

Frame = tuple[bytes, bytearray]


class Overdue(Exception):
    """The deadline passed before the whole reply was there."""


class Closed(Exception):
    """The worker's end of the pipe is closed."""


class ScratchFull(Exception):
    """The scratch folder holds more than it may."""


class TooManyThreads(Exception):
    """The worker was stopped for that."""


class Pump(threading.Thread):
    """Moves the bytes of one worker; every public method may be called from the judge's thread.

    Args:
        request_fd: Written to; closed by `finish`, as the other two.
        reply_fd: Read from.
        output_fd: Read from all the time, so that a worker that prints never waits.
        output_bytes: How much of the output is kept.
        scratch_dir: Folder to watch, or None.
        scratch_bytes: Its cap.
        abort: Called from the pump's thread when the deadline of a request passes, whether somebody waits or not.
        kill: Called from the pump's thread when the scratch folder is full, or there are too many threads.
    """

    def __init__(
        self,
        request_fd: int,
        reply_fd: int,
        output_fd: int,
        *,
        output_bytes: int,
        scratch_dir: Path | None,
        scratch_bytes: int,
        abort: Callable[[], None],
        kill: Callable[[], None],
    ) -> None:
        super().__init__(name="worker pump", daemon=True)
        self._request_fd, self._reply_fd, self._output_fd = request_fd, reply_fd, output_fd
        self._wake_fd, self._wakeup_fd = os.pipe()
        for fd in (request_fd, reply_fd, output_fd, self._wake_fd, self._wakeup_fd):
            os.set_blocking(fd, False)
        self._output_bytes = output_bytes
        self._scratch_dir, self._scratch_bytes = scratch_dir, scratch_bytes
        self._abort_worker, self._kill_worker = abort, kill
        self._status_file: Path | None = None
        self._most_threads = 0
        self._changed = threading.Condition()
        self._outgoing = memoryview(b"")
        self._expected: list[int] | None = None
        self._incoming = bytearray()
        self._frame: Frame | None = None
        self._deadline: float | None = None
        self._error: Exception | None = None
        self._finishing = self._output_ended = False
        self._output = bytearray()
        self._tail = bytearray()
        self._dropped_bytes = 0

    def watch_threads(self, pid: int, most: int) -> None:
        """Stops the worker once it has more threads; where there is no /proc, nothing is watched."""
        status = Path(f"/proc/{pid}/status")
        if pid and status.exists():
            self._most_threads, self._status_file = most, status

    def post(self, frame: bytes, deadline: float | None) -> None:
        """Sends one request; its reply is read in the background, whether somebody waits or not.

        Args:
            deadline: Monotonic seconds at which the worker is stopped; None leaves that to `wait`.
        """
        with self._changed:
            self._outgoing = memoryview(frame)
            self._frame = None
            self._incoming = bytearray()
            self._expected = [wire.PREFIX_BYTES]
            self._deadline = deadline
        self._wake()

    def wait(self, deadline: float) -> Frame:
        """Returns header and payload of the reply.

        Raises:
            Overdue: It is not whole at the deadline (monotonic seconds).
            Closed: The worker closed its pipe first.
            ScratchFull, TooManyThreads: The worker was stopped for that.
            wire.WireError: The bytes are no frame.
        """
        with self._changed:
            while self._frame is None and self._error is None:
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not self._changed.wait(left_s):
                    raise Overdue
            if self._frame is None:
                raise self._error or Closed()
            frame, self._frame = self._frame, None
            return frame

    def finish(self) -> None:
        """Reads what output is left and closes the pipes; call it when the worker has ended."""
        with self._changed:
            self._finishing = True
        self._wake()
        self.join()

    def wait_output_end(self) -> None:
        """Waits until all output of an ended worker is read; not for long: without a jail a survivor may hold it."""
        with self._changed:
            self._changed.wait_for(lambda: self._output_ended, _LAST_OUTPUT_S)

    def output(self) -> tuple[bytes, int]:
        """What was printed so far, cut to `output_bytes`, and the number of bytes that were dropped."""
        with self._changed:
            return bytes(self._output), self._dropped_bytes

    def tail(self) -> bytes:
        """The end of the output, kept apart from its beginning."""
        with self._changed:
            return bytes(self._tail)

    def run(self) -> None:
        """The thread: one loop until `finish`."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_fd, selectors.EVENT_READ)
            selector.register(self._output_fd, selectors.EVENT_READ)
            next_check = time.monotonic()
            try:
                while not self._finishing:
                    self._follow(selector)
                    ready = {key.fd for key, _ in selector.select(self._pause_s())}
                    if self._wake_fd in ready:
                        self._drain_wake()
                    if self._request_fd in ready:
                        self._write()
                    # Output first: what was printed before a reply must be there when the reply is.
                    if self._output_fd in ready or self._reply_fd in ready:
                        self._read_output(selector)
                    if self._reply_fd in ready:
                        self._read_reply()
                    if time.monotonic() >= next_check:
                        self._check_use()
                        next_check = time.monotonic() + _CHECK_S
                    self._check_deadline()
                self._last_output(selector)
            finally:
                for fd in (self._request_fd, self._reply_fd, self._output_fd, self._wake_fd, self._wakeup_fd):
                    os.close(fd)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wakeup_fd, b"x")

    def _drain_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_fd, 4096)

    def _pause_s(self) -> float | None:
        pause_s = _CHECK_S if self._scratch_dir or self._status_file else None
        if self._deadline is not None:
            left_s = max(0.0, self._deadline - time.monotonic())
            pause_s = left_s if pause_s is None else min(left_s, pause_s)
        return pause_s

    def _follow(self, selector: selectors.BaseSelector) -> None:
        """Listens to the two pipes only while a request is under way."""
        for fd, event, wanted in (
            (self._request_fd, selectors.EVENT_WRITE, bool(self._outgoing)),
            (self._reply_fd, selectors.EVENT_READ, self._expected is not None),
        ):
            if wanted != (fd in selector.get_map()):
                if wanted:
                    selector.register(fd, event)
                else:
                    selector.unregister(fd)

    def _write(self) -> None:
        try:
            written = os.write(self._request_fd, self._outgoing[:_CHUNK_BYTES])
        except BlockingIOError:
            return
        except OSError:
            self._outgoing = memoryview(b"")  # the closed reply pipe will tell
            return
        self._outgoing = self._outgoing[written:]

    def _read_reply(self) -> None:
        expected = self._expected
        if expected is None:
            return
        try:
            data = os.read(self._reply_fd, min(_CHUNK_BYTES, sum(expected) - len(self._incoming)))
        except BlockingIOError:
            return
        if not data:
            self._fail(Closed())
            return
        self._incoming += data
        if len(self._incoming) < sum(expected):
            return
        if len(expected) == 1:
            try:
                expected += wire.parse_prefix(bytes(self._incoming))
            except wire.WireError as error:
                self._fail(error)
            return
        header_end = wire.PREFIX_BYTES + expected[1]
        frame = bytes(self._incoming[wire.PREFIX_BYTES : header_end]), self._incoming[header_end:]
        with self._changed:
            self._frame, self._expected, self._deadline = frame, None, None
            self._incoming = bytearray()
            self._changed.notify_all()

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self._error = self._error or error
            self._expected = self._deadline = None
            self._outgoing = memoryview(b"")
            self._changed.notify_all()

    def _read_output(self, selector: selectors.BaseSelector) -> bool:
        """Empties the pipe; returns whether there may be more one day."""
        if self._output_fd not in selector.get_map():
            return False
        for _ in range(64):  # a flood must not keep replies and deadlines waiting
            try:
                data = os.read(self._output_fd, _CHUNK_BYTES)
            except BlockingIOError:
                return True
            if not data:
                selector.unregister(self._output_fd)
                with self._changed:
                    self._output_ended = True
                    self._changed.notify_all()
                return False
            with self._changed:
                room = self._output_bytes - len(self._output)
                self._output += data[:room]
                self._dropped_bytes += max(0, len(data) - room)
                self._tail += data[-_TAIL_BYTES:]
                del self._tail[:-_TAIL_BYTES]
        return True

    def _last_output(self, selector: selectors.BaseSelector) -> None:
        """Nobody writes any more, or, without a jail, a survivor that is not waited for."""
        until = time.monotonic() + _LAST_OUTPUT_S
        while self._read_output(selector) and time.monotonic() < until:
            if not any(key.fd == self._output_fd for key, _ in selector.select(0)):
                return

    def _check_use(self) -> None:
        """Looks at what no limit of the system counts for one worker."""
        if self._scratch_dir is not None:
            used = scratch.used_bytes(self._scratch_dir)
            if used is None or used > self._scratch_bytes:
                self._scratch_dir = None
                self._fail(ScratchFull())
                self._kill_worker()
        if self._status_file is not None and _thread_count(self._status_file) > self._most_threads:
            self._status_file = None
            self._fail(TooManyThreads())
            self._kill_worker()

    def _check_deadline(self) -> None:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._fail(Overdue())
            self._abort_worker()


def _thread_count(status_file: Path) -> int:
    """Threads that a process has; 0 once it is gone."""
    try:
        for line in status_file.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("Threads:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
