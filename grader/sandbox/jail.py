"""Takes every power that a worker does not need from the process that calls it; nothing here needs privilege.

In this order: spare uid (where root starts the grader and the interpreter stays readable), capabilities, death signal,
Landlock, system-call filter. Landlock and the filter bind the calling thread alone: call `enter` while there is one.
Files are denied unless listed: `rules` names what Python and its packages need, and leaves out the grader itself, so
that neither suites nor solutions can be read, wherever the grader is installed. Without Landlock, mounts inside
bubblewrap say what is there at all (`inner_rules`).
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import socket
import stat
import struct
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from grader.sandbox import bubblewrap, landlock, seccomp

SPARE_ID = 20001  # uid and gid of jailed workers; no account needs to exist
_PACKAGE_DIR = Path(__file__).resolve().parent.parent
_CHECKOUT_PARTS = ("solution", "stencil", "tests", "grader")
_DISTRIBUTION = "rnn_homework_grader"

# Besides Python's own folders. Missing ones are skipped.
_SYSTEM_PATHS = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/filesystems",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/dev/urandom",
    "/dev/zero",
)
_WRITABLE_DEVICES = ("/dev/null",)
_PROC_SELF = tuple(f"/proc/self/{name}" for name in bubblewrap.PROC_SELF_FILES)
_MOST_TASKS = 16_384  # threads of all workers of a machine together, where their uid is theirs alone

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_READ, _PR_CAPBSET_DROP = 1, 4, 23, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_PR_SET_CHILD_SUBREAPER = 36
_CAPABILITY_VERSION_3 = 0x20080522
_SIGKILL = 9


@dataclass(frozen=True)
class Rules:
    """What every worker of one zygote may read.

    Attributes:
        trees: Files, and folders with all that is in them.
        listings: Folders that may be listed, not read.
        landlock_abi: Of this kernel.
        spare_id: uid and gid to change to, or None: stay and drop capabilities.
        temporary: Of a zygote inside bubblewrap: the folder that workers share with the grader; mounts then stand for
            the rules of Landlock.
    """

    trees: tuple[str, ...]
    listings: tuple[str, ...]
    landlock_abi: int
    spare_id: int | None
    temporary: str = ""


@dataclass(frozen=True)
class Report:
    """What is in force in one worker."""

    landlock_abi: int
    uid: int
    changed_uid: bool

    def describe(self) -> str:
        """One phrase for `grader doctor`."""
        if not self.landlock_abi:
            return f"bubblewrap and mounts of its own; system-call filter; uid {self.uid} without capabilities"
        who = f"spare uid {self.uid}" if self.changed_uid else f"uid {self.uid} without capabilities"
        extra = [
            name
            for name, abi in (("network rules", landlock.NET_ABI), ("scoped signals", landlock.SCOPE_ABI))
            if self.landlock_abi >= abi
        ]
        return f"Landlock ABI {self.landlock_abi}{''.join(', ' + name for name in extra)}; system-call filter; {who}"


def landlock_abi() -> int:
    """Version of Landlock in this kernel; 0 where there is none."""
    return landlock.abi()


def rules(hidden: tuple[Path, ...] = ()) -> Rules:
    """Lists what workers may read on this machine; called once, by the zygote.

    Args:
        hidden: More folders that must stay unreadable even inside a readable one.

    Raises:
        OSError: This kernel or machine offers no jail; the text says what is missing.
    """
    abi = landlock.abi()
    if abi < 1:
        raise OSError(errno.ENOSYS, "this kernel has no Landlock (Linux 5.13 or later, and enabled)")
    _need_filter()
    trees, listings = readable(hidden)
    return Rules(trees, listings, abi, spare_id())


def inner_rules(temporary: str) -> Rules:
    """Rules for the workers of a zygote that runs inside bubblewrap.

    Args:
        temporary: See `Rules`.

    Raises:
        OSError: There is no system-call filter.
    """
    _need_filter()
    return Rules((), (), 0, None, temporary)


def readable(hidden: tuple[Path, ...] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Trees and listings (see `Rules`) for Python and its packages, without the grader."""
    secret = {path.resolve() for path in hidden} | set(_own_paths())
    trees: dict[str, None] = {}
    listings: dict[str, None] = {}
    for path in (*_python_paths(), *map(Path, _SYSTEM_PATHS)):
        _cover(path, secret, trees, listings)
    return tuple(trees), tuple(listings)


