"""A root on this machine's disk in the layout of Gradescope's container, and programs that run in it.

It shares with this machine what an image brings: /usr, an interpreter, and the few files of /etc that programs need.
Everything else is fresh and goes away with it: /autograder, /opt, /tmp, /root, /var.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from grader.errors import PreviewUnavailable
from grader.gradescope import enter
from grader.gradescope.sizes import ControlGroup, Size, Use

AUTOGRADER = "autograder"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}

_LINKED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # into /usr, or folders of their own on older systems
_SHARED = ("usr", "etc/ssl", "etc/ca-certificates", "etc/alternatives", "sys")
_COPIED = ("etc/resolv.conf", "etc/hosts", "etc/nsswitch.conf", "etc/ld.so.cache", "etc/localtime", "etc/mime.types")
_FRESH = (
    *("dev/shm", "etc", "home", "opt", "proc", "root", "run", "tmp", "var/tmp"),
    *("autograder/source", "autograder/submission", "autograder/results"),
)
_ACCOUNTS = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program in a container ended.

    Attributes:
        code: Its exit code, or None where it was stopped at the limit.
        use: None where it ran outside any control group.
    """

    code: int | None
    duration_s: float
    use: Use | None


class Container:
    """A fresh root. Use it as a context manager: what it made is deleted at the end.

    Args:
        python: An interpreter's folder (`sys.base_prefix`) that the root shares at the same place.

    Raises:
        PreviewUnavailable: Not on Linux as root, or namespaces are refused.
    """

    def __init__(self, python: Path) -> None:
        check_machine()
        self._folder = Path(tempfile.mkdtemp(prefix="grader-preview-"))
        self.root = self._folder / "root"
        try:
            self._lay_out()
        except BaseException:
            self.close()
            raise
        self._binds = [
            (f"/{name}", f"/{name}", False) for name in (*_SHARED, *_LINKED) if not Path(f"/{name}").is_symlink()
        ]
        if not python.is_relative_to("/usr"):
            self._binds.append((str(python), str(python), False))
            for parent in [*(self.root / str(python).lstrip("/")).parents]:  # a worker of another uid reads it
                if self.root in parent.parents:
                    parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                    parent.chmod(0o755)

    def path(self, inside: str) -> Path:
        """Where a path of the container lies on this machine."""
        return self.root / inside.lstrip("/")

    def run(
        self,
        command: list[str],
        *,
        log: Path,
        size: Size | None = None,
        measured: bool = False,
        limit_s: float,
        binds: list[tuple[str, str, bool]] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        """Runs a program in /autograder, as root without the powers that Docker takes.

        Args:
            log: Gets what it prints.
            size: Limits of CPU and memory.
            measured: Whether to measure what it uses; a size implies it.
            limit_s: It is killed then, with all that it started.
            binds: From, to, writable: what this run alone shares with the machine.
            environment: In addition to PATH and HOME.

        Raises:
            PreviewUnavailable: The root can't be entered, or there are no control groups.
        """
        group = ControlGroup(size) if size is not None or measured else None
        try:
            spec: dict[str, object] = {
                "root": str(self.root),
                "binds": [bind for bind in self._binds + (binds or []) if Path(bind[0]).exists()],
                "groups": group.entrances if group else [],
                "command": command,
                "environment": {**ENVIRONMENT, **(environment or {})},
                "folder": f"/{AUTOGRADER}",
            }
            code, duration_s = self._run(spec, log, limit_s)
            use = group.use() if group else None
        finally:
            if group is not None:
                group.close()
        if code == enter.FAILED:
            raise PreviewUnavailable(f"the container could not be entered: {_last_line(log)}")
        return Ended(code=code, duration_s=duration_s, use=use)

    def close(self) -> None:
        """Deletes the root; nothing is mounted in it any more, since its mounts ended with their namespace."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, spec: dict[str, object], log: Path, limit_s: float) -> tuple[int | None, float]:
        spec_file = self._folder / "spec.json"
        spec_file.write_text(json.dumps(spec), encoding="utf-8")
        namespaces = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
        started = time.monotonic()
        with log.open("wb") as output:
            # It lives as long as its standard input stays open: if this process dies, it ends too.
            process = subprocess.Popen(  # noqa: S603 - util-linux and a module of ours
                [*namespaces, sys.executable, "-I", "-B", enter.__file__, str(spec_file)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            code: int | None = None
            try:
                code = process.wait(limit_s)
            except subprocess.TimeoutExpired:
                pass
            finally:
                process.kill()
                process.wait()
                if process.stdin is not None:
                    process.stdin.close()
        return code, time.monotonic() - started

    def _lay_out(self) -> None:
        self.root.mkdir()
        self.root.chmod(0o755)
        for name in _FRESH:
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for name in ("tmp", "var/tmp"):
            (self.root / name).chmod(0o1777)
        (self.root / "root").chmod(0o700)
        for name in _LINKED:
            place = Path("/") / name
            if place.is_symlink():
                (self.root / name).symlink_to(place.readlink())
        for name in _COPIED:
            source = Path("/") / name
            if source.is_file():
                shutil.copyfile(source, self.root / name)
        (self.root / "etc/passwd").write_text(_ACCOUNTS)
        (self.root / "etc/group").write_text(_GROUPS)
        for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
            (self.root / "dev" / name).symlink_to(target)


def check_machine() -> None:
    """Lets a machine pass that can imitate a container.

    Raises:
        PreviewUnavailable: It can't; the text says what to do.
    """
    if not sys.platform.startswith("linux"):
        raise PreviewUnavailable("a preview needs Linux; the bundle itself can be built anywhere")
    if os.geteuid() != 0:
        raise PreviewUnavailable("a preview imitates a container, which only root may do: run it with sudo")
    tried = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, text=True)  # noqa: S607
    if tried.returncode:
        raise PreviewUnavailable(f"this machine lets root make no namespaces: {tried.stderr.strip()}")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
