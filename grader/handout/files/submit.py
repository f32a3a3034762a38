"""Packs your work into <assignment>-submission.zip, ready to hand in: run `python submit.py`.

It needs nothing but Python, says what it packs and what it leaves out, and changes none of your files.
"""
# ruff: noqa: UP036 - students may start this with a Python that is too old for the rest; it shall say so.

import sys

if sys.version_info < (3, 8):
    sys.exit("submit.py needs Python 3.8 or newer; this is Python " + sys.version.split()[0])

import argparse
import hashlib
import json
import os
import re
import warnings
import zipfile
from pathlib import Path

STAMP = "handout.json"
OWN_SUFFIXES = (".py", ".md", ".ipynb", ".pdf", ".txt")
LEFT_OUT_FOLDERS = ("data", "runs", "logs", "checkpoints", "venv", "node_modules", "site-packages", "__macosx")
CACHES = ("__pycache__", ".pytest_cache", ".ipynb_checkpoints", ".mypy_cache", ".ruff_cache")
BAD_NAME = re.compile(r"[\x00-\x1f\x7f\\:]|(^|/)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.[^/]*)?(/|$)", re.IGNORECASE)
MAX_PATH_BYTES = 500
MAX_BYTES = 10 * 2**20  # of one file
OPEN_TASK = re.compile(r"""^[ \t]*raise NotImplementedError\(\s*["']Task (\d+(?:\.\d+)*)""", re.MULTILINE)
OPEN_ANSWER = "*Your answer.*"
EPOCH = (1980, 1, 1, 0, 0, 0)


def read_stamp(folder):
    """Reads handout.json -> (dict, complaint or None); without it a bare one, by which all of yours is packed."""
    bare = {"assignment": folder.name or "homework", "files": [], "kit": [], "tasks": {}, "contents": {}, "flags": []}
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        for key, value in bare.items():
            if type(stamp[key]) is not type(value):
                raise ValueError(f"its {key!r} is damaged")
        if Path(stamp["assignment"]).name != stamp["assignment"]:
            raise ValueError("its 'assignment' is damaged")
    except FileNotFoundError:
        return bare, f"there is no {STAMP} beside submit.py: unpack the whole handout, and keep its files together"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return bare, f"{STAMP} can't be read ({type(error).__name__}: {error}): take it from the handout again"
    return stamp, None


def choose(folder, stamp):
    """Goes through the folder -> (files to pack, {what is left out: why}), as paths with forward slashes."""
    packed, left_out = [], {}
    for where, folders, names in os.walk(str(folder)):
        here = Path(where)
        folders.sort()
        for name in list(folders):
            reason = reason_against_folder(here / name, folder)
            if reason is not None:
                folders.remove(name)
                left_out[(here / name).relative_to(folder).as_posix() + "/"] = reason
        for name in sorted(names):
            relative = (here / name).relative_to(folder).as_posix()
            try:
                reason = reason_against_file(here / name, relative, stamp)
            except OSError as error:
                reason = f"can't be read: {error.strerror}"
            twin = next((other for other in packed if other.lower() == relative.lower()), None)
            if reason is None and twin:
                reason = f"on some machines it is the same file as {twin}: upper and lower case"
            if reason is None:
                packed.append(relative)
            else:
                left_out[relative] = reason
    # What nobody wrote needs no mention.
    return sorted(packed), {name: reason for name, reason in left_out.items() if reason}


def reason_against_folder(path, root):
    """Says why a folder is not packed; None where it is, "" where that needs no mention."""
    if path == root / "kit" or path.name in CACHES:
        return ""
    if path.is_symlink():
        return "a link"
    if path.name.startswith("."):
        return "hidden"
    if path.name.lower() in LEFT_OUT_FOLDERS:
        return "data, caches and results of runs are not graded"
    if (path / "pyvenv.cfg").exists():
        return "a virtual environment"
    return None


def reason_against_file(path, relative, stamp):
    """Says why a file is not packed; None where it is, "" where that needs no mention."""
    if relative == f"{stamp['assignment']}-submission.zip" or path.name.endswith((".pyc", ".part")):
        return ""
    if relative == STAMP or relative in stamp["flags"]:
        return None
    if path.is_symlink():
        return "a link: put the file itself here"
    if path.name.startswith("."):
        return "hidden"
    if BAD_NAME.search(relative) or len(relative.encode("utf-8", "replace")) > MAX_PATH_BYTES:
        return "no file name on every system: rename it"
    if relative not in stamp["files"]:
        original = stamp["contents"].get(relative)
        if original and original == hashlib.sha256(path.read_bytes()).hexdigest():
            return ""
        if relative in stamp["kit"]:
            return "changed, but the grader uses its own"
        if path.suffix.lower() not in OWN_SUFFIXES:
            return f"neither code nor text ({', '.join(OWN_SUFFIXES)})"
    if path.stat().st_size > MAX_BYTES:
        return f"larger than {MAX_BYTES // 2**20} MB"
    path.open("rb").close()  # may raise: better now than half-way through the zip
    return None


