"""The system-call filter of a worker, as BPF put together here and loaded by ctypes (x86_64 and aarch64).

It denies what a worker never needs: other processes, programs, sockets, namespaces, kernel interfaces, and calls that
Landlock does not judge because they take a path (chmod, chown, setxattr, inotify). Every call that is newer than the
table gets ENOSYS, on which programs fall back to an older one.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import signal
import struct
import sys
from dataclasses import dataclass

# name: (x86_64, aarch64); None where the architecture has no such call.
_EPERM: dict[str, tuple[int | None, int | None]] = {
    # processes and programs
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "timer_create": (222, 107),  # may send SIGKILL, which would look as if the machine had ended the worker
    "setrlimit": (160, 164),  # so may a lowered limit of processor time
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # sockets and channels between processes
    "socket": (41, 198),
    "socketpair": (53, 199),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # memory that no limit counts
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    # namespaces, mounts, the machine
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sync": (162, 81),
    "syncfs": (306, 267),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "personality": (135, 92),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    # kernel interfaces with a history
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_setup": (206, 0),
    "io_submit": (209, 2),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "seccomp": (317, 277),
    "lookup_dcookie": (212, 18),
    "remap_file_pages": (216, 234),
    # files by handle, names of files by watching, special files and links
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "inotify_add_watch": (254, 27),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
}
# Landlock does not judge these and copying a file calls them, so they do nothing and say that they did.
_SILENT: dict[str, tuple[int | None, int | None]] = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
}
_UNSUPPORTED: dict[str, tuple[int | None, int | None]] = {
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
}
_TRUNCATE = (76, 45)  # by path: Landlock judges it from ABI 3 on
_CLONE, _CLONE3 = (56, 220), (435, 435)
_KILL, _TGKILL, _PRCTL, _PRLIMIT, _FCNTL, _IOCTL = (62, 129), (234, 131), (157, 167), (302, 261), (72, 25), (16, 29)
_NEWEST = 450  # the last one that was judged; `fchmodat2` is a later one

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_CLONE_NEW = 0x7E020080  # every CLONE_NEW* flag
# PR_SET_NAME and questions; nothing that undoes a death signal, dumpability or a limit.
_PRCTL_ALLOWED = (2, 3, 15, 16, 21, 23, 27, 29, 30, 39, 42, 0x53564D41)
# F_SETOWN, F_SETSIG, F_SETOWN_EX: signals to others by way of a file. F_SETLEASE keeps writers of a shared file
# waiting, and F_NOTIFY watches a folder.
_FCNTL_DENIED = (8, 10, 15, 1024, 1026)
_IOCTL_DENIED = (0x5412, 0x541C, 0x8901, 0x8902)  # TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP

_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_SET, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_GET_SECCOMP, _MODE_FILTER = 38, 22, 21, 2


def supported() -> bool:
    """Whether this kernel and machine take the filter; changes nothing."""
    if not sys.platform.startswith("linux") or platform.machine() not in _ARCHITECTURES:
        return False
    return int(ctypes.CDLL(None, use_errno=True).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0)) >= 0


def build(pid: int, *, deny_truncate: bool, machine: str | None = None) -> bytes:
    """Puts the filter together.

    Args:
        pid: The one process that may be signalled: its own.
        deny_truncate: For kernels whose Landlock does not judge truncation by path.
        machine: `x86_64` or `aarch64`; the running one by default.

    Returns:
        The BPF program, 8 bytes an instruction.

    Raises:
        OSError: The machine is another one.
    """
    machine = machine or platform.machine()
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system-call filter for {machine}")
    column, arch = _ARCHITECTURES[machine]
    program = _Program(column)
    program.load(_ARCH_AT)
    program.add(_JUMP_EQUAL, arch, 1, 0)
    program.give(_KILL_PROCESS)
    program.load(_NUMBER_AT)
    if machine == "x86_64":
        program.add(_JUMP_GREATER, _X32_BIT - 1, 0, 1)
        program.give(_ERRNO | errno.ENOSYS)
    program.refuse(_SILENT, 0)
    program.refuse(_UNSUPPORTED, errno.EOPNOTSUPP)
    program.add(_JUMP_GREATER, _NEWEST, 0, 1)
    program.give(_ERRNO | errno.ENOSYS)
    program.refuse({"clone3": _CLONE3}, errno.ENOSYS)  # its flags lie in memory; libc falls back to clone
    program.refuse(_EPERM | ({"truncate": _TRUNCATE} if deny_truncate else {}), errno.EPERM)
    program.on(_CLONE, [_Test(0, _JUMP_SET, _CLONE_NEW, False), _Test(0, _JUMP_SET, _CLONE_THREAD, True)])
    # Not even itself by SIGKILL: that one tells that somebody else ended the process.
    for call, signal_argument in ((_KILL, 1), (_TGKILL, 2)):
        program.on(call, [_Test(0, _JUMP_EQUAL, pid, True), _Test(signal_argument, _JUMP_EQUAL, signal.SIGKILL, False)])
    # To ask for its own limits; a pointer to new ones is two words long.
    nothing = [_Test(2, _JUMP_EQUAL, 0, True), _Test(2, _JUMP_EQUAL, 0, True, high=True)]
    program.on(_PRLIMIT, [_Test(0, _JUMP_EQUAL, 0, True), *nothing])
    program.among(_PRCTL, 0, _PRCTL_ALLOWED, allowed=True)
    program.among(_FCNTL, 1, _FCNTL_DENIED, allowed=False)
    program.among(_IOCTL, 1, _IOCTL_DENIED, allowed=False)
    program.give(_ALLOW)
    return program.code()


# Docker's default profile refuses these to a container that lacks CAP_SYS_ADMIN and its like.
_CONTAINER = (
    *("unshare", "setns", "mount", "umount2", "pivot_root", "move_mount", "open_tree", "fsopen", "fsconfig"),
    *("fsmount", "fspick", "mount_setattr", "quotactl", "quotactl_fd", "swapon", "swapoff", "acct", "reboot"),
    *("sethostname", "setdomainname", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "syslog"),
    *("vhangup", "iopl", "ioperm", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module"),
    *("add_key", "request_key", "keyctl", "bpf", "perf_event_open", "userfaultfd", "lookup_dcookie"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "move_pages", "name_to_handle_at"),
    *("open_by_handle_at", "fanotify_init"),
)


def build_container(machine: str | None = None) -> bytes:
    """Puts together what a container's root is refused by Docker, for a preview of one; no part of the jail.

    Raises:
        OSError: See `build`.
    """
    machine = machine or platform.machine()
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system-call filter for {machine}")
    column, arch = _ARCHITECTURES[machine]
    program = _Program(column)
    program.load(_ARCH_AT)
    program.add(_JUMP_EQUAL, arch, 1, 0)
    program.give(_KILL_PROCESS)
    program.load(_NUMBER_AT)
    program.refuse({"clone3": _CLONE3}, errno.ENOSYS)
    program.refuse({name: _EPERM[name] for name in _CONTAINER}, errno.EPERM)
    program.on(_CLONE, [_Test(0, _JUMP_SET, _CLONE_NEW, False)])
    program.give(_ALLOW)
    return program.code()


def load(program: bytes) -> None:
    """Binds the calling thread, for good, to a filter of `build`; sets no_new_privs first.

    Raises:
        OSError: The kernel refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = _FilterHeader(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs refused")
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(header), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "system-call filter refused")


