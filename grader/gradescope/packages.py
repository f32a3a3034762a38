"""The set-up of a bundle in a preview: an interpreter in place of the container's, and packages that are kept."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.errors import PreviewUnavailable
from grader.gradescope.container import AUTOGRADER, Container

CACHE = Path.home() / ".cache" / "rnn-homework-grader" / "preview"
CONTAINER_PYTHON = "3.10"  # of Ubuntu 22.04
PACKAGES = "/opt/grader"  # where the set-up puts them in the container
_SETUP_LIMIT_S = 1800.0
_PATH_IN_TEXT = re.compile(r"(?<![\w/])/[\w.@+-]+(?:/[\w.@+-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python that stands in for the container's."""

    executable: Path
    base: Path
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """How the set-up went.

    Attributes:
        install_s: What it took when its packages were installed, now or at an earlier preview.
        now_s: What it took now.
        packages_bytes: On the disk.
        says: Its last line: what the bundle's own check found.
    """

    install_s: float
    now_s: float
    packages_bytes: int
    says: str


def find_interpreter(python: Path | None) -> Interpreter:
    """The interpreter that stands in for the container's.

    Raises:
        PreviewUnavailable: The one that was asked for does not run.
    """
    if python is not None:
        found = _examine(python)
        if found is None:
            raise PreviewUnavailable(f"{python} is no Python with the module venv")
        return found
    name = f"python{CONTAINER_PYTHON}"
    for folder in os.get_exec_path():
        found = _examine(Path(folder) / name)
        if found is not None and found.version.startswith(f"{CONTAINER_PYTHON}."):
            return found
    return _examine(Path(sys.executable)) or _no_interpreter()


def _no_interpreter() -> Interpreter:
    raise PreviewUnavailable("this Python has no module venv: install it, such as the package python3-venv")


def _examine(python: Path) -> Interpreter | None:
    code = (
        "import ensurepip, json, platform, sys, venv; print(json.dumps([sys.base_prefix, platform.python_version()]))"
    )
    try:
        done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
        base, version = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    # The interpreter itself, not that of a virtual environment, which the container does not have.
    executable = Path(base) / "bin" / f"python{'.'.join(version.split('.')[:2])}"
    return Interpreter(executable=executable, base=Path(base).resolve(), version=version)


@contextmanager
def packages(container: Container, interpreter: Interpreter) -> Iterator[Path]:
    """The folder that becomes /opt/grader: kept from preview to preview, for the same lists and interpreter."""
    source = container.path(f"{AUTOGRADER}/source")
    digest = hashlib.sha256(f"{interpreter.executable} {interpreter.version}\n".encode())
    for name in ("requirements.txt", "constraints.txt"):
        digest.update((source / name).read_bytes())
    folder = CACHE / digest.hexdigest()[:20]
    folder.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o755)
    with (CACHE / f"{folder.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two previews would install into the same folder
        yield folder


def set_up(container: Container, interpreter: Interpreter, folder: Path) -> SetUp:
    """Runs the bundle's python_setup; installs only where no earlier preview did.

    Raises:
        PreviewUnavailable: It failed; the text holds the end of what it said.
    """
    note = CACHE / f"{folder.name}.json"
    fresh = not (folder / "installed.txt").is_file()
    log = container.path(f"{AUTOGRADER}/results/setup")
    pip = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    ended = container.run(
        [f"/{AUTOGRADER}/source/python_setup"],
        log=log,
        limit_s=_SETUP_LIMIT_S,
        binds=[(str(folder), PACKAGES, True), *_pip_files(pip)],
        environment={**pip, "GRADER_PYTHON": str(interpreter.executable)},
    )
    said = log.read_text(encoding="utf-8", errors="replace").strip()
    if ended.code != 0:
        raise PreviewUnavailable(f"the bundle's set-up failed:\n{said[-2000:]}")
    if fresh:
        size = sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_symlink())
        note.write_text(json.dumps({"install_s": ended.duration_s, "packages_bytes": size}), encoding="utf-8")
    kept = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
    return SetUp(
        install_s=kept.get("install_s", 0.0),
        now_s=ended.duration_s,
        packages_bytes=kept.get("packages_bytes", 0),
        says=said.splitlines()[-1] if said else "",
    )


def _pip_files(variables: dict[str, str]) -> list[tuple[str, str, bool]]:
    """What pip is configured with on this machine, and the files that the configuration names."""
    texts = list(variables.values())
    binds = []
    for source, target in (
        (Path("/etc/pip.conf"), "/etc/pip.conf"),
        (Path.home() / ".config/pip/pip.conf", "/root/.config/pip/pip.conf"),
        (Path.home() / ".pip/pip.conf", "/root/.pip/pip.conf"),
    ):
        if source.is_file():
            texts.append(source.read_text(encoding="utf-8", errors="replace"))
            binds.append((str(source), target, False))
    named = {path for text in texts for path in _PATH_IN_TEXT.findall(text) if len(Path(path).parts) > 2}
    return binds + [
        (path, path, False) for path in sorted(named) if Path(path).exists() and not path.startswith("/usr/")
    ]
