"""`grader preview`: a bundle, run here as Gradescope would run it; what came out, and which sizes it needs."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from grader.environment import usable_cores
from grader.errors import PreviewUnavailable, UnreadableResult
from grader.gradescope.autograder import METADATA, RESULTS, SUBMISSION
from grader.gradescope.bundle import MANIFEST, PROGRAMS
from grader.gradescope.container import AUTOGRADER, Container
from grader.gradescope.fitting import Measured, candidates, fits
from grader.gradescope.results import Results, from_json
from grader.gradescope.sizes import SIZES, Size
from grader.intake.unpack import unpack

CACHE = Path.home() / ".cache" / "rnn-homework-grader" / "preview"
CONTAINER_PYTHON = "3.10"  # of Ubuntu 22.04
LONGEST_S = 2400.0  # the most that an instructor can choose as time limit
_SETUP_LIMIT_S = 1800.0
_MAX_BUNDLE_BYTES = 256 << 20
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Everything that a preview found.

    Attributes:
        results: Of the last run; `measured` holds all of them.
        log: What that run printed, for the staff.
        asked: The sizes that were asked for; empty where the preview looked for the smallest by itself.
    """

    manifest: dict[str, Any]
    bundle_bytes: int
    interpreter: Interpreter
    set_up: SetUp
    measured: tuple[Measured, ...]
    results: Results
    log: str
    asked: tuple[Size, ...]
    left_out: tuple[str, ...]


