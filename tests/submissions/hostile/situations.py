"""Situations that a grader may find itself in, brought about on one machine: `python situations.py NAME COMMAND...`.

Each is entered by a process that then becomes the command, so nothing outside it changes. `offered` says which of them
this machine can bring about. None needs more than root, and as an ordinary user three are left.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT_DIR = Path(__file__).resolve().parents[3]
USER_ID = 20_077  # an ordinary user; no account needs to exist
_CLONE_NEWNS = 0x0002_0000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x4_0000
_LANDLOCK = {"landlock_create_ruleset": (444, 444), "add_rule": (445, 445), "restrict_self": (446, 446)}


class NotOffered(Exception):
    """This machine can't bring the situation about."""


def spare_uid() -> None:
    """Root, and every uid may read Python: workers change to a spare one."""
    need_root()
    make_readable()


def unreadable_python() -> None:
    """Root, and Python lies where no other uid can read it: workers stay, without capabilities."""
    need_root()
    if readable_by_all():
        parent = Path(sys.base_prefix).resolve().parent
        if parent == Path("/"):
            raise NotOffered(f"Python lies in {sys.base_prefix}, which can't be closed to others")
        own_mounts()
        move_into_fresh(parent, 0o700, [Path(sys.base_prefix).resolve()])


def namespaces_refused() -> None:
    """No process may make a namespace or a mount: a container with Docker's profile."""
    from grader.sandbox import seccomp

    if os.geteuid() == 0:
        make_readable()
    seccomp.load(seccomp.build_container())


def ordinary_user() -> None:
    """No root anywhere: workers have the uid of the grader."""
    become_ordinary()


def no_landlock() -> None:
    """A kernel without Landlock, and root: bubblewrap is started by the spare uid."""
    need_root()
    need_bubblewrap()
    make_readable()
    hide_landlock()


def no_landlock_ordinary_user() -> None:
    """A kernel without Landlock, and no root anywhere."""
    need_bubblewrap()
    become_ordinary()
    hide_landlock()


def nothing() -> None:
    """Neither Landlock nor namespaces: tier bare."""
    from grader.sandbox import seccomp

    become_ordinary()
    hide_landlock()
    seccomp.load(seccomp.build_container())


SITUATIONS: dict[str, tuple[Callable[[], None], str]] = {
    "spare uid": (spare_uid, "jailed"),
    "unreadable python": (unreadable_python, "jailed"),
    "namespaces refused": (namespaces_refused, "jailed"),
    "ordinary user": (ordinary_user, "jailed"),
    "no Landlock": (no_landlock, "bubblewrap"),
    "no Landlock, ordinary user": (no_landlock_ordinary_user, "bubblewrap"),
    "nothing": (nothing, "bare"),
}


def command(name: str, arguments: list[str]) -> list[str]:
    """What enters a situation and runs Python there with these arguments."""
    return [sys.executable, "-B", str(Path(__file__).resolve()), name, sys.executable, "-B", *arguments]


def offered() -> dict[str, str]:
    """For each situation "" or why this machine can't bring it about."""
    found = {}
    for name in SITUATIONS:
        done = subprocess.run(command(name, ["-c", ""]), capture_output=True, text=True, cwd=ROOT_DIR)
        found[name] = done.stderr.strip().splitlines()[-1] if done.returncode else ""
    return found


# -- ways in -----------------------------------------------------------------------------------------------------------


def need_root() -> None:
    if os.geteuid() != 0:
        raise NotOffered("needs root")


def need_bubblewrap() -> None:
    if shutil.which("bwrap") is None:
        raise NotOffered("bubblewrap is not installed")


def become_ordinary() -> None:
    """Gives up root for good, with a folder for temporary files that is the user's own."""
    if os.geteuid() != 0:
        return
    make_readable()
    folder = Path(tempfile.gettempdir())
    if folder.stat().st_uid != USER_ID and not folder.stat().st_mode & stat.S_IWOTH:
        raise NotOffered(f"an ordinary user can't write {folder}")
    os.setgroups([])
    os.setresgid(USER_ID, USER_ID, USER_ID)
    os.setresuid(USER_ID, USER_ID, USER_ID)
    os.environ["HOME"] = str(folder)


def hide_landlock() -> None:
    """Every call of Landlock fails as on a kernel that has none."""
    from grader.sandbox import seccomp

    program = seccomp._Program(0 if os.uname().machine == "x86_64" else 1)
    program.load(seccomp._NUMBER_AT)
    program.refuse(_LANDLOCK, errno.ENOSYS)
    program.give(seccomp._ALLOW)
    seccomp.load(program.code())


def needed() -> list[Path]:
    """What the grader must be able to read: Python, the environment with its packages, the checkout."""
    return [Path(place).resolve() for place in (sys.base_prefix, sys.prefix, ROOT_DIR)]


def closed_ancestor(path: Path) -> Path | None:
    """The topmost folder above a path that others can't enter."""
    closed = [parent for parent in path.parents if not parent.stat().st_mode & stat.S_IXOTH]
    return closed[-1] if closed else None


def readable_by_all() -> bool:
    return not any(closed_ancestor(path) for path in needed())


def make_readable() -> None:
    """Opens Python to every uid, in a mount namespace of its own where it is closed."""
    closed = {ancestor for path in needed() if (ancestor := closed_ancestor(path)) is not None}
    if not closed:
        return
    own_mounts()
    for ancestor in closed:
        move_into_fresh(ancestor, 0o755, [path for path in needed() if ancestor in path.parents])


def own_mounts() -> None:
    if libc().unshare(_CLONE_NEWNS) != 0:
        raise NotOffered("needs a mount namespace")
    mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def move_into_fresh(folder: Path, mode: int, kept: list[Path]) -> None:
    """Puts an empty folder over one, with some of what was in it in its old place."""
    aside = Path(tempfile.mkdtemp(prefix="aside-"))
    mount("none", str(aside), "tmpfs", 0)
    outermost = [path for path in kept if not any(other in path.parents for other in kept)]
    for number, path in enumerate(outermost):
        (aside / str(number)).mkdir()
        mount(str(path), str(aside / str(number)), None, _MS_BIND | _MS_REC)
    mount("none", str(folder), "tmpfs", 0, f"mode={mode:o}")
    for number, path in enumerate(outermost):
        path.mkdir(parents=True)
        mount(str(aside / str(number)), str(path), None, _MS_BIND | _MS_REC)
    libc().umount2(os.fsencode(aside), 2)  # later
    aside.rmdir()


def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def mount(source: str, place: str, kind: str | None, flags: int, data: str = "") -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, place, kind)]
    if libc().mount(*texts, ctypes.c_ulong(flags), data.encode() or None) != 0:
        raise NotOffered(f"mount of {place} refused ({os.strerror(ctypes.get_errno())})")


def main() -> None:
    name, *rest = sys.argv[1:]
    sys.path.insert(0, str(ROOT_DIR))
    try:
        SITUATIONS[name][0]()
    except NotOffered as error:
        sys.exit(str(error))
    os.execv(rest[0], rest)  # noqa: S606 - no shell


if __name__ == "__main__":
    main()
