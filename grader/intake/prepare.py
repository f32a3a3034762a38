"""One hand-in -> a read-only folder to grade: unpacked, its root found, the given files restored."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from grader.catalog import PACKAGE_DIR, Assignment
from grader.errors import InvalidAssignment
from grader.intake.members import shown
from grader.intake.roots import find_root
from grader.intake.signatures import changed_signatures
from grader.intake.unpack import unpack
from grader.records import Note, SubmissionInfo

MAX_STAMP_BYTES = 64 << 10
MAX_WORD_LENGTH = 40

_BESIDE_ADAPTERS = {"kit/__init__.py": "handout/files/kit/__init__.py", "kit/probes.py": "sandbox/probes.py"}
# Files of every handout, and where the kit keeps them. Grading uses none of the submission's own.
_COMMON_FILES = {
    "conftest.py": "handout/files/conftest.py",
    "submit.py": "handout/files/submit.py",
    "check_env.py": "handout/files/check_env.py",
    "pytest.ini": "handout/files/pytest.ini",
    "kit/wire.py": "sandbox/wire.py",
    "kit/calls.py": "sandbox/calls.py",
    "kit/hollow.py": "sandbox/hollow.py",
}


@dataclass(frozen=True)
class Prepared:
    """A submission that is ready for the sandbox.

    Attributes:
        submission_dir: Its root, read-only; the only folder of the run that its code may read.
        notes: What was left out, restored, renamed or found to differ.
        handout_version: As its handout.json says, or "".
        signature_changes: Phrases for the functions that can't be called as the handout fixes them.
    """

    submission_dir: Path
    info: SubmissionInfo
    notes: tuple[Note, ...]
    handout_version: str
    signature_changes: tuple[str, ...]


def prepare(source: Path, assignment: Assignment, run_dir: Path) -> Prepared:
    """Makes `run_dir`/submission from a zip or a folder. Runs and imports nothing of it.

    Args:
        source: The hand-in; it is not changed.
        run_dir: Of this run alone. What is made there can't be written, so make its folders writable to delete it.

    Raises:
        UnusableSubmission: See `unpack` and `find_root`.
        InvalidAssignment: The kit lacks a file that it has to restore.
        OSError: `run_dir` can't be written.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    unpacked = unpack(source, run_dir / "unpacked")
    flags = [flag for flag in assignment.flags if _is_somewhere(unpacked.root, flag)]
    root = find_root(unpacked.root, assignment.files)
    submission = run_dir / "submission"
    root.path.rename(submission)
    shutil.rmtree(unpacked.root, ignore_errors=True)  # gone where the root was the top
    flag_notes = [_raise_flag(submission, flag) for flag in flags]
    version, stamp_notes = _read_stamp(submission, assignment)
    restored = _restore(submission, assignment)
    changes = changed_signatures(assignment.stencil_dir, submission, assignment.modules)
    _make_read_only(submission)
    return Prepared(
        submission_dir=submission,
        info=SubmissionInfo(path=str(source), sha256=unpacked.sha256),
        notes=(*unpacked.notes, *root.notes, *flag_notes, *stamp_notes, *restored),
        handout_version=version,
        signature_changes=changes,
    )


def _is_somewhere(unpacked: Path, flag: str) -> bool:
    """Whether a flag file is in the hand-in, wherever: it may lie above the code, and some systems add `.txt`."""
    names = {flag.casefold(), f"{flag}.txt".casefold()}
    return any(place.name.casefold() in names for place in unpacked.rglob("*") if place.is_file())


def _raise_flag(submission: Path, flag: str) -> Note:
    """Puts the flag file where the assignment looks for it."""
    (submission / flag).write_bytes(b"")
    return Note(text=f"the file {flag} is in it, so the tasks that it switches on are graded")


def _restore(submission: Path, assignment: Assignment) -> list[Note]:
    """Puts the kit's files in place of the submission's; names those that differed."""
    suite_files = {name: assignment.suite_dir / name for name in ("adapters.py", "test_public.py")}
    suite_files |= {name: PACKAGE_DIR / place for name, place in _BESIDE_ADAPTERS.items()}
    differing, hiding = [], []
    for name, original in {**{name: _given(assignment, name) for name in assignment.given}, **suite_files}.items():
        if not original.is_file():
            raise InvalidAssignment(f"{original} is missing, and a submission can't be graded without it")
        if _differs(submission / name, original):
            differing.append(name)
        _replace(submission, name, original)
        package = submission / name.removesuffix(".py")
        if (package / "__init__.py").is_file():  # Python would import it in place of the file
            shutil.rmtree(package)
            hiding.append(f"{name.removesuffix('.py')}/")
    notes = []
    if hiding:
        text = f"left out, because Python would import it in place of the kit's file: {', '.join(hiding)}"
        notes.append(Note(text=text, severity="warning"))
    if differing:
        text = f"restored from the kit, because {_they_differ(differing)}: {', '.join(differing)}"
        # Students are asked to add tests of their own to test_public.py.
        notes.append(Note(text=text, severity="note" if differing == ["test_public.py"] else "warning"))
    unused = [name for name, place in _COMMON_FILES.items() if _differs(submission / name, PACKAGE_DIR / place)]
    if unused:
        notes.append(Note(text=f"{_they_differ(unused)}, but grading uses none of them: {', '.join(unused)}"))
    return notes


def _they_differ(names: list[str]) -> str:
    return "it differs from the handout's" if len(names) == 1 else "they differ from the handout's"


def _given(assignment: Assignment, name: str) -> Path:
    """Where the kit has a given file: a bundle may hold the stencil alone."""
    in_stencil = assignment.stencil_dir / name
    return in_stencil if in_stencil.is_file() else assignment.solution_dir / name


def _differs(place: Path, original: Path) -> bool:
    """Whether something else lies there; line ends are the editor's affair."""
    if place.is_file() and original.is_file():
        return _lines(place) != _lines(original)
    return place.exists()


def _lines(place: Path) -> bytes:
    return place.read_bytes().replace(b"\r\n", b"\n").rstrip()


def _replace(submission: Path, name: str, original: Path) -> None:
    place = submission / name
    if place.is_dir():
        shutil.rmtree(place)
    for parent in Path(name).parents:
        if (submission / parent).is_file():
            (submission / parent).unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(original, place)


def _read_stamp(submission: Path, assignment: Assignment) -> tuple[str, list[Note]]:
    """Reads the version of the handout from handout.json, which the student may have edited."""
    place = submission / "handout.json"
    if not place.is_file():
        return "", []
    try:
        with place.open("rb") as file:
            stamp = json.loads(file.read(MAX_STAMP_BYTES + 1))
    except (ValueError, RecursionError):  # too long is cut, so it does not parse
        stamp = None
    if not isinstance(stamp, dict) or not all(_is_word(stamp.get(key)) for key in ("version", "assignment")):
        return "", [Note(text="handout.json can't be read, so the version of the handout is unknown")]
    version, name = stamp["version"], stamp["assignment"]
    if name != assignment.name:
        text = f"handout.json is of the assignment '{shown(name)}', but this is '{assignment.name}'"
    elif version != assignment.version:
        text = f"made from the handout {version}, graded by {assignment.version}"
    else:
        return version, []
    return version, [Note(text=text, severity="warning")]


def _is_word(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= MAX_WORD_LENGTH


def _make_read_only(folder: Path) -> None:
    """Lets everyone read and nobody write: the worker's uid may be another one."""
    for place, _, files in os.walk(folder, topdown=False):
        for name in files:
            (Path(place) / name).chmod(0o444)
        Path(place).chmod(0o555)
