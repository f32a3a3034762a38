"""Makes a fresh root and runs one program in it as a container would: `unshare ... python -I enter.py SPEC.json`.

It is the first process of its own mount, process and IPC namespaces, so what it mounts is seen by nobody else and what
it leaves running ends with it. The program gets the capabilities and the system calls that Docker gives, no more: no
namespaces, no mounts. It imports nothing but the jail's modules, and runs as root.

SPEC: {"root": DIR, "binds": [[FROM, TO, WRITABLE], ...], "groups": [cgroup.procs, ...], "command": [...],
"environment": {...}, "folder": DIR in the root}. When standard input ends, so does everything here.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

from grader.sandbox import seccomp

# chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod,
# audit_write, setfcap: what Docker leaves to root.
DOCKER_CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
FAILED = 125  # exit code where the program could not even be started, as Docker has it

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_PR_CAPBSET_READ, _PR_CAPBSET_DROP, _CAPABILITY_VERSION_3 = 23, 24, 0x20080522


def main(spec_file: str) -> int:
    """Returns the program's exit code, or `FAILED` where it could not be started."""
    try:
        return run(spec_file)
    except (OSError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return FAILED


def run(spec_file: str) -> int:
    spec = json.loads(Path(spec_file).read_text(encoding="utf-8"))
    for procs in spec["groups"]:
        Path(procs).write_text(str(os.getpid()))  # limits hold from here on, for all that is started
    lay_out(Path(spec["root"]), spec["binds"])
    os.chroot(spec["root"])
    os.chdir(spec["folder"])
    pid = os.fork()
    if pid == 0:
        try:
            start(spec)
        finally:
            os._exit(FAILED)
    return wait(pid)


def lay_out(root: Path, binds: list[tuple[str, str, bool]]) -> None:
    """Mounts what the root shares with this machine, and what a container has besides."""
    for source, target, writable in binds:
        place = root / target.lstrip("/")
        if Path(source).is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        mount("--bind", source, place)
        if not writable:
            mount("-o", "remount,bind,ro", place)
    mount("-t", "proc", "proc", root / "proc")
    mount("-t", "tmpfs", "-o", "size=64m,mode=1777", "shm", root / "dev" / "shm")
    for name in _DEVICES:
        place = root / "dev" / name
        place.touch()
        mount("--bind", f"/dev/{name}", place)


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)  # noqa: S603, S607 - util-linux, as root


def start(spec: dict[str, Any]) -> None:
    """Gives up what a container's root does not have, and becomes the program."""
    os.setsid()
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.umask(0o022)
    keep_capabilities(DOCKER_CAPABILITIES)
    seccomp.load(seccomp.build_container())
    os.execve(spec["command"][0], spec["command"], spec["environment"])  # noqa: S606 - a program of the bundle


def keep_capabilities(kept: tuple[int, ...]) -> None:
    """Drops every other capability, for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(64):
        if number not in kept and libc.prctl(_PR_CAPBSET_READ, ctypes.c_ulong(number), 0, 0, 0) == 1:
            libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(number), 0, 0, 0)
    mask = sum(1 << number for number in kept)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    if libc.capset(header, struct.pack("=6I", low, low, 0, high, high, 0)) != 0:
        raise OSError(ctypes.get_errno(), "capabilities could not be set")


def wait(pid: int) -> int:
    """Waits for the program, buries what it left behind, and ends early where nobody waits any more."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    while True:
        try:
            while True:
                found, status = os.waitpid(-1, os.WNOHANG)
                if found == pid:
                    return os.waitstatus_to_exitcode(status) % 256
                if found == 0:
                    break
        except ChildProcessError:
            return FAILED
        ready, _, _ = select.select([woken, 0], [], [])
        if 0 in ready and not os.read(0, 1):
            return FAILED
        if woken in ready:
            os.read(woken, 4096)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
