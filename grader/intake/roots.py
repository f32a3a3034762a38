"""Finds the folder of a hand-in that holds the assignment's files, however deep it lies."""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.errors import UnusableSubmission
from grader.intake.members import EXPECTED, listed, shown
from grader.records import Note


@dataclass(frozen=True)
class Root:
    """The submission's root.

    Attributes:
        path: The folder; it has the assignment's files under their right names, as far as they were handed in.
        notes: What the choice left aside, and which names differed by case.
    """

    path: Path
    notes: tuple[Note, ...]


def find_root(unpacked: Path, files: tuple[str, ...]) -> Root:
    """Chooses the folder with the most of the assignment's files; among equals the shallowest, then the first by name.

    A file whose name differs by upper and lower case alone counts, and gets the right name beside its own: the
    student's imports may use either.

    Args:
        unpacked: A clean tree of ours, as `unpack` makes it.
        files: Paths below the root, as assignment.toml lists them.

    Raises:
        UnusableSubmission: None of the files is there; the message lists what is.
    """
    found = sorted(place.relative_to(unpacked).as_posix() for place in unpacked.rglob("*") if place.is_file())
    candidates = _candidates(found, files)
    if not candidates:
        raise UnusableSubmission(
            f"none of this assignment's files ({', '.join(files)}) is in it; found: {listed(found) or 'nothing'}; "
            f"{EXPECTED}"
        )
    ranked = sorted(candidates, key=lambda folder: (-len(candidates[folder]), _depth(folder), folder))
    best = ranked[0]
    notes = [*_taken(ranked, candidates), *_absent(best, candidates, files)]
    beside = [path for path in found if best and not path.startswith(f"{best}/")]
    if beside:
        notes.append(Note(text=f"left out what lies beside the folder '{shown(best)}': {listed(beside, 4)}"))
    renamed = {wanted: actual for wanted, actual in candidates[best].items() if wanted != actual}
    for wanted, actual in renamed.items():
        _correct_case(unpacked / best, actual, wanted)
    return Root(unpacked / best, (*notes, *_name_notes(renamed)))


def _candidates(found: list[str], files: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """For each folder that could be the root ("" is the top): the files there, by their right name."""
    candidates: dict[str, dict[str, str]] = defaultdict(dict)
    for path in found:
        parts = PurePosixPath(path).parts
        for wanted in files:
            length = len(PurePosixPath(wanted).parts)
            actual = "/".join(parts[-length:])
            if actual.casefold() == wanted.casefold():
                candidates["/".join(parts[:-length])][wanted] = actual
    return candidates


def _taken(ranked: list[str], candidates: dict[str, dict[str, str]]) -> list[Note]:
    """Says which folder is graded where it lies deep, and which others hold as many of the files."""
    best, *others = ranked
    equals = [folder for folder in others if len(candidates[folder]) == len(candidates[best])]
    if not equals:
        return [Note(text=f"graded {_folder(best)}")] if _depth(best) > 1 else []
    return [
        Note(
            text=f"graded {_folder(best)}; {', '.join(_folder(folder) for folder in equals[:4])} holds as many of the "
            "assignment's files and was left out",
            severity="warning",
        )
    ]


def _absent(best: str, candidates: dict[str, dict[str, str]], files: tuple[str, ...]) -> list[Note]:
    """Names the files that the root lacks, and where else they lie."""
    texts = []
    for wanted in (wanted for wanted in files if wanted not in candidates[best]):
        places = [folder for folder, present in candidates.items() if wanted in present]
        where = (
            f"in {_folder(places[0])}, but the others in {_folder(best)}, so it was not used"
            if places
            else "nowhere in it"
        )
        texts.append(f"{wanted} lies {where}")
    return [Note(text=text, severity="warning") for text in texts]


def _correct_case(root: Path, actual: str, wanted: str) -> None:
    place = root / wanted
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():  # on a file system that ignores case it is the same file
        (root / actual).replace(place)
    else:
        shutil.copyfile(root / actual, place)


def _name_notes(renamed: dict[str, str]) -> list[Note]:
    """One note for each file whose name differs by case, or for a whole folder where that is what differs."""
    pairs: dict[tuple[str, str], int] = defaultdict(int)
    for wanted, actual in renamed.items():
        (wanted_folder, _, wanted_name), (actual_folder, _, actual_name) = (
            wanted.rpartition("/"),
            actual.rpartition("/"),
        )
        folders = f"{actual_folder}/", f"{wanted_folder}/"
        pairs[folders if actual_name == wanted_name else (actual, wanted)] += 1
    return [
        Note(
            text=f"'{shown(actual)}' was taken for {wanted}{f' ({count} files)' if count > 1 else ''}: upper and lower "
            "case matter in names",
            severity="warning",
        )
        for (actual, wanted), count in pairs.items()
    ]


def _depth(folder: str) -> int:
    return len(PurePosixPath(folder).parts)


def _folder(folder: str) -> str:
    return f"the folder '{shown(folder)}'" if folder else "the top folder"