class _FilterHeader(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


@dataclass(frozen=True)
class _Test:
    """A test of an argument's low (or high) 32 bits; `wanted` is the outcome with which the call may go on."""

    argument: int
    jump: int
    operand: int
    wanted: bool
    high: bool = False


class _Program:
    """Instructions in order; the system-call number is in the accumulator between two of its methods."""

    def __init__(self, column: int) -> None:
        self.column = column
        self.instructions: list[tuple[int, int, int, int]] = []

    def add(self, code: int, operand: int, if_true: int = 0, if_false: int = 0) -> None:
        self.instructions.append((code, if_true, if_false, operand))

    def load(self, offset: int) -> None:
        self.add(_LOAD, offset)

    def give(self, verdict: int) -> None:
        self.add(_RETURN, verdict)

    def refuse(self, calls: dict[str, tuple[int | None, int | None]], error: int) -> None:
        numbers = [number for both in calls.values() if (number := both[self.column]) is not None]
        for index, number in enumerate(numbers):
            # Jumps are one byte long: every comparison reaches the shared verdict behind the last one.
            self.add(_JUMP_EQUAL, number, len(numbers) - index, 0)
        self.add(_JUMP_EQUAL, numbers[-1], 0, 1)
        self.give(_ERRNO | error)

    def on(self, call: tuple[int, int], tests: list[_Test]) -> None:
        """Denies the call unless its arguments pass every test."""
        self.add(_JUMP_EQUAL, call[self.column], 0, 3 * len(tests) + 1)
        for test in tests:
            self.load(_ARGUMENTS_AT + 8 * test.argument + 4 * test.high)
            self.add(test.jump, test.operand, *((1, 0) if test.wanted else (0, 1)))
            self.give(_ERRNO | errno.EPERM)
        self.give(_ALLOW)

    def among(self, call: tuple[int, int], argument: int, values: tuple[int, ...], *, allowed: bool) -> None:
        """Allows the call with these values of an argument alone, or with all others."""
        self.add(_JUMP_EQUAL, call[self.column], 0, len(values) + 3)
        self.load(_ARGUMENTS_AT + 8 * argument)
        for index, value in enumerate(values):
            self.add(_JUMP_EQUAL, value, len(values) - index, 0)
        inside, outside = (_ALLOW, _ERRNO | errno.EPERM) if allowed else (_ERRNO | errno.EPERM, _ALLOW)
        self.give(outside)
        self.give(inside)

    def code(self) -> bytes:
        return b"".join(struct.pack("=HBBI", *instruction) for instruction in self.instructions)
