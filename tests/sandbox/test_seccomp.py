"""The filter's verdicts, on a small machine that runs BPF: so that both architectures are tested on either."""

from __future__ import annotations

import errno
import signal
import struct

import pytest

from grader.sandbox import seccomp

PID = 4242
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
CLONE_THREAD, CLONE_NEWNS, CLONE_NEWTIME = 0x10000, 0x20000, 0x80
# Flags of pthread_create in glibc.
THREAD_FLAGS = 0x3D0F00


def verdict(machine: str, number: int, *arguments: int, arch: int | None = None, deny_truncate: bool = False) -> int:
    """Runs the filter of that machine on one system call, as the kernel would."""
    program = seccomp.build(PID, deny_truncate=deny_truncate, machine=machine)
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, ARCH[machine] if arch is None else arch, 0, *padded)
    instructions = list(struct.iter_unpack("=HBBI", program))
    assert len(instructions) <= 4096  # the kernel's BPF_MAXINSNS
    accumulator = position = 0
    while True:
        code, if_true, if_false, operand = instructions[position]
        position += 1
        if code == 0x06:
            return int(operand)
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, operand)
        else:
            outcome = {0x15: accumulator == operand, 0x25: accumulator > operand, 0x45: bool(accumulator & operand)}[
                code
            ]
            position += if_true if outcome else if_false


MACHINES = pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
USUAL = {  # read, write, openat, mmap, futex, exit_group, getpid
    "x86_64": (0, 1, 257, 9, 202, 231, 39),
    "aarch64": (63, 64, 56, 222, 98, 94, 172),
}


@MACHINES
def test_what_python_and_tensorflow_need_is_allowed(machine: str, column: int) -> None:
    assert {verdict(machine, number) for number in USUAL[machine]} == {ALLOW}


@MACHINES
def test_everything_in_the_table_is_denied(machine: str, column: int) -> None:
    numbers = [both[column] for both in seccomp._EPERM.values()]
    verdicts = {verdict(machine, number) for number in numbers if number is not None}
    assert verdicts == {ERRNO | errno.EPERM}


@MACHINES
def test_changing_modes_and_times_does_nothing_and_says_so(machine: str, column: int) -> None:
    numbers = [both[column] for both in seccomp._SILENT.values()]
    assert {verdict(machine, number) for number in numbers if number is not None} == {ERRNO | 0}


@MACHINES
def test_another_architecture_kills_the_process(machine: str, column: int) -> None:
    assert verdict(machine, 0, arch=0x40000003) == KILL


def test_x32_calls_do_not_exist() -> None:
    assert verdict("x86_64", 0x40000000 | 59) == ERRNO | errno.ENOSYS


@MACHINES
def test_calls_newer_than_the_table_and_clone3_fall_back(machine: str, column: int) -> None:
    assert {verdict(machine, number) for number in (451, 470, 9999, 435)} == {ERRNO | errno.ENOSYS}


@MACHINES
def test_clone_makes_threads_and_nothing_else(machine: str, column: int) -> None:
    number = seccomp._CLONE[column]
    assert verdict(machine, number, THREAD_FLAGS) == ALLOW
    for flags in (17, 0x4000, THREAD_FLAGS | CLONE_NEWNS, THREAD_FLAGS | CLONE_NEWTIME, 0x10000000 | CLONE_THREAD):
        assert verdict(machine, number, flags) == ERRNO | errno.EPERM


@MACHINES
@pytest.mark.parametrize(("call", "between"), [(seccomp._KILL, ()), (seccomp._TGKILL, (PID,))])
def test_only_the_own_process_can_be_signalled_and_not_by_sigkill(
    machine: str, column: int, call: tuple[int, int], between: tuple[int, ...]
) -> None:
    assert verdict(machine, call[column], PID, *between, signal.SIGABRT) == ALLOW
    assert verdict(machine, call[column], PID, *between, signal.SIGKILL) == ERRNO | errno.EPERM
    for pid in (1, 0, PID + 1, 0xFFFFFFFF, 2**64 - 1):
        assert verdict(machine, call[column], pid, *between, signal.SIGABRT) == ERRNO | errno.EPERM


@MACHINES
@pytest.mark.parametrize(
    ("call", "arguments", "allowed"),
    [
        (seccomp._PRLIMIT, (0,), True),
        (seccomp._PRLIMIT, (0, 9, 0, 0x7F00), True),  # to ask
        (seccomp._PRLIMIT, (0, 9, 0x7F00, 0), False),  # to set
        (seccomp._PRLIMIT, (0, 9, 0x7F00_0000_0000, 0), False),
        (seccomp._PRLIMIT, (1,), False),
        (seccomp._PRCTL, (15,), True),  # PR_SET_NAME
        (seccomp._PRCTL, (1, 0), False),  # PR_SET_PDEATHSIG
        (seccomp._PRCTL, (4, 1), False),  # PR_SET_DUMPABLE
        (seccomp._PRCTL, (22, 2), False),  # PR_SET_SECCOMP
        (seccomp._FCNTL, (5, 3), True),  # F_GETFL
        (seccomp._FCNTL, (5, 8), False),  # F_SETOWN
        (seccomp._FCNTL, (5, 1024), False),  # F_SETLEASE
        (seccomp._FCNTL, (5, 1026), False),  # F_NOTIFY
        (seccomp._FCNTL, (5, 1030), True),  # F_DUPFD_CLOEXEC
        (seccomp._IOCTL, (0, 0x5401), True),  # TCGETS
        (seccomp._IOCTL, (0, 0x5412), False),  # TIOCSTI
    ],
)
def test_arguments_decide_where_a_call_has_two_faces(
    machine: str, column: int, call: tuple[int, int], arguments: tuple[int, ...], allowed: bool
) -> None:
    assert verdict(machine, call[column], *arguments) == (ALLOW if allowed else ERRNO | errno.EPERM)


@MACHINES
def test_truncation_by_path_is_denied_where_landlock_does_not_judge_it(machine: str, column: int) -> None:
    number = seccomp._TRUNCATE[column]
    assert verdict(machine, number) == ALLOW
    assert verdict(machine, number, deny_truncate=True) == ERRNO | errno.EPERM


def test_other_machines_are_refused() -> None:
    with pytest.raises(OSError, match="no system-call filter for riscv64"):
        seccomp.build(PID, deny_truncate=False, machine="riscv64")
