"""One worker, as the judge sees it: calls go in, answers or errors come out, and the process ends when told."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from grader.errors import BadAnswer, Place, SandboxFailed, StudentError, WorkerDied
from grader.sandbox import answers, bubblewrap, jail, pump, scratch, wire
from grader.sandbox.server import Connection

_FORK_S = 60.0
_ABORT_GRACE_S = 0.5
_EXIT_S = 20.0
_NATURAL_EXIT_S = 1.0


@dataclass(frozen=True)
class WorkerSpec:
    """What one worker may use.

    Attributes:
        submission: Folder with the student's modules and the kit's adapters.py; readable, never written.
        scratch: Whether it gets a private folder, beside `submission`, which is deleted afterwards.
        memory_bytes: Address space.
        scratch_bytes: Of the private folder; also the largest file.
        output_bytes: How much of stdout and stderr together is kept.
        cpu_s: Processor seconds a core; multiplied by the cores that it may use.
        seed: Of random, NumPy and Keras when it starts.
        core: The one core to stay on, or None.
        forbidden: Packages that the submission may import and not use.
        traced: Whether `Worker.opened` is wanted; for submissions of ours alone, since a worker answers it.
    """

    submission: Path
    scratch: bool
    memory_bytes: int
    scratch_bytes: int
    output_bytes: int
    cpu_s: float
    seed: int
    core: int | None = None
    forbidden: tuple[str, ...] = ()
    traced: bool = False


class Worker:
    """One forked process that runs one submission; made by `Box.start`.

    Attributes:
        scratch: Its private folder, or None.
        jail: What is in force in it, in words; "" in tier bare.
        peak_memory_bytes: Resident peak, with what it shares with the zygote; 0 until closed.
        closed: Whether it has ended for good.
    """

    def __init__(self, connection: Connection, spec: WorkerSpec, *, tier: str, scratch_dir: Path | None) -> None:
        self.spec = spec
        self.peak_memory_bytes = 0
        self.closed = False
        self.jail = ""
        self._root = spec.submission.resolve()
        self._connection = connection
        self._pending: tuple[str, str, str, float] | None = None  # id, op, name, submitted at
        self._fatal: StudentError | None = None
        self._exit: dict[str, Any] | None = None
        self.scratch = scratch_dir
        if spec.scratch and scratch_dir is None:
            try:
                self.scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=self._root.parent))
                if tier == "bubblewrap":
                    jail.give_to_spare(self.scratch)  # the worker can't: it never was root
            except OSError as error:
                raise SandboxFailed(f"no private folder for a worker beside {self._root}: {error}") from error
        cores = 1 if spec.core is not None else os.cpu_count() or 1
        start = {
            "submission": str(self._root),
            "scratch": str(self.scratch.resolve()) if self.scratch else "",
            "memory_bytes": spec.memory_bytes,
            "file_bytes": spec.scratch_bytes,
            "cpu_s": spec.cpu_s * cores,
            "seed": spec.seed,
            "core": spec.core,
            "jailed": tier != "bare",
            "forbidden": spec.forbidden,
            "traced": spec.traced,
        }
        request_r, request_w = os.pipe()
        reply_r, reply_w = os.pipe()
        output_r, output_w = os.pipe()
        self._pump = pump.Pump(
            request_w,
            reply_r,
            output_r,
            output_bytes=spec.output_bytes,
            scratch_dir=self.scratch,
            scratch_bytes=spec.scratch_bytes,
            abort=lambda: self._tell_from_pump("abort"),
            kill=lambda: self._tell_from_pump("kill"),
        )
        self.pid = 0
        try:
            self.pid = connection.request(
                {"op": "fork", "start": start}, "forked", timeout_s=_FORK_S, fds=(request_r, reply_w, output_w)
            )["pid"]
        finally:
            for fd in (request_r, reply_w, output_w):
                os.close(fd)
            self._pump.start()
            if not self.pid:
                self.close()
        if tier != "bubblewrap":  # there the kernel counts them, and the pid is one of another namespace
            self._pump.watch_threads(self.pid, bubblewrap.MOST_THREADS)
        self._greet()

    def call(self, name: str, arguments: Mapping[str, Any], deadline: float) -> Any:
        """Calls the adapter of that name and returns what came back.

        Args:
            name: Function of adapters.py.
            arguments: By keyword; values as of `wire.encode`.
            deadline: Monotonic seconds until which the whole answer must be there.

        Returns:
            Arrays (fresh, writable), plain values, lists, tuples, dicts: whatever the student's process chose to send.

        Raises:
            StudentError: The submission's fault. The worker has ended where it is a TimeLimit, a WorkerDied, a
                MemoryLimit by a crash or a BadAnswer by a broken message; every later call raises the same again.
            SandboxFailed: Ours.
        """
        self.submit(name, arguments, deadline)
        return self.result(deadline)

    def submit(self, name: str, arguments: Mapping[str, Any], deadline: float | None = None) -> None:
        """Begins a call and returns at once; `result` gets its answer.

        Args:
            deadline: Monotonic seconds at which the worker is stopped even if nobody waits; None: `result` decides.

        Raises:
            StudentError: The worker has ended before.
            SandboxFailed: Another call is under way, or an argument can't be sent.
        """
        self._post("call", name, dict(arguments), deadline)

    def result(self, deadline: float) -> Any:
        """Returns the answer of the call that `submit` began; see `call`.

        An answer that arrived before counts, even where the deadline has passed meanwhile.
        """
        if self._pending is None:
            if self._fatal is not None:
                raise self._fatal
            raise SandboxFailed("no call is under way")
        request_id, op, name, submitted = self._pending
        try:
            header, payload = self._pump.wait(deadline)
        except pump.Overdue:
            place = self._abort(at_import=op == "import")
            raise self._fail(answers.overdue(_what(op, name), deadline - submitted, place)) from None
        except pump.ScratchFull:
            raise self._fail(answers.scratch_full(_what(op, name), self.spec.scratch_bytes)) from None
        except pump.TooManyThreads:
            raise self._fail(answers.too_many_threads(_what(op, name), bubblewrap.MOST_THREADS)) from None
        except pump.Closed:
            raise self._fail(self._died(_what(op, name))) from None
        except wire.WireError as error:
            raise self._fail(BadAnswer(f"the worker sent {error} instead of the answer of `{name}`")) from None
        self._pending = None
        try:
            reply = answers.checked_reply(wire.unpack_frame(header, payload), request_id)
        except wire.WireError as error:
            raise self._fail(BadAnswer(f"the worker sent {error} instead of the answer of `{name}`")) from None
        if reply["ok"]:
            return reply["value"]
        raise answers.student_error(reply["error"], name)

    def import_module(self, name: str, deadline: float) -> None:
        """Imports one module of the submission.

        Raises:
            TimeLimit: Its place is the line at which the import hung.
            StudentError: See `call`; MissingName where there is no such module, ImportFailed where it raises.
        """
        self._post("import", name, {}, deadline)
        self.result(deadline)

    def opened(self, deadline: float) -> frozenset[str]:
        """Files of the submission that Python has opened in this worker, relative to it; see `WorkerSpec.traced`."""
        self._post("opened", "opened", {}, deadline)
        return frozenset(map(str, self.result(deadline)))

    def probe(self, scene: Mapping[str, Any], deadline: float, title: str = "") -> dict[str, str]:
        """Tries inside what a worker must not be able to do.

        Args:
            scene: See `attacks`.
            title: Of one attack; "" tries all short ones.

        Returns:
            "refused" or "done" for each title.
        """
        self._post("probe", "self-test", {"title": title, "scene": dict(scene)}, deadline)
        found = self.result(deadline)
        return {str(key): str(value) for key, value in found.items()}

    @property
    def output(self) -> str:
        """stdout and stderr so far, cut to `output_bytes`; control characters are left as they are."""
        kept, dropped_bytes = self._pump.output()
        text = kept.decode("utf-8", errors="replace")
        if self._exit is not None and os.WIFSIGNALED(self._exit["status"]) and answers.CRASH in text:
            text = text[: text.rindex(answers.CRASH)]  # faulthandler's, not the student's; it became the error's place
        return f"{text}\n[{dropped_bytes} more bytes dropped]\n" if dropped_bytes else text

    def close(self, keep_scratch: bool = False) -> None:
        """Ends the process, waits for it, and deletes its folder unless told to keep it. May be called twice.

        Raises:
            SandboxFailed: The process could not be ended, or its folder not deleted.
        """
        if not self.closed:
            self.closed = True
            self._fatal = self._fatal or WorkerDied("the worker was closed")
            try:
                self._end()
            finally:
                self._pump.finish()
                if not keep_scratch:
                    self._remove_scratch()
        elif not keep_scratch:
            self._remove_scratch()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _greet(self) -> None:
        """Reads the first frame, which comes before any code of the student's runs."""
        try:
            self._pump.post(b"", None)
            hello = wire.unpack_frame(*self._pump.wait(time.monotonic() + _FORK_S))
        except (pump.Overdue, pump.Closed, wire.WireError) as error:
            self.close()
            raise SandboxFailed(f"a worker did not start ({type(error).__name__})") from error
        if not hello["ready"]:
            self.close()
            raise SandboxFailed(f"a worker did not start: {hello['reason']}")
        self.jail = hello["jail"]

    def _post(self, op: str, name: str, arguments: dict[str, Any], deadline: float | None) -> None:
        if self._fatal is not None:
            raise self._fatal
        if self._pending is not None:
            raise SandboxFailed(f"`{self._pending[2]}` is still under way in this worker")
        request_id = secrets.token_hex(8)
        try:
            frame = wire.pack_frame({"id": request_id, "op": op, "name": name, "arguments": arguments})
        except wire.WireError as error:
            raise SandboxFailed(f"the arguments of `{name}` hold {error}") from error
        self._pending = (request_id, op, name, time.monotonic())
        self._pump.post(frame, deadline)

    def _fail(self, error: StudentError) -> StudentError:
        """Ends the process; this error is all that later calls get."""
        self._fatal, self._pending = error, None
        if self._exit is None:
            self._tell("kill")
            self._await_exit(_EXIT_S)
        return error

    def _tell(self, op: str) -> None:
        """Has the zygote "kill" the process, or "abort" it: faulthandler then writes where it was."""
        self._connection.send({"op": op, "pid": self.pid, "grace_s": _ABORT_GRACE_S})

    def _tell_from_pump(self, op: str) -> None:
        with contextlib.suppress(SandboxFailed):  # the judge's own thread will meet it
            self._tell(op)

    def _end(self) -> None:
        if self.pid and self._exit is None:
            self._tell("kill")
            if self._await_exit(_EXIT_S) is None:
                raise SandboxFailed(f"the worker could not be ended within {_EXIT_S:g} s")

    def _remove_scratch(self) -> None:
        if self.scratch is None:
            return
        try:
            scratch.remove(self.scratch)
        except OSError as error:
            raise SandboxFailed(f"the worker's folder could not be deleted: {error}") from error

    def _await_exit(self, timeout_s: float) -> dict[str, Any] | None:
        if self._exit is None:
            self._exit = self._connection.wait_exit(self.pid, timeout_s)
            if self._exit is not None:
                self.peak_memory_bytes = self._exit["peak_bytes"]
        return self._exit

    def _abort(self, *, at_import: bool) -> Place | None:
        self._tell("abort")
        self._await_exit(_EXIT_S)
        self._pump.wait_output_end()
        return answers.dumped_place(self._pump.tail(), self._root, at_import=at_import)

    def _died(self, what: str) -> StudentError:
        found = self._await_exit(_NATURAL_EXIT_S)
        if found is None:
            return answers.ended(what, None, b"", None, self.spec.memory_bytes, self.spec.cpu_s)
        self._pump.wait_output_end()
        tail = self._pump.tail()
        place = answers.dumped_place(tail, self._root)
        return answers.ended(what, found["status"], tail, place, self.spec.memory_bytes, self.spec.cpu_s)


def _what(op: str, name: str) -> str:
    return f"Importing `{name}`" if op == "import" else f"`{name}`"
