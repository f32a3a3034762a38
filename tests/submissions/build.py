"""Makes the zips of tests/submissions: `python tests/submissions/build.py DIR` writes those of the demo.

The texts come from solution/ and stencil/, so that they never go stale; what cannot be read lies in unusable/ as it is.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader import catalog
from grader.audit.variants import Edit, Variant, build_variant

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
DEMO = "integration"  # whose submissions `make demo` grades


@dataclass(frozen=True)
class Submission:
    """One bundled submission and its expected verdict; see integration.toml.

    Attributes:
        added: Empty files that it has besides, such as flag files.
        removed: Files that it lacks.
    """

    name: str
    source: str
    layout: str
    edits: tuple[Edit, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    score: float
    tier: str
    fails: tuple[str, ...] | None  # None: all
    headline: str


def read_submissions(assignment: str) -> list[Submission]:
    """The submissions of one assignment."""
    table = tomllib.loads((HERE / f"{assignment}.toml").read_text(encoding="utf-8"))
    return [
        Submission(
            name=entry["name"],
            source=entry["from"],
            layout=entry["layout"],
            edits=tuple(Edit(**edit) for edit in entry.get("edits", ())),
            added=tuple(entry.get("added", ())),
            removed=tuple(entry.get("removed", ())),
            score=entry["score"],
            tier=entry["tier"],
            fails=None if entry["fails"] == "all" else tuple(entry["fails"]),
            headline=entry["headline"],
        )
        for entry in table["submission"]
    ]


def build(submission: Submission, assignment: catalog.Assignment, folder: Path) -> Path:
    """Writes `<name>.zip` into the folder, laid out as a student would have zipped it.

    `flat`: files at the top. `nested`: two folders deep. `macos`: one folder, and what the Finder adds. `hw2`: below
    hw2/code. `lower`: the same, with folders in lower case, and imports likewise.
    """
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work) / "tree"
        if submission.source == "stencil":
            shutil.copytree(assignment.stencil_dir, tree, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            build_variant(Variant(name=submission.name, kind="wrong", edits=submission.edits), assignment, tree)
        for name in submission.added:
            (tree / name).touch()
        for name in submission.removed:
            (tree / name).unlink()
        contents = {
            file.relative_to(tree).as_posix(): file.read_bytes() for file in sorted(tree.rglob("*")) if file.is_file()
        }
    if submission.layout == "lower":
        contents = {_lower(name): _lower_imports(data, contents) for name, data in contents.items()}
    prefix = {
        "flat": "",
        "nested": f"homework 7/{assignment.name}/",
        "macos": f"{assignment.name}/",
        "hw2": "hw2/code/",
        "lower": "hw2/code/",
    }[submission.layout]
    path = folder / f"{submission.name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(prefix + name, data)
        if submission.layout == "macos":
            archive.writestr(f"__MACOSX/{assignment.name}/._data.py", b"\0\5\26\7")
            archive.writestr(f"{assignment.name}/.DS_Store", b"\0\0\0\1Bud1")
    return path


def _lower(name: str) -> str:
    """The path with its folders in lower case."""
    *folders, file = name.split("/")
    return "/".join([*(folder.lower() for folder in folders), file])


def _lower_imports(data: bytes, names: Iterable[str]) -> bytes:
    """The source with the packages among these paths in lower case, wherever it names them."""
    packages = {name.split("/")[0] for name in names if name.endswith("/__init__.py")}
    for package in packages:
        data = data.replace(f"from {package}".encode(), f"from {package.lower()}".encode())
    return data


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for submission in read_submissions(DEMO):
        build(submission, catalog.load(DEMO), folder)


if __name__ == "__main__":
    main()
