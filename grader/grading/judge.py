"""Starts the judge, a process of its own, and reads what it tells."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from grader.errors import SandboxFailed
from grader.grading.job import Job

_HERE = Path(__file__).resolve().parent
_TAIL_CHARS = 2_000
_PYTEST_FINISHED = (0, 1)  # all passed, some failed


class Judge:
    """One run of the suite over one submission. Iterating yields its events until it ends.

    The judge is `pytest` in isolated mode with its own ini file: no conftest of others, no plugin autoload, no cache,
    and a working directory that is never the submission.
    """

    def __init__(self, job: Job, work_dir: Path) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        job_file = work_dir / "job.json"
        job.write(job_file)
        suite = Path(job.suite_dir)
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
            pass_fds=(job.control_fd, job.events_fd),
        )

    def events(self, fd: int) -> Iterator[dict[str, Any]]:
        """Events as they come; ends when the judge closes its end.

        Raises:
            SandboxFailed: The judge broke down; the message carries the end of its log.
        """
        with os.fdopen(fd, "rb") as pipe:
            for line in pipe:
                yield msgspec.json.decode(line)
        code = self._process.wait()
        if code not in _PYTEST_FINISHED:
            raise SandboxFailed(f"the judge ended with code {code}: {self._tail()}")

    def close(self) -> None:
        """Kills the judge if it still runs."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._log.close()

    def _tail(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()[-_TAIL_CHARS:]


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")}
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OPENBLAS_NUM_THREADS": "1"}
