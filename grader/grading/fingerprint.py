"""Hashes that say whether a suite, with everything that its verdicts hang on, is still the same."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from grader.catalog import PACKAGE_DIR

_WORD = re.compile(r"\w+")


def sha256_of(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 over the names (relative to `root`, sorted) and the contents of these files."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{os.path.relpath(path, root)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@lru_cache
def suite_sha256(suite_dir: Path) -> str:
    """Of all in a suite that decides a verdict, and of the oracles that it compares with."""
    return sha256_of(suite_files(suite_dir), PACKAGE_DIR)


def suite_files(suite_dir: Path) -> list[Path]:
    """The files behind `suite_sha256`: without variants and texts, with the oracles that the suite mentions."""
    files = [path for path in suite_dir.rglob("*") if path.is_file() and not _decides_nothing(path, suite_dir)]
    return sorted({*files, *_oracles(path for path in files if path.suffix == ".py")})


def _oracles(sources: Iterable[Path]) -> set[Path]:
    """The oracles that these files mention, with those that they use themselves."""
    found: set[Path] = set()
    pending = list(sources)
    while pending:
        words = set(_WORD.findall(pending.pop().read_text(encoding="utf-8")))
        used = {path for path in (PACKAGE_DIR / "oracles").glob("*.py") if path.stem in words} - found
        found |= used
        pending += used
    return found


def _decides_nothing(path: Path, suite_dir: Path) -> bool:
    parts = path.relative_to(suite_dir).parts
    # A cache may hold files that are just being written, under names that no other moment has.
    return parts[0].startswith("variants") or "__pycache__" in parts or path.suffix in (".md", ".pyc")
