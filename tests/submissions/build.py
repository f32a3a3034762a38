"""Makes the zips of tests/submissions: `python tests/submissions/build.py DIR` writes them for the demo.

The texts come from solution/ and stencil/, so that they never go stale; what cannot be read lies in unusable/ as it is.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from grader import catalog
from grader.audit.variants import Edit, Variant, build_variant

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Submission:
    """One bundled submission and its expected verdict; see integration.toml."""

    name: str
    source: str
    layout: str
    edits: tuple[Edit, ...]
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
            score=entry["score"],
            tier=entry["tier"],
            fails=None if entry["fails"] == "all" else tuple(entry["fails"]),
            headline=entry["headline"],
        )
        for entry in table["submission"]
    ]


def build(submission: Submission, assignment: catalog.Assignment, folder: Path) -> Path:
    """Writes `<name>.zip` into the folder, laid out as a student would have zipped it.

    `flat`: files at the top. `nested`: two folders deep. `macos`: one folder, and what the Finder adds.
    """
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work) / "tree"
        if submission.source == "stencil":
            shutil.copytree(assignment.stencil_dir, tree, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            build_variant(Variant(name=submission.name, kind="wrong", edits=submission.edits), assignment, tree)
        prefix = {"flat": "", "nested": "homework 7/integration/", "macos": "integration/"}[submission.layout]
        path = folder / f"{submission.name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(tree.rglob("*")):
                if file.is_file():
                    archive.write(file, prefix + file.relative_to(tree).as_posix())
            if submission.layout == "macos":
                archive.writestr("__MACOSX/integration/._data.py", b"\0\5\26\7")
                archive.writestr("integration/.DS_Store", b"\0\0\0\1Bud1")
    return path


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for path in HERE.glob("*.toml"):
        assignment = catalog.load(path.stem)
        for submission in read_submissions(path.stem):
            build(submission, assignment, folder)


if __name__ == "__main__":
    main()
