"""The tier for kernels without Landlock: `bwrap` around the zygote, and a second wall around each worker.

bubblewrap, started from an unprivileged uid, gives the zygote user, mount, pid, network, IPC and host-name namespaces
of its own, with Python and its packages read-only, and the folder for temporary files, in which submissions lie. That
wall all workers of a zygote share. So each puts up a second one before it runs a line of others: in a mount namespace
of its own, empty folders cover the temporary files, the zygote's modules, /proc and /dev, and what it may use is put
back into them (`cover`). Limits, capabilities and the system-call filter are those of the jail; see `jail.enter`.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PROGRAM = "bwrap"
MOST_THREADS = 512  # of one worker: its user namespace has a count of its own
DEVICES = ("null", "zero", "urandom")
PROC_FILES = ("cpuinfo", "meminfo", "filesystems")
PROC_SELF_FILES = ("cmdline", "status", "stat", "statm", "maps")

_CHECK_S = 20.0
# What the zygote needs, and no namespace of another kind than these is left to it.
_NAMESPACES = (
    *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
    *("--cap-drop", "ALL", "--hostname", "worker"),
)

_CLONE_NEWNS, _CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT, _MS_BIND, _MS_MOVE, _MS_REC, _MS_PRIVATE = (
    *(1, 2, 4, 8, 0x20, 0x1000, 0x2000, 0x4000, 0x4_0000),
)
_MNT_DETACH = 2
_PR_SET_DUMPABLE = 4
# Flags that a mount had outside are locked inside, so a remount must repeat them: os.statvfs's and mount's numbers.
_KEPT_FLAGS = {os.ST_NOSUID: _MS_NOSUID} | {
    getattr(os, name): flag
    for name, flag in (
        ("ST_NODEV", _MS_NODEV),
        ("ST_NOEXEC", _MS_NOEXEC),
        ("ST_NOATIME", 0x400),
        ("ST_NODIRATIME", 0x800),
        ("ST_RELATIME", 0x20_0000),
    )
    if hasattr(os, name)
}
_EMPTY = "size=256k,nr_inodes=512,mode=755"


def why_unusable(spare_id: int | None) -> str:
    """Says why this machine can't do the tier, or "" where it can.

    Args:
        spare_id: For root: the uid that starts bubblewrap, or None where that one could not read Python.
    """
    program = shutil.which(PROGRAM)
    if not sys.platform.startswith("linux") or program is None:
        return "bubblewrap is not installed"
    temporary = Path(tempfile.gettempdir()).resolve()
    if temporary in Path(sys.prefix).resolve().parents:
        return f"this Python lies in {temporary}, the folder for temporary files, which bubblewrap would cover"
    if os.geteuid() == 0 and spare_id is None:
        return "bubblewrap must not be started by root, and no other uid can read this Python"
    command = [program, *_NAMESPACES, "--ro-bind", "/", "/", "true"]
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, no shell
            command, capture_output=True, text=True, timeout=_CHECK_S, cwd="/", **identity(spare_id)
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"bubblewrap does not run ({error})"
    words = done.stderr.strip().splitlines() or [f"code {done.returncode}"]
    return f"bubblewrap is refused here ({words[-1]})" if done.returncode else ""


def identity(spare_id: int | None) -> dict[str, Any]:
    """Arguments of `subprocess.Popen` that make it no child of root."""
    return {"user": spare_id, "group": spare_id, "extra_groups": []} if os.geteuid() == 0 and spare_id else {}


def command(trees: Iterable[str], own: Iterable[Path], temporary: Path) -> list[str]:
    """What to put before the command of the zygote.

    Args:
        trees: Files and folders that may be read, links resolved.
        own: More that the zygote needs and workers must not see; `cover` hides the packages among them.
        temporary: Folder below which all submissions and scratch folders lie.
    """
    found = [str(shutil.which(PROGRAM)), *_NAMESPACES]
    places = dict.fromkeys([*trees, *(str(path) for path in own)])
    for path in places:
        # Devices come with --dev, and files of /proc with --proc.
        if not path.startswith(("/dev/", "/proc/")):
            found += ["--ro-bind-try", path, path]
    for link in _links(places):
        found += ["--symlink", str(link.readlink()), str(link)]
    found += ["--proc", "/proc", "--dev", "/dev", "--bind", str(temporary), str(temporary)]
    return [*found, "--remount-ro", "/", "--"]


def cover(temporary: str, submission: str, scratch: str | None, hidden: Iterable[str]) -> None:
    """Gives the calling process a mount namespace in which it sees Python, its submission and its scratch alone.

    Call it inside `command`'s walls, with one thread; drop all capabilities afterwards, which it leaves to the caller.

    Args:
        temporary: That of `command`.
        submission: Folder that may be read.
        scratch: Folder that may be written, or None.
        hidden: Folders that become empty.

    Raises:
        OSError: The kernel refuses; the process must then run no code of others.
    """
    for path in filter(None, (submission, scratch)):
        if Path(temporary) not in Path(path).parents:
            raise OSError(f"{path} does not lie in {temporary}, the one folder that workers share with the grader")
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # or its own uid_map would be closed to it; the jail forbids it again
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "no mount namespace for a worker")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        Path(f"/proc/self/{name}").write_text(text, encoding="ascii")
    _mount(libc, None, "/", None, _MS_REC | _MS_PRIVATE)
    kept = {path: os.open(path, os.O_PATH) for path in (submission, scratch) if path}
    own = {name: os.open(f"/proc/self/{name}", os.O_PATH) for name in PROC_SELF_FILES}
    _mount(libc, "tmpfs", temporary, "tmpfs", _MS_NOSUID | _MS_NODEV, _EMPTY)
    staging = Path(temporary, ".staging")
    for part, files in (("dev", DEVICES), ("proc", PROC_FILES)):
        folder = staging / part
        folder.mkdir(parents=True)
        _mount(libc, "tmpfs", str(folder), "tmpfs", _MS_NOSUID, _EMPTY)
        for name in files:
            if Path("/", part, name).exists():
                _put(libc, f"/{part}/{name}", folder / name)
    (staging / "proc" / "self").mkdir()
    for name, fd in own.items():
        _put(libc, f"/proc/self/fd/{fd}", staging / "proc" / "self" / name)
    (staging / "proc" / "self" / "exe").symlink_to(os.path.realpath(sys.executable))  # TensorFlow asks for its name
    for path, fd in kept.items():
        Path(path).mkdir(parents=True)
        _mount(libc, f"/proc/self/fd/{fd}", path, None, _MS_BIND)
        os.close(fd)
    _read_only(libc, submission)
    for path in hidden:
        if Path(path).is_dir():
            _mount(libc, "tmpfs", path, "tmpfs", _MS_RDONLY | _MS_NOSUID | _MS_NODEV, _EMPTY)
    for part in ("dev", "proc"):
        _mount(libc, str(staging / part), f"/{part}", None, _MS_MOVE)
        _read_only(libc, f"/{part}")
    for fd in own.values():
        os.close(fd)
    shutil.rmtree(staging)
    _read_only(libc, temporary)
    # The working directory was entered before it was covered.
    os.chdir(scratch or submission)


def _links(places: Iterable[str]) -> list[Path]:
    """Links of the file system's top, such as /lib64, and those from `sys.executable` to the interpreter."""
    top = [path for path in Path("/").iterdir() if path.is_symlink() and path.resolve().is_dir()]
    found = [path for path in top if any(f"{place}/".startswith(f"{path.resolve()}/") for place in places)]
    path = Path(os.path.abspath(sys.executable))  # noqa: PTH100 - links are wanted as they are
    while path.is_symlink():
        found.append(path)
        path = Path(os.path.abspath(path.parent / path.readlink()))  # noqa: PTH100
    return found


def _put(libc: ctypes.CDLL, source: str, place: Path) -> None:
    place.touch()
    _mount(libc, source, str(place), None, _MS_BIND)


def _read_only(libc: ctypes.CDLL, path: str) -> None:
    flags = os.statvfs(path).f_flag
    kept = sum(flag for bit, flag in _KEPT_FLAGS.items() if flags & bit)
    _mount(libc, None, path, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept)


def _mount(libc: ctypes.CDLL, source: str | None, place: str, kind: str | None, flags: int, data: str = "") -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, place, kind)]
    if libc.mount(*texts, ctypes.c_ulong(flags), data.encode() or None) != 0:
        raise OSError(ctypes.get_errno(), f"no mount of {place}")
