"""The bundle: one zip with all that Gradescope's container needs to grade one assignment, and nothing else.

It holds the grader's own code without its command line, the suite of one assignment, the oracles that this suite
compares with, the stencil (given files are restored from it, signatures compared with it) and the sample of the data.
No solution: grading needs none. No other assignment's tests, no variants, no rubric.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from grader.assignment import PACKAGE_DIR, ROOT_DIR, Assignment
from grader.errors import InvalidAssignment
from grader.files import replace_file
from grader.gradescope.feedback import broken_down
from grader.gradescope.results import to_json
from grader.grading.fingerprint import suite_files, suite_sha256
from grader.handout.release import DATA_FILES
from grader.handout.stencil import make_stencil
from grader.zips import Member, zip_bytes

HARNESS_DIR = Path(__file__).resolve().parent / "harness"
PROGRAMS = ("setup.sh", "run_autograder", "python_setup")
MANIFEST = "bundle.json"

# Of the grader's package: what grading in the container imports. What is missing here shows in the first preview.
_CODE = (
    "__init__.py",
    "assignment.py",
    "catalog.py",
    "environment.py",
    "errors.py",
    "files.py",
    "records.py",
    "grading",
    "intake",
    "sandbox",
    "report/__init__.py",
    "report/text.py",
    "gradescope/__init__.py",
    "gradescope/autograder.py",
    "gradescope/feedback.py",
    "gradescope/metadata.py",
    "gradescope/results.py",
    "handout/files",  # a submission's copies are compared with these
    "oracles/__init__.py",
    "oracles/mnist.py",  # the judge reads the data with it, whatever the suite compares with
)
# What the code above imports, besides what a submission may; versions are in constraints.txt.
_OWN_REQUIREMENTS = ("msgspec", "numpy", "pytest", 'tomli; python_version < "3.11"')
_TENSORFLOW = re.compile(r"^tensorflow(?=[^\w.-]|$)")
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def build_bundle(assignment: Assignment, out_dir: Path, solution_dir: Path | None = None) -> Path:
    """Builds `<assignment>-autograder.zip`. The same sources give the same bytes.

    Args:
        out_dir: Made if need be.
        solution_dir: Where the solution lies, of which the stencil is made; by default in this checkout.

    Returns:
        The zip's path.

    Raises:
        InvalidAssignment: A file of the bundle is missing, or a package has no pinned version.
    """
    data = zip_bytes(bundle_members(assignment, solution_dir))
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / f"{assignment.name}-autograder.zip"
    replace_file(path, data)
    return path


def bundle_members(assignment: Assignment, solution_dir: Path | None = None) -> dict[str, Member]:
    """Everything in the bundle, by its path inside the zip."""
    files: dict[str, bytes] = {name: _read(PACKAGE_DIR / name[len("grader/") :]) for name in _code_names()}
    place = f"grader/suites/{assignment.name}"
    for path in suite_files(assignment.suite_dir):
        if path.is_relative_to(assignment.suite_dir):
            files[f"{place}/{path.relative_to(assignment.suite_dir).as_posix()}"] = _read(path)
        else:
            files[f"grader/oracles/{path.name}"] = _read(path)
    files |= {f"stencil/{assignment.name}/{name}": data for name, data in _stencil(assignment, solution_dir).items()}
    if assignment.data:
        files |= {name: _read(ROOT_DIR / name) for name in DATA_FILES if name.startswith("data/")}
    constraints = _read(HARNESS_DIR / "constraints.txt")
    files["constraints.txt"] = constraints
    files["requirements.txt"] = "".join(f"{line}\n" for line in requirements(assignment, constraints)).encode()
    files["interrupted.json"] = to_json(broken_down("The grading was interrupted before the first test.", ""))
    files[MANIFEST] = _manifest(assignment)
    members = {name: Member(data) for name, data in files.items()}
    return members | {name: Member(_read(HARNESS_DIR / name), is_program=True) for name in PROGRAMS}


def requirements(assignment: Assignment, constraints: bytes) -> list[str]:
    """What the set-up installs, one requirement a line: what a submission may import, and what grading imports.

    Raises:
        InvalidAssignment: One of them has no pinned version.
    """
    pinned = {line.partition("==")[0] for line in constraints.decode().splitlines() if "==" in line}
    lines: dict[str, str] = {}
    for line in (*map(_cpu_build, assignment.requirements), *_OWN_REQUIREMENTS):
        name = _name(line)
        if name not in pinned:
            raise InvalidAssignment(f"{HARNESS_DIR / 'constraints.txt'} pins no version of {name}")
        lines.setdefault(name, line)
    return [lines[name] for name in sorted(lines)]


def _cpu_build(requirement: str) -> str:
    """The build for processors alone: the same, at a fraction of the size; Gradescope's machines are x86-64."""
    return _TENSORFLOW.sub("tensorflow-cpu", requirement)


def _name(requirement: str) -> str:
    found = _NAME.match(requirement)
    return found.group().lower().replace("_", "-") if found else requirement


def _code_names() -> Iterable[str]:
    for entry in _CODE:
        place = PACKAGE_DIR / entry
        if not place.exists():
            raise InvalidAssignment(f"the bundle needs {place}, which does not exist")
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and path.suffix != ".pyc":
                yield f"grader/{path.relative_to(PACKAGE_DIR).as_posix()}"


def _stencil(assignment: Assignment, solution_dir: Path | None) -> Mapping[str, bytes]:
    """The files that are restored, and the modules whose signatures are compared: as students get them."""
    files = make_stencil(assignment, solution_dir)
    modules = {name.replace(".", "/") for name in assignment.modules}
    wanted = {*assignment.given, *(f"{name}.py" for name in modules), *(f"{name}/__init__.py" for name in modules)}
    return {name: data for name, data in files.items() if name in wanted}


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise InvalidAssignment(f"the bundle needs {path}, which does not exist")
    data = path.read_bytes()
    return data if path.suffix == ".npz" else data.replace(b"\r\n", b"\n")


def _manifest(assignment: Assignment) -> bytes:
    """bundle.json: what this bundle is, for people and for the preview."""
    table = {
        "assignment": assignment.name,
        "title": assignment.title,
        "version": assignment.version,
        "suite_sha256": suite_sha256(assignment.suite_dir),
        "workers": list(assignment.workers),
        "full_runs_per_day": assignment.gradescope.full_runs_per_day,
        "longest_s": assignment.limits.total_s + sum(one.limit_s for one in assignment.trainings.values()),
    }
    return (json.dumps(table, indent=1, ensure_ascii=False) + "\n").encode()
