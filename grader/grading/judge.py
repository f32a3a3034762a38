"""Starts the judge, a process of its own, and reads what it tells."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from grader.errors import SandboxFailed
from grader.grading.job import Job

_HERE = Path(__file__).resolve().parent
_TAIL_CHARS = 2_000
_PYTEST_FINISHED = (0, 1)  # all passed, some failed


class JudgeProcess:
    """One run of the suite over one submission.

    The judge is `pytest` in isolated mode with its own ini file: no conftest of others, no plugin autoload, no cache,
    and a working directory that is never the submission.

    Args:
        job: What to judge; its `events_fd` is filled in here.
        work_dir: Of this run alone.
        limit_s: The judge is killed then. It keeps its own limits long before, unless a hidden test hangs.
    """

    def __init__(self, job: Job, work_dir: Path, limit_s: float) -> None:
        job_file, suite = work_dir / "job.json", Path(job.suite_dir)
        with ExitStack() as opened:
            self._log = opened.enter_context(tempfile.TemporaryFile())
            read_fd, write_fd = os.pipe()
            self._pipe = opened.enter_context(os.fdopen(read_fd, "rb"))
            try:
                replace(job, events_fd=write_fd).write(job_file)
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and files
                    [
                        *(sys.executable, "-I", "-B", "-m", "pytest"),
                        *("-p", "grader.grading.plugin", "--job", str(job_file)),
                        *("-c", str(_HERE / "judge.ini"), "--rootdir", str(suite)),
                        *map(str, [_HERE / "test_imports.py", *sorted(suite.glob("test_*.py"))]),
                    ],
                    cwd=work_dir,
                    stdin=subprocess.DEVNULL,
                    stdout=self._log,
                    stderr=self._log,
                    env=_environment(),
                    pass_fds=(*job.control_fds.values(), write_fd),
                )
            finally:
                os.close(write_fd)
            self._opened = opened.pop_all()
        self._limit_s = limit_s
        self._overdue = False
        self._watchdog = threading.Timer(limit_s, self._stop)
        self._watchdog.daemon = True
        self._watchdog.start()

    def events(self) -> Iterator[dict[str, Any]]:
        """Events as they come; ends when the judge has ended.

        Raises:
            SandboxFailed: The judge broke down; its detail is the end of the log.
        """
        for line in self._pipe:
            if line.endswith(b"\n"):  # else it died while it wrote
                yield msgspec.json.decode(line)
        code = self._process.wait()
        if self._overdue:
            raise SandboxFailed(f"the judge did not end within {self._limit_s:.0f} s", detail=self._tail())
        if code not in _PYTEST_FINISHED:
            raise SandboxFailed(f"the judge ended with code {code}", detail=self._tail())

    def close(self) -> None:
        """Kills the judge if it still runs."""
        self._watchdog.cancel()
        self._process.kill()
        self._process.wait()
        self._opened.close()

    def _stop(self) -> None:
        self._overdue = True
        self._process.kill()

    def _tail(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()[-_TAIL_CHARS:]


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")}
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OPENBLAS_NUM_THREADS": "1"}