def zygote_paths() -> list[Path]:
    """What a zygote inside bubblewrap needs besides: the interpreter, its configuration, and its own modules.

    Not the list of all files of the kit that an installer keeps.
    """
    found = [Path(os.path.realpath(sys.executable)), Path(sys.prefix, "pyvenv.cfg")]
    found += [_PACKAGE_DIR / "__init__.py", _PACKAGE_DIR / "sandbox"]
    found += [path for path in _own_distributions() if path.suffix != ".dist-info"]
    return [path for path in found if path.exists()]


def enter(rules: Rules, submission: str, scratch: str | None) -> Report:
    """Puts the jail on this process, for good.

    Args:
        rules: From `rules`.
        submission: Folder that may be read.
        scratch: Folder that may be written, or None.

    Raises:
        OSError: A part of it is refused; the process must then run no code of others.
    """
    if thread_count() != 1:
        raise OSError(errno.EBUSY, "the jail binds one thread, and there are more")
    if rules.temporary:
        return _enter_mounts(rules.temporary, submission, scratch)
    if scratch and rules.landlock_abi < landlock.REFER_ABI:
        raise OSError(errno.ENOSYS, "a scratch folder needs Landlock ABI 2 (Linux 5.19)")
    program = seccomp.build(os.getpid(), deny_truncate=rules.landlock_abi < landlock.TRUNCATE_ABI)
    _drop_bounding_set()  # needs a capability that the change of uid takes away
    changed = rules.spare_id is not None and _change_id(rules.spare_id, submission, scratch)
    if changed:
        _limit_tasks(_MOST_TASKS)
    _drop_capabilities()
    set_death_signal(_SIGKILL)
    forbid_dumping()
    landlock.restrict(
        rules.landlock_abi,
        read=(*rules.trees, submission),
        listed=rules.listings,
        write=(*_WRITABLE_DEVICES, *((scratch,) if scratch else ())),
        needed=(submission, *((scratch,) if scratch else ())),
        held=_PROC_SELF,
    )
    seccomp.load(program)
    return Report(rules.landlock_abi, os.getuid(), changed)


def _enter_mounts(temporary: str, submission: str, scratch: str | None) -> Report:
    program = seccomp.build(os.getpid(), deny_truncate=False)
    bubblewrap.cover(temporary, submission, scratch, (str(_PACKAGE_DIR),))
    _limit_tasks(bubblewrap.MOST_THREADS)
    _drop_bounding_set()
    _drop_capabilities()
    set_death_signal(_SIGKILL)
    forbid_dumping()
    seccomp.load(program)
    return Report(0, os.getuid(), False)


def thread_count() -> int:
    """Threads of this process, those of C libraries included."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return 1  # no /proc (macOS)


def set_death_signal(number: int) -> None:
    """Has the kernel send this signal when the thread that forked this process ends."""
    if sys.platform.startswith("linux"):
        _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Makes this process the parent of what its ended children leave behind, in place of the first process."""
    if sys.platform.startswith("linux"):
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_dumping() -> None:
    """Hides this process's memory and descriptors from others of the same uid."""
    if sys.platform.startswith("linux"):
        _prctl(_PR_SET_DUMPABLE, 0)


def open_to_spare(folder: Path) -> None:
    """Lets the spare uid read a run folder of ours, where root starts the grader; else does nothing.

    The folder itself may then be entered but not listed; what is in it may be read.
    """
    if os.geteuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            os.chown(path, -1, SPARE_ID)
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (0o010 if path == folder else 0o050 if path.is_dir() else 0o040))


def spare_enters(folder: Path) -> bool:
    """Whether the spare uid may enter a folder, where root starts the grader; else True."""
    return os.geteuid() != 0 or _reachable(str(folder), SPARE_ID, 0o1)


def give_to_spare(folder: Path) -> None:
    """Makes a folder of root's the spare uid's own; else does nothing."""
    if os.geteuid() == 0:
        os.chown(folder, SPARE_ID, SPARE_ID)