def preview(
    bundle: Path,
    submission: Path,
    *,
    sizes: Sequence[Size] = (),
    metadata: Path | None = None,
    python: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Preview:
    """Runs a bundle on one submission.

    Args:
        bundle: The zip that `grader package` wrote.
        submission: A zip or folder.
        sizes: What to measure. By default the largest that this machine has room for, then the smallest that fits by
            calculation, until one does.
        metadata: A submission_metadata.json; one without names and earlier hand-ins by default.
        python: The interpreter to use; by default Python 3.10, as in the container, where this machine has one.
        say: Is told what goes on.

    Raises:
        PreviewUnavailable: This machine can't imitate the container, or the bundle is none, or its set-up fails.
        UnusableSubmission: The hand-in can't be unpacked.
        UnreadableResult: The bundle wrote no results.json, or one that Gradescope would refuse.
    """
    manifest = read_manifest(bundle)
    interpreter = find_interpreter(python)
    with Container(interpreter.base) as container, _unpacked(submission) as (tree, left_out):
        unpack_bundle(bundle, container.path(f"{AUTOGRADER}/source"))
        shutil.copy(container.path(f"{AUTOGRADER}/source/run_autograder"), container.path(AUTOGRADER))
        with packages(container, interpreter) as folder:
            say(f"set-up with Python {interpreter.version}")
            done = set_up(container, interpreter, folder)
            say(f"set-up done in {done.now_s:.0f} s: {done.says}")
            runner = _Runner(container, folder, tree, metadata, manifest, say)
            measured = runner.measure_all(sizes)
    return Preview(
        manifest=manifest,
        bundle_bytes=bundle.stat().st_size,
        interpreter=interpreter,
        set_up=done,
        measured=measured,
        results=measured[-1].results,
        log=measured[-1].log,
        asked=tuple(sizes),
        left_out=left_out,
    )


class _Runner:
    """Runs the bundle, once for each size, each time in a clean /autograder."""

    def __init__(
        self,
        container: Container,
        packages: Path,
        tree: Path,
        metadata: Path | None,
        manifest: dict[str, Any],
        say: Callable[[str], None],
    ) -> None:
        self.container = container
        self.packages = packages
        self.tree = tree
        self.metadata = metadata
        self.manifest = manifest
        self.say = say

    def measure_all(self, sizes: Sequence[Size]) -> tuple[Measured, ...]:
        if sizes:
            return tuple(self.measure(size) for size in sizes)
        measured = [self.measure(largest_size())]
        for size in candidates(measured[0]):
            measured.append(self.measure(size))
            if fits(measured[-1], measured[0]):
                break
        return tuple(measured)

    def measure(self, size: Size) -> Measured:
        """One run at one size."""
        self.say(f"grading at {size.name}")
        home = self.container.path(AUTOGRADER)
        for name in (SUBMISSION, "results"):
            shutil.rmtree(home / name)
        shutil.copytree(self.tree, home / SUBMISSION)
        (home / "results").mkdir()
        if self.metadata is not None:
            shutil.copyfile(self.metadata, home / METADATA)
        else:
            (home / METADATA).write_text(json.dumps(plain_metadata(self.manifest)), encoding="utf-8")
        log = home / "results" / "stdout"
        forget_pages(self.packages)
        ended = self.container.run(
            [f"/{AUTOGRADER}/run_autograder"],
            log=log,
            size=size,
            limit_s=LONGEST_S,
            binds=[(str(self.packages), "/opt/grader", False)],
        )
        place = home / RESULTS
        said = log.read_text(encoding="utf-8", errors="replace")
        if not place.is_file():
            raise UnreadableResult(f"the bundle wrote no results.json: {said.strip()[-500:]}")
        if ended.use is None:
            raise PreviewUnavailable("the run was not measured")
        measured = Measured(size=size, ended=ended, use=ended.use, results=from_json(place.read_bytes()), log=said)
        self.say(f"graded at {size.name} in {ended.duration_s:.0f} s")
        return measured


def forget_pages(folder: Path) -> None:
    """Has the kernel forget these files, so that a run reads them itself and they count as its memory.

    So it is in a container that has just been started; else the set-up, or an earlier run, would have paid for them.
    """
    for place in folder.rglob("*"):
        if place.is_file() and not place.is_symlink():
            with place.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def largest_size() -> Size:
    """The largest size that this machine has the processors and the memory for; the smallest if it has for none."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    room = [size for size in SIZES if size.cpus <= len(usable_cores()) and size.memory_bytes <= memory_bytes]
    return room[-1] if room else SIZES[0]


def read_manifest(bundle: Path) -> dict[str, Any]:
    """Reads bundle.json, and makes sure that Gradescope would take the zip."""
    try:
        with zipfile.ZipFile(bundle) as archive:
            names = archive.namelist()
            missing = [name for name in (*PROGRAMS, MANIFEST) if name not in names]
            if missing:
                raise PreviewUnavailable(f"{bundle} is no bundle of `grader package`: it lacks {', '.join(missing)}")
            manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
            return manifest
    except (zipfile.BadZipFile, ValueError) as error:
        raise PreviewUnavailable(f"{bundle} is no bundle of `grader package`: {error}") from error


def unpack_bundle(bundle: Path, folder: Path) -> None:
    """Unpacks our own zip with its modes."""
    with zipfile.ZipFile(bundle) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _MAX_BUNDLE_BYTES:
            raise PreviewUnavailable(f"{bundle} is too large for a bundle")
        for entry in archive.infolist():
            place = Path(archive.extract(entry, folder))
            place.chmod((entry.external_attr >> 16) & 0o777)


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
        binds=[(str(folder), "/opt/grader", True), *_pip_files(pip)],
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


@contextmanager
def _unpacked(submission: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The hand-in as a folder, and what was left out of it on the way; Gradescope unpacks zips too."""
    with tempfile.TemporaryDirectory(prefix="grader-preview-") as folder:
        unpacked = unpack(submission, Path(folder) / "submission")
        yield unpacked.root, tuple(note.text for note in unpacked.notes)


def plain_metadata(manifest: dict[str, Any]) -> dict[str, Any]:
    """submission_metadata.json of a first hand-in, in time and by nobody in particular."""
    now = datetime.now(timezone.utc)
    return {
        "id": 1,
        "created_at": now.isoformat(),
        "assignment": {"title": manifest["title"], "due_date": (now + timedelta(days=7)).isoformat()},
        "users": [],
        "previous_submissions": [],
    }
