"""`grader preview`: a bundle, run here as Gradescope would run it; what came out, and which sizes it needs."""

from __future__ import annotations

import json
import os
import shutil
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
from grader.gradescope.fitting import LONGEST_LIMIT_S, Measured, candidates, fits
from grader.gradescope.packages import PACKAGES, Interpreter, SetUp, find_interpreter, packages, set_up
from grader.gradescope.results import from_json
from grader.gradescope.sizes import SIZES, Size
from grader.intake.unpack import unpack

_MAX_BUNDLE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Everything that a preview found.

    Attributes:
        measured: Every run, in order.
        shown: The one of which results are shown: the smallest that fits, or else the largest.
        asked: The sizes that were asked for; empty where the preview looked for the smallest by itself.
    """

    manifest: dict[str, Any]
    bundle_bytes: int
    interpreter: Interpreter
    set_up: SetUp
    measured: tuple[Measured, ...]
    shown: Measured
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
    by_size = sorted(measured, key=lambda run: run.size.cpus)
    return Preview(
        manifest=manifest,
        bundle_bytes=bundle.stat().st_size,
        interpreter=interpreter,
        set_up=done,
        measured=measured,
        shown=next((run for run in by_size if fits(run, by_size[-1])), by_size[-1]),
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
            limit_s=LONGEST_LIMIT_S,
            binds=[(str(self.packages), PACKAGES, False)],
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