def _need_filter() -> None:
    if not seccomp.supported():
        raise OSError(errno.ENOSYS, "no system-call filter on this kernel or machine")


def _limit_tasks(most: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc().prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} refused")


def _own_paths() -> list[Path]:
    """The grader, its checkout and its traces among installed packages."""
    own = [_PACKAGE_DIR, *(_PACKAGE_DIR.parent / part for part in _CHECKOUT_PARTS), *_own_distributions()]
    return [path for path in own if path.exists()]


def _own_distributions() -> list[Path]:
    """How an installer has noted the grader."""
    return [path.resolve() for folder in _package_folders() for path in folder.iterdir() if _DISTRIBUTION in path.name]


def _package_folders() -> list[Path]:
    """Every folder of installed packages on this interpreter's path."""
    names = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    names += [sysconfig.get_path(key) for key in ("purelib", "platlib")]
    return [path for path in dict.fromkeys(Path(name).resolve() for name in names) if path.is_dir()]


def _python_paths() -> list[Path]:
    """Standard library, installed packages and the interpreter's shared library."""
    paths = [Path(sysconfig.get_path(key)) for key in ("stdlib", "platstdlib")] + _package_folders()
    library = sysconfig.get_config_var("LIBDIR")
    if library and sysconfig.get_config_var("Py_ENABLE_SHARED"):
        paths += Path(library).glob("libpython*")
    return paths


def _cover(path: Path, secret: set[Path], trees: dict[str, None], listings: dict[str, None]) -> None:
    """Adds a path, or, where something secret lies in it, its other children one by one."""
    try:
        path = path.resolve(strict=True)
    except OSError:
        return
    if path in secret:
        return
    if not path.is_dir() or not any(path in other.parents for other in secret):
        trees[str(path)] = None
        return
    try:
        children = sorted(path.iterdir())
    except PermissionError:
        return  # closed to the grader too
    listings[str(path)] = None
    for child in children:
        # A link is followed by the kernel, so what it leads to needs a rule of its own, here or not at all.
        if not child.is_symlink():
            _cover(child, secret, trees, listings)


def spare_id() -> int | None:
    """The spare uid, if this process may change to it and Python stays readable then."""
    if os.geteuid() != 0:
        return None
    needed = (os.__file__, socket.__file__, os.path.realpath(sys.executable), *map(str, _package_folders()))
    return SPARE_ID if all(_reachable(path, SPARE_ID) for path in needed) else None


def _reachable(path: str, spare_id: int, last: int = 0) -> bool:
    """Whether the permission bits let this uid and gid read a path (or have the bits `last` on it)."""
    full = Path(os.path.realpath(path))
    for step in (full, *full.parents):
        try:
            found = step.stat()
        except OSError:
            return False
        shift = 6 if found.st_uid == spare_id else 3 if found.st_gid == spare_id else 0
        needed = 0o1 if step != full else last or (0o5 if stat.S_ISDIR(found.st_mode) else 0o4)
        if (found.st_mode >> shift) & needed != needed:
            return False
    return True


def _change_id(spare_id: int, submission: str, scratch: str | None) -> bool:
    """Changes group and user for good; False where the folders are out of reach then, or no such id is mapped."""
    if not _reachable(submission, spare_id) or (scratch and not _reachable(str(Path(scratch).parent), spare_id, 0o1)):
        return False
    try:
        if scratch:
            os.chown(scratch, spare_id, spare_id)
        os.setgroups([])
        os.setresgid(spare_id, spare_id, spare_id)
        os.setresuid(spare_id, spare_id, spare_id)
    except OSError:
        return False
    return True


def _drop_bounding_set() -> None:
    """Without CAP_SETPCAP nothing happens, and nothing needs to: no_new_privs keeps the set from ever being used."""
    libc = _libc()
    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_READ, ctypes.c_ulong(capability), 0, 0, 0) == 1:
            libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def _drop_capabilities() -> None:
    if _libc().capset(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)) != 0:
        raise OSError(ctypes.get_errno(), "capabilities could not be dropped")
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
