"""stencil/: the generated, checked-in mirror of solution/."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

from grader import catalog
from grader.catalog import LOADER, PACKAGE_DIR, Assignment
from grader.errors import HandoutLeak, InvalidAssignment, UnknownAssignment
from grader.handout import leaks, markers, outline

# What running a solution leaves behind; the rest of its folder is the handout's.
_LEFT_OUT_FOLDERS = ("__pycache__", "runs", "data", "logs", "checkpoints")
_LOADER_SOURCE = PACKAGE_DIR / "oracles" / LOADER
_LEFT_OUT_FILES = ("*.pyc", "*-submission.zip")
TEXT_SUFFIXES = (".py", ".md", ".txt", ".toml", ".ini", ".cfg", ".json", ".ipynb")


def make_stencil(assignment: Assignment, solution_dir: Path | None = None) -> dict[str, bytes]:
    """Generates the stencil of one assignment from its solution.

    Args:
        solution_dir: Where the solution lies; by default in this checkout.

    Returns:
        Content of every file, by its path with forward slashes.

    Raises:
        InvalidAssignment: There is no solution, its markers or signatures are wrong (see `markers`), or it lacks a
            file or block that assignment.toml names.
        HandoutLeak: A solution line survives in the stencil.
    """
    folder = solution_dir or assignment.solution_dir
    solution = read_tree(folder)
    for name in (*assignment.files, *(module.replace(".", "/") + ".py" for module in assignment.modules)):
        if name not in solution:
            raise InvalidAssignment(f"assignment.toml names {name}, but {folder} has no such file")
    texts = text_files(solution)
    markers.check_coverage({path: markers.find_blocks(text, path) for path, text in texts.items()}, assignment)
    stencil = {path: markers.strip_solution(text, assignment, path) for path, text in texts.items()}
    found = leaks.copied_blocks(texts) + leaks.find_secrets(stencil, leaks.solution_secrets(texts))
    if found:
        raise HandoutLeak("a solution line survives in the stencil:\n" + "\n".join(found))
    files = {path: stencil[path].encode() if path in stencil else data for path, data in solution.items()}
    return {path: data for path, data in files.items() if path not in assignment.flags}  # students raise them


def write_stencils(root: Path, names: Iterable[str]) -> list[Path]:
    """Writes stencil/<name>/ for each assignment, and removes files there that the solution no longer has.

    The loader of the data set has one source, and solutions with data hold a copy, which is written as well.

    Args:
        root: Holds grader/suites/, solution/ and stencil/.

    Returns:
        The folders written.

    Raises:
        UnknownAssignment, InvalidAssignment, HandoutLeak: See `make_stencil`; no stencil is written then.
    """
    names = list(names)
    for name in names:
        if _assignment(root, name).data:
            shutil.copyfile(_LOADER_SOURCE, root / "solution" / name / LOADER)
    made = {name: make_stencil(_assignment(root, name), root / "solution" / name) for name in names}
    for name, files in made.items():
        folder = root / "stencil" / name
        for path in read_tree(folder) if folder.is_dir() else ():
            if path not in files:
                (folder / path).unlink()
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    return [root / "stencil" / name for name in made]


def check_stencils(root: Path, names: Iterable[str]) -> list[str]:
    """Says what in stencil/ differs from what the solutions give; empty where nothing does.

    Args:
        root: Holds grader/suites/, solution/ and stencil/.

    Raises:
        UnknownAssignment, InvalidAssignment, HandoutLeak: See `make_stencil`.
    """
    found: list[str] = []
    for name in names:
        assignment, solution_dir = _assignment(root, name), root / "solution" / name
        expected = make_stencil(assignment, solution_dir)
        if assignment.data and (solution_dir / LOADER).read_bytes() != _LOADER_SOURCE.read_bytes():
            found.append(f"solution/{name}/{LOADER} differs from grader/oracles/{LOADER}")
        folder = root / "stencil" / name
        present = read_tree(folder) if folder.is_dir() else {}
        for path in sorted(expected.keys() | present.keys()):
            shown = f"stencil/{name}/{path}"
            if path not in present:
                found.append(f"{shown} is missing")
            elif path not in expected:
                found.append(f"{shown} has no counterpart in solution/{name}/")
            elif present[path] != expected[path]:
                found += [f"{shown}{text}" for text in _drift(path, present[path], expected[path])]
    return found


def read_tree(folder: Path) -> dict[str, bytes]:
    """Content of every file under a folder, sorted by path, without caches and what runs leave behind.

    Text has Unix line ends, so that the same checkout gives the same bytes everywhere.

    Raises:
        InvalidAssignment: There is no such folder.
    """
    if not folder.is_dir():
        raise InvalidAssignment(f"{folder} is no folder")
    files = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not _is_left_out(relative):
            data = path.read_bytes()
            is_text = path.suffix in TEXT_SUFFIXES
            files[relative.as_posix()] = data.replace(b"\r\n", b"\n") if is_text else data
    return files


def text_files(files: Mapping[str, bytes]) -> dict[str, str]:
    """The files of `TEXT_SUFFIXES`, decoded.

    Raises:
        InvalidAssignment: One of them is not UTF-8.
    """
    texts = {}
    for path, data in files.items():
        if Path(path).suffix in TEXT_SUFFIXES:
            try:
                texts[path] = data.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InvalidAssignment(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error
    return texts


def _assignment(root: Path, name: str) -> Assignment:
    path = root / "grader" / "suites" / name / "assignment.toml"
    if not path.is_file():
        raise UnknownAssignment(f"there is no assignment {name!r}: {path} does not exist")
    return catalog.read(path)


def _is_left_out(path: Path) -> bool:
    return (
        any(part in _LEFT_OUT_FOLDERS for part in path.parts[:-1])
        or any(part.startswith(".") for part in path.parts)
        or any(path.match(pattern) for pattern in _LEFT_OUT_FILES)
    )


def _drift(path: str, present: bytes, expected: bytes) -> Iterator[str]:
    """Continues "stencil/a/b.py": in terms of structure where that differs, else by the first line."""
    if not path.endswith(TEXT_SUFFIXES):
        yield " differs"
        return
    ours, theirs = present.decode("utf-8", errors="replace"), expected.decode("utf-8")
    if path.endswith(".py"):
        try:
            structural = outline.differences(outline.outline(ours), outline.outline(theirs))
        except (SyntaxError, ValueError) as error:
            yield f": does not compile: {error}"
            return
        yield from (f": {text}" for text in structural)
        if structural:
            return
    for number, (our, their) in enumerate(zip_longest(ours.split("\n"), theirs.split("\n")), start=1):
        if our != their:
            yield f", line {number}: {_shown(our)} in the stencil, {_shown(their)} from the solution"
            return


def _shown(line: str | None) -> str:
    return "nothing" if line is None else f"`{line.strip()}`"
