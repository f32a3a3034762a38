"""What runs inside a forked worker: puts on the jail, then answers one request after the other.

From the first request on nothing here can be trusted by anybody: student code runs in this process.
It imports the standard library and NumPy alone; TensorFlow and Keras are used where the zygote has loaded them.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import random
import resource
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from grader.sandbox import attacks, calls, hollow, jail, wire

EXIT_CLOSED = 0
EXIT_UNUSABLE = 70  # the jail could not be put on: nothing of the student's ran
_STACK_BYTES = 16 << 20
_MOST_FILES = 256
_opened: set[str] = set()


@dataclass(frozen=True)
class Start:
    """What a worker needs to begin; crosses the control channel as JSON.

    Attributes:
        submission: Folder that is read, and appended to sys.path.
        scratch: Private folder that may be written, or "".
        file_bytes: Largest file; the size of the folder is watched from outside.
        cpu_s: Processor seconds of all threads together.
        core: Core to stay on, or None.
        jailed: Puts on the jail; else limits alone.
        forbidden: Packages that the submission may import and not use.
        traced: Remembers which files of the submission are opened.
    """

    submission: str
    scratch: str
    memory_bytes: int
    file_bytes: int
    cpu_s: float
    seed: int
    core: int | None
    jailed: bool
    forbidden: tuple[str, ...] = ()
    traced: bool = False


def run(start: Start, request_fd: int, reply_fd: int, output_fd: int, rules: jail.Rules | None) -> NoReturn:
    """Never returns; ends the process when the request pipe is closed.

    The first frame says whether the worker is ready: `{"ready": bool, "reason": str, "jail": str}`.
    """
    try:
        request_fd, reply_fd = _take_descriptors(request_fd, reply_fd, output_fd)
        os.setsid()
        jail.set_death_signal(signal.SIGKILL)
        if os.getppid() == 1:
            raise OSError("the zygote is gone")
        _settle(start)
        worn = ""
        if start.jailed:
            if rules is None:
                raise OSError("no jail on this machine")
            worn = jail.enter(rules, start.submission, start.scratch or None).describe()
        _seed(start.seed)
        hollow.install(start.forbidden)
        if start.traced:
            _trace(start.submission)
        sys.path.append(start.submission)
        importlib.invalidate_caches()
    # Whatever it is, it must become a refusal and not a worker without its jail.
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}"
        with contextlib.suppress(BaseException):
            wire.write_frame(reply_fd, {"ready": False, "reason": reason[:500], "jail": ""})
        os._exit(EXIT_UNUSABLE)
    try:
        wire.write_frame(reply_fd, {"ready": True, "reason": "", "jail": worn})
        _serve(request_fd, reply_fd, start.submission)
    finally:
        os._exit(EXIT_CLOSED)


def _take_descriptors(request_fd: int, reply_fd: int, output_fd: int) -> tuple[int, int]:
    """Leaves open 0 to 2 and the two pipes; nothing of the zygote's or of another worker's."""
    os.dup2(output_fd, 1)
    os.dup2(output_fd, 2)
    null_fd = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null_fd, 0)
    lowest = 3
    for kept in sorted((request_fd, reply_fd)):
        os.closerange(lowest, kept)
        lowest = kept + 1
    os.closerange(lowest, max(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 4096))
    for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  (lives as long as the process)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    sys.argv[:] = [""]
    # Names the line where a time limit or a crash found the code; the box reads it from the output.
    faulthandler.enable(file=2, all_threads=True)
    return request_fd, reply_fd


def _settle(start: Start) -> None:
    """Affinity, folders and limits, in this order: a thread pool counts cores when it starts."""
    if start.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {start.core})
    home = start.scratch or start.submission
    os.chdir(home)
    for name in ("HOME", "TMPDIR", "MPLCONFIGDIR", "KERAS_HOME", "XDG_CACHE_HOME"):
        os.environ[name] = home
    os.environ.update(MPLBACKEND="Agg", USER="student", LOGNAME="student")
    tempfile.tempdir = None
    with contextlib.suppress(OSError):  # so that the system's choice under memory pressure is this process
        Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")
    _limit(resource.RLIMIT_AS, start.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, start.file_bytes)
    _limit(resource.RLIMIT_NOFILE, _MOST_FILES)
    # SIGXCPU tells this limit from a kill by others; who ignores it meets the limit of time.
    cpu_s = max(1, round(start.cpu_s))
    _limit(resource.RLIMIT_CPU, cpu_s, cpu_s + 3600)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_STACK, _STACK_BYTES)
    _limit(resource.RLIMIT_MEMLOCK, 1 << 20)
    for name in ("RLIMIT_MSGQUEUE", "RLIMIT_SIGPENDING"):
        if hasattr(resource, name):
            _limit(getattr(resource, name), 1024)


def _limit(which: int, soft: int, hard: int | None = None) -> None:
    _, present = resource.getrlimit(which)
    wanted = soft if hard is None else hard
    ceiling = wanted if present == resource.RLIM_INFINITY else min(wanted, present)
    # macOS refuses some limits; there the tier is `bare`, which promises none.
    with contextlib.suppress(*((ValueError,) if sys.platform == "darwin" else ())):
        resource.setrlimit(which, (min(soft, ceiling), ceiling))


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % (1 << 32))
    tensorflow, keras = sys.modules.get("tensorflow"), sys.modules.get("keras")
    if keras is not None:
        keras.utils.set_random_seed(seed % (1 << 32))
    elif tensorflow is not None:
        tensorflow.random.set_seed(seed)


def _trace(root: str) -> None:
    """Remembers the files of the submission that Python opens from now on, to import them or to read them."""

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
            name = os.path.relpath(os.path.realpath(arguments[0]), root)
            if not name.startswith(os.pardir):
                _opened.add(name)

    sys.addaudithook(note)


def _serve(request_fd: int, reply_fd: int, root: str) -> None:
    while True:
        try:
            request = wire.read_frame(request_fd)
        except EOFError:
            return
        reply = _answer(request, root)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):  # the student may have put any object there
                stream.flush()
        wire.write_frame(reply_fd, {"id": request["id"], "reply": reply})
        del request, reply


def _answer(request: dict[str, Any], root: str) -> dict[str, Any]:
    if request["op"] == "call":
        return calls.call("adapters", request["name"], request["arguments"], root)
    if request["op"] == "import":
        return calls.load(request["name"], root)
    if request["op"] == "opened":
        return {"ok": True, "value": sorted(_opened)}
    if request["op"] == "probe":
        title, scene = request["arguments"]["title"], request["arguments"]["scene"]
        found = {title: attacks.attempt(title, scene)} if title else attacks.attempt_all(scene)
        return {"ok": True, "value": found}
    raise ValueError(f"unknown request {request['op']!r}")
