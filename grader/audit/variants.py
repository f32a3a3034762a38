"""variants.toml -> folders to grade.

[[variant]]
name = "forget_bias_0"
kind = "wrong"                          # or "right"
edits = [{ file = "lstm.py", find = "...", replace = "..." }]   # on the solution; `find` matches exactly once
files = "variants/fused_kernel"         # or: a folder whose files replace the solution's; a file `X.absent` removes X
only = ["lstm.py"]                      # of that folder, these alone: the fewer files change, the fewer tests run again
fails = ["test_forget_bias"]            # wrong: these tests must fail, and no others but those behind `needs`
how = "wrong"                           # wrong: the kinds of failure that count as caught; see `Kind` in records.py
tier = "outstanding"                    # right: the tier that it reaches; the highest by default
trains = false                          # true: the training tests run too
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from grader.catalog import Assignment
from grader.errors import InvalidAssignment
from grader.records import Kind

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TYPES: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "kind": str,
    "edits": list,
    "files": str,
    "only": list,
    "fails": list,
    "how": (str, list),
    "tier": str,
    "trains": bool,
}
_EDIT_KEYS = {"file", "find", "replace"}
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "runs", ".*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One replacement in one file of the solution; `find` matches exactly once."""

    file: str
    find: str
    replace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One right or wrong rewriting of the solution, and what the suite must make of it.

    Attributes:
        folder: Files that replace the solution's, or None.
        only: Of these, the ones that do; all if there is none.
        how: Kinds of failure that count as caught.
    """

    name: str
    kind: Literal["right", "wrong"]
    edits: tuple[Edit, ...] = ()
    folder: Path | None = None
    only: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    how: tuple[str, ...] = ("wrong",)
    tier: str = ""
    trains: bool = False


def read_variants(path: Path, assignment: Assignment) -> list[Variant]:
    """Reads a variants.toml, wherever it lies; `files` is relative to it.

    Raises:
        InvalidAssignment: It isn't TOML, or an entry has unknown keys, kinds or tiers or values of another type, or two
            have the same name.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("variant", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidAssignment(f"{path}: {error}") from error
    variants = [_variant(entry, path, assignment) for entry in entries]
    names = [variant.name for variant in variants]
    for name in names:
        if names.count(name) > 1:
            raise InvalidAssignment(f"{path}: two variants are called {name!r}")
    return variants


def _variant(entry: dict[str, Any], path: Path, assignment: Assignment) -> Variant:
    name = entry.get("name", "")
    where = f"{path}: variant {name!r}"
    unknown = sorted(set(entry) - set(_TYPES))
    if unknown or not name:
        raise InvalidAssignment(
            f"{where} has the unknown keys {', '.join(unknown)}" if unknown else f"{where} has no name"
        )
    for key, value in entry.items():
        if not isinstance(value, _TYPES[key]):
            raise InvalidAssignment(f"{where}: {key} is {value!r}, which is of another type than it must be")
    if entry.get("kind") not in ("right", "wrong"):
        raise InvalidAssignment(f"{where} is of the kind {entry.get('kind')!r}; expected 'right' or 'wrong'")
    tier = entry.get("tier", assignment.tiers[-1])
    if tier not in assignment.tiers:
        raise InvalidAssignment(f"{where} reaches the unknown tier {tier!r}")
    folder = path.parent / entry["files"] if "files" in entry else None
    if folder is not None and not folder.is_dir():
        raise InvalidAssignment(f"{where}: there is no folder {folder}")
    for missing in (name for name in entry.get("only", ()) if folder is None or not (folder / name).is_file()):
        raise InvalidAssignment(f"{where} takes {missing!r} alone, which is no file of its folder")
    for edit in entry.get("edits", ()):
        if not isinstance(edit, dict) or set(edit) != _EDIT_KEYS:
            raise InvalidAssignment(f"{where} has the edit {edit!r}; expected the keys {', '.join(sorted(_EDIT_KEYS))}")
    how = entry.get("how", "wrong")
    how = (how,) if isinstance(how, str) else tuple(how)
    for kind in how:
        if kind not in get_args(Kind):
            raise InvalidAssignment(f"{where} is to fail in the unknown way {kind!r}")
    return Variant(
        name=name,
        kind=entry["kind"],
        edits=tuple(Edit(**edit) for edit in entry.get("edits", ())),
        folder=folder,
        only=tuple(entry.get("only", ())),
        fails=tuple(entry.get("fails", ())),
        how=how,
        tier=tier,
        trains=entry.get("trains", False),
    )


def build_variant(variant: Variant, assignment: Assignment, into: Path) -> Path:
    """Writes the variant's submission into the folder `into`, which must not exist.

    Raises:
        InvalidAssignment: An edit's `find` doesn't match exactly once, or a file to be changed isn't there.
    """
    shutil.copytree(assignment.solution_dir, into, ignore=_NOT_COPIED)
    if variant.folder is not None:
        chosen = [variant.folder / name for name in variant.only] or sorted(variant.folder.rglob("*"))
        for path in chosen:
            target = into / path.relative_to(variant.folder)
            if path.suffix == ".absent":
                if not target.with_suffix("").is_file():
                    raise InvalidAssignment(f"variant {variant.name!r} takes away {target.stem}, which is not there")
                target.with_suffix("").unlink()
            elif path.is_file() and "__pycache__" not in path.parts:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
    for edit in variant.edits:
        target = into / edit.file
        if not target.is_file():
            raise InvalidAssignment(f"variant {variant.name!r} edits {edit.file}, which is not there")
        text = target.read_text(encoding="utf-8")
        count = text.count(edit.find)
        if count != 1:
            raise InvalidAssignment(
                f"variant {variant.name!r}: {edit.find!r} matches {count} times in {edit.file}; expected once"
            )
        target.write_text(text.replace(edit.find, edit.replace), encoding="utf-8")
    return into
