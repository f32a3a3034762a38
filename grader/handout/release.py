"""The handout: one zip that holds all that a student needs, and nothing of the answers."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from grader.catalog import PACKAGE_DIR, ROOT_DIR, Assignment
from grader.errors import HandoutLeak, InvalidAssignment
from grader.files import replace_file
from grader.handout import leaks, stencil
from grader.zips import Member, zip_bytes

COMMON_DIR = Path(__file__).resolve().parent / "files"  # what every handout holds
SUITE_FILES = (leaks.PUBLIC_TESTS, "adapters.py")
KIT_FILES = (
    "wire.py",
    "calls.py",
    "hollow.py",
    "probes.py",
)  # of grader/sandbox/, verbatim: the same codec and the same words as in grading
DATA_FILES = ("data/mnist-mini.npz", "data/README.md", "data/SHA256SUMS", "download.sh")
STAMP = "handout.json"
REVIEW = "review.md"  # of the common files the one that students fill in and hand in

_FORBIDDEN = re.compile(r"^\s*(?:from|import) grader\b|(?:BEGIN|END) SOLUTION", re.MULTILINE)


def build_handout(assignment: Assignment, out_dir: Path, solution_dir: Path | None = None) -> Path:
    """Builds `<assignment>-handout.zip`. The same sources give the same bytes.

    Args:
        out_dir: Made if need be.
        solution_dir: Where the solution lies; by default in this checkout.

    Returns:
        The zip's path.

    Raises:
        InvalidAssignment: See `stencil.make_stencil`; or a file of the handout is missing, or has two sources.
        HandoutLeak: A solution line, a hidden test or a rubric would be in the zip; nothing is written then.
    """
    files = handout_files(assignment, solution_dir)
    members = {f"{assignment.name}/{name}": Member(content, name.endswith(".sh")) for name, content in files.items()}
    data = zip_bytes(members)
    check_leaks(assignment, data, solution_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / f"{assignment.name}-handout.zip"
    replace_file(path, data)
    return path


def handout_files(assignment: Assignment, solution_dir: Path | None = None) -> dict[str, bytes]:
    """Everything in the handout, by its path inside the top folder.

    Raises:
        InvalidAssignment, HandoutLeak: See `build_handout`.
    """
    files = stencil.make_stencil(assignment, solution_dir)
    kit: dict[str, bytes] = {
        "requirements.txt": "".join(f"{line}\n" for line in assignment.requirements).encode(),
    }
    sources = {name: assignment.suite_dir / name for name in SUITE_FILES}
    sources |= {f"kit/{name}": PACKAGE_DIR / "sandbox" / name for name in KIT_FILES}
    sources["kit/__init__.py"] = COMMON_DIR / "kit/__init__.py"
    sources |= {name: ROOT_DIR / name for name in DATA_FILES if assignment.data}
    sources |= {path.name: path for path in sorted(COMMON_DIR.iterdir()) if path.is_file()}
    for name, path in sources.items():
        if not path.is_file():
            raise InvalidAssignment(f"the handout of {assignment.name} needs {path}, which does not exist")
        kit[name] = path.read_bytes() if path.suffix == ".npz" else path.read_bytes().replace(b"\r\n", b"\n")
    for name in sorted(kit.keys() & files.keys() | {STAMP} & files.keys()):
        raise InvalidAssignment(f"the solution of {assignment.name} holds {name}, which the kit supplies")
    files |= kit
    files[STAMP] = _stamp(assignment, files, sorted(kit.keys() - {REVIEW}))
    return dict(sorted(files.items()))


def check_leaks(assignment: Assignment, data: bytes, solution_dir: Path | None = None) -> None:
    """Searches a finished handout for what students must not get.

    Args:
        data: The zip's bytes.

    Raises:
        HandoutLeak: Names file and line of each finding.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        # Every member is searched, whatever its suffix: Latin-1 decodes any bytes.
        texts = {name: _decoded(archive.read(name)) for name in archive.namelist()}
    solution = stencil.text_files(stencil.read_tree(solution_dir or assignment.solution_dir))
    stencil_texts = stencil.text_files(stencil.make_stencil(assignment, solution_dir))
    secrets = leaks.solution_secrets(solution) + leaks.hidden_test_secrets(assignment.suite_dir, stencil_texts)
    found = leaks.find_secrets(texts, secrets)
    for name, text in texts.items():
        if match := _FORBIDDEN.search(text):
            found.append(f"{name}, line {text.count(chr(10), 0, match.start()) + 1}: `{match.group().strip()}`")
    if found:
        raise HandoutLeak(f"the handout of {assignment.name} would hold:\n" + "\n".join(found))


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _stamp(assignment: Assignment, files: Mapping[str, bytes], kit: list[str]) -> bytes:
    """handout.json: by it a submission can say which handout it came from."""
    contents = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    digest = hashlib.sha256("".join(f"{name}\0{value}\n" for name, value in contents.items()).encode()).hexdigest()
    stamp = {
        "assignment": assignment.name,
        "title": assignment.title,
        "version": assignment.version,
        "sha256": digest,
        "files": list(assignment.files),
        "tasks": {task.id: task.title for task in assignment.tasks.values()},
        "kit": kit,
        "flags": list(assignment.flags),
        "switches": {task.id: task.flag for task in assignment.tasks.values() if task.flag},
        "forbidden": {task: list(assignment.forbidden_in(assignment.worker_of(task))) for task in assignment.tasks},
        "contents": contents,
    }
    return (json.dumps(stamp, indent=1, ensure_ascii=False) + "\n").encode()
