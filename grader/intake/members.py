"""What a file of a hand-in may be called, and what is no part of the work and is left out."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from grader.errors import UnusableSubmission

MAX_NAME_BYTES = 255  # of one part of a path: what file systems allow
MAX_PATH_BYTES = 512
MAX_MEMBERS = 2_000  # what is left out does not count

PACK_AGAIN = "pack the folder again, with `python submit.py`"
EXPECTED = "expected a zip or a folder: pack one with `python submit.py`"

JUNK_FOLDERS = frozenset(
    {
        *(
            "__macosx",
            "__pycache__",
            ".ipynb_checkpoints",
            ".mypy_cache",
            ".pytest_cache",
            ".ruff_cache",
            ".hypothesis",
        ),
        *(".git", ".hg", ".svn", ".idea", ".vscode"),
        *("venv", ".venv", ".tox", ".nox", ".eggs", "site-packages", "node_modules"),
        *("data", "runs", "wandb", "lightning_logs"),
    }
)
JUNK_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
JUNK_SUFFIXES = (".pyc", ".pyo", ".so", ".pyd", ".dll", ".dylib", ".egg-info", ".dist-info")
# What `python -m venv FOLDER` writes into FOLDER, which may be the one that holds the homework.
VENV_MARK = "pyvenv.cfg"
VENV_PARTS = frozenset({"bin", "scripts", "lib", "lib64", "include", "share", VENV_MARK})

_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
_SHOWN_LENGTH = 80


def shown(name: str) -> str:
    """A student's file name, fit to stand in a message: escaped where it does not print, and short."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."


def listed(names: Iterable[str], most: int = 8) -> str:
    """The first few names, and how many more there are."""
    names = sorted(names)
    more = f", and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + more


def reason(error: Exception) -> str:
    """What an exception says, short and without a path of ours."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return shown(text or type(error).__name__)


def clean_path(name: str) -> str:
    """The path of a member inside the hand-in, `/` between its parts and NFC-normalised.

    Raises:
        UnusableSubmission: It points out of the hand-in, or no file can have that name.
    """
    if "\0" in name:
        raise UnusableSubmission(f"a file name holds a NUL byte: '{shown(name)}'; {PACK_AGAIN}")
    # Some Windows programs write their own separator, against the zip format.
    path = unicodedata.normalize("NFC", name.replace("\\", "/"))
    if path.startswith("/") or _DRIVE.match(path):
        raise UnusableSubmission(
            f"'{shown(name)}' is an absolute path; expected paths inside the hand-in; {PACK_AGAIN}"
        )
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UnusableSubmission(f"'{shown(name)}' points out of the hand-in by '..'; {PACK_AGAIN}")
    if not parts:
        raise UnusableSubmission(f"a file has no name but '{shown(name)}'; {PACK_AGAIN}")
    return "/".join(parts)


def check_path(path: str) -> None:
    """Refuses a name that some file system can't hold, or that hides what it is.

    Args:
        path: As `clean_path` returns it.

    Raises:
        UnusableSubmission: See above.
    """
    try:
        size = len(path.encode())
    except UnicodeEncodeError as error:
        raise UnusableSubmission(f"the file name '{shown(path)}' is no valid Unicode; rename it") from error
    if any(unicodedata.category(character) == "Cc" for character in path):
        raise UnusableSubmission(f"the file name '{shown(path)}' holds a control character; rename it")
    if size > MAX_PATH_BYTES:
        raise UnusableSubmission(f"the path '{shown(path)}' has {size:,} bytes; at most {MAX_PATH_BYTES} are allowed")
    for part in path.split("/"):
        if len(part.encode()) > MAX_NAME_BYTES:
            raise UnusableSubmission(f"the file name '{shown(part)}' is longer than {MAX_NAME_BYTES} bytes")
        if _DEVICE.fullmatch(part):
            raise UnusableSubmission(f"'{shown(path)}' has the name of a Windows device; rename it")


def check_collisions(paths: Iterable[str]) -> None:
    """Refuses paths that are the same file or folder on a file system that ignores case.

    Raises:
        UnusableSubmission: Two are equal, or differ by case alone, or one is a file and the folder of another.
    """
    spelling: dict[str, str] = {}
    files: set[str] = set()
    for path in sorted(paths):  # a file comes before what claims to lie in it
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            prefix = "/".join(parts[:end])
            known = spelling.setdefault(unicodedata.normalize("NFC", prefix.casefold()), prefix)
            if known != prefix:
                raise UnusableSubmission(
                    f"'{shown(known)}' and '{shown(prefix)}' differ by upper and lower case alone, so on some machines "
                    "they are one; rename or remove one of them"
                )
            if prefix in files:
                what = "there twice" if end == len(parts) else "a file and a folder at once"
                raise UnusableSubmission(f"'{shown(prefix)}' is {what}, so it is not clear what counts; {PACK_AGAIN}")
        files.add(path)


class Sieve:
    """Parts the work from what is no part of it, and counts what was left out.

    Args:
        paths: Every path of the hand-in, as `clean_path` returns it; tells where virtual environments lie.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        marks = (path.rpartition("/") for path in paths)
        self._venvs = {folder for folder, _, name in marks if name == VENV_MARK}
        self.dropped: Counter[str] = Counter()

    def keeps(self, path: str) -> bool:
        """Whether the file is part of the work; if not, counts it."""
        reason = self._junk(path)
        if reason:
            self.dropped[reason] += 1
        return not reason

    def _junk(self, path: str) -> str:
        parts = path.split("/")
        for index, part in enumerate(parts):
            name = part.casefold()
            is_file = index == len(parts) - 1
            if name.endswith(JUNK_SUFFIXES):
                return f"*.{name.rpartition('.')[2]}"
            if is_file and (name in JUNK_FILES or name.startswith("._")):
                return part if name in JUNK_FILES else "._*"
            if not is_file and name in JUNK_FOLDERS:
                return f"{part}/"
            if name in VENV_PARTS and "/".join(parts[:index]) in self._venvs:
                return "a virtual environment"
        return ""

    def notes(self) -> list[str]:
        """What was left out, in one line; empty where nothing was."""
        if not self.dropped:
            return []
        total = self.dropped.total()
        ranked = [f"{shown(reason)} ({count:,})" for reason, count in self.dropped.most_common(6)]
        if len(self.dropped) > len(ranked):
            ranked.append("...")
        what = "file that is" if total == 1 else "files that are"
        return [f"left out {total:,} {what} no part of the work: {', '.join(ranked)}"]


def check_paths(paths: list[str], sieve: Sieve) -> None:
    """Refuses too many paths, none at all, or one that can't be written safely.

    Args:
        paths: What the sieve kept.

    Raises:
        UnusableSubmission: See above.
    """
    if not paths:
        raise UnusableSubmission("; ".join(["there is no file to grade in it", *sieve.notes(), EXPECTED]))
    if len(paths) > MAX_MEMBERS:
        raise UnusableSubmission(
            f"it holds {len(paths):,} files, such as {listed(paths, 3)}; at most {MAX_MEMBERS:,} are read: hand in the "
            "files of the handout alone"
        )
    for path in paths:
        check_path(path)
    check_collisions(paths)