def inspect(folder, name, stamp):
    """Looks for what can be seen without running a file -> list of remarks."""
    data = (folder / name).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return [f"{name}, line {line}: not saved as UTF-8; save it again with that encoding"]
    lines = text.splitlines()
    if name.endswith(".md"):
        return [
            f"{name}, line {i}: an answer is still empty" for i, x in enumerate(lines, 1) if x.strip() == OPEN_ANSWER
        ]
    if not name.endswith(".py"):
        return []
    remarks = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, name, "exec")
    except SyntaxError as error:
        place = f"{name}, line {error.lineno}"
        remarks.append(f"{place}: Python can't read this: {error.msg}. Every test of this file will fail")
    except ValueError as error:  # a NUL byte, in older versions
        remarks.append(f"{name}: Python can't read this: {error}")
    for match in OPEN_TASK.finditer(text):
        task = match.group(1)
        title = stamp["tasks"].get(task, "")
        line = text.count("\n", 0, match.start()) + 1
        remarks.append("{}, line {}: task {} is still open{}".format(name, line, task, title and f" ({title})"))
    return remarks


def missing(stamp, packed, left_out):
    """Lists the files of the handout that are not packed -> list of remarks."""
    remarks = []
    for name in stamp["files"]:
        if name in packed:
            continue
        alike = [other for other in packed if other.lower() == name.lower()]
        moved = [other for other in packed if other.rsplit("/", 1)[-1] == name.rsplit("/", 1)[-1]]
        if name in left_out:
            remarks.append(f"{name} is LEFT OUT: {left_out[name]}")
        elif alike:
            remarks.append(f"{name} is MISSING: rename {alike[0]}; upper and lower case count")
        elif moved:
            remarks.append(f"{name} is MISSING: move it back from {moved[0]}")
        else:
            remarks.append(f"{name} is MISSING: its tasks can't earn points")
    return remarks


def shadows(packed):
    """Names files that hide a module of Python or of the course on your machine -> list of remarks."""
    taken = set(getattr(sys, "stdlib_module_names", ())) | {"numpy", "tensorflow", "keras", "pytest", "matplotlib"}
    own = sorted({name.split("/")[0] for name in packed if name.endswith(".py")})
    return [
        f"{name} bears the name of a module that exists already; the grader imports that one: rename yours"
        for name in own
        if name.rsplit(".", 1)[0] in taken
    ]


def write_zip(folder, target, packed):
    """Writes the zip in one go; the same files give the same bytes."""
    part = target.with_name(target.name + ".part")
    try:
        with zipfile.ZipFile(str(part), "w", zipfile.ZIP_STORED) as archive:
            for name in packed:
                member = zipfile.ZipInfo(name, EPOCH)
                member.create_system = 3
                member.external_attr = 0o100644 << 16
                archive.writestr(member, (folder / name).read_bytes())
        part.replace(target)
    finally:
        if part.exists():
            part.unlink()


def show(heading, lines):
    if lines:
        print("\n" + heading)
        for line in lines:
            print("  " + line)


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    if hasattr(sys.stdout, "reconfigure"):  # a Windows console may not know every letter of a file name
        sys.stdout.reconfigure(errors="backslashreplace")
    folder = Path(__file__).resolve().parent
    stamp, complaint = read_stamp(folder)
    packed, left_out = choose(folder, stamp)
    target = folder / f"{stamp['assignment']}-submission.zip"
    try:
        write_zip(folder, target, packed)
    except OSError as error:
        sys.exit(f"{target.name} could not be written: {error}. Is it open in another program?")
    remarks = [remark for name in packed for remark in inspect(folder, name, stamp)]
    show("Packed:", [f"{name}  ({(folder / name).stat().st_size:,} bytes)" for name in packed])
    show("Left out:", [f"{name}  ({reason})" for name, reason in sorted(left_out.items())])
    show("LOOK AT THIS FIRST:", ([complaint] if complaint else []) + missing(stamp, packed, left_out))
    show("Before you hand in:", shadows(packed) + remarks)
    size_kb = max(1, round(target.stat().st_size / 1000))
    print(f"\n{target.name} is ready ({size_kb:,} kB, {len(packed)} files): {target}")


if __name__ == "__main__":
    main()
