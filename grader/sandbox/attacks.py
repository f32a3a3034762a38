"""What a worker must not be able to do, as code that tries it; runs inside one, with the standard library alone.

Each attack either raises, which is a refusal, or returns, and then it worked. None does lasting harm where it works:
`grader doctor --probe` runs them in tier bare too. `probing` sets the scene and judges what only shows outside.

A scene is a dict of plain values:

    secret     a file that the grader can read; workers must not
    own        a file of the submission itself
    folder     a folder that the grader can write, with `secret` in it
    marker     a file name that nothing else has
    grader     pid of a trusted process
    sibling    pid of another worker
    memory     bytes of address space that this worker may use
    tcp, udp   ports of 127.0.0.1 that somebody listens to; 0: nobody does
    abstract   name of an abstract socket that somebody listens to
    socket     path of a local socket that somebody listens to
"""

# An attack names the system call that it tries. The file is long for it is one table.
# ruff: noqa: PTH104, PTH108, PTH116, PTH123, PTH208, PTH211

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Scene = dict[str, Any]
Action = Callable[[Scene], object]

MARKER_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/var/lock")  # noqa: S108 - nothing may be left there
GROUPS = ("files", "traces", "processes", "network", "kernel", "limits")
_PACKAGE_DIR = Path(__file__).resolve().parent.parent
_THREADS = 600
# Calls by number, for libc has no function for them: x86_64, aarch64.
_CALLS = {
    **{"io_uring_setup": (425, 425), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282)},
    **{"keyctl": (250, 219), "add_key": (248, 217), "pidfd_getfd": (438, 438), "clone": (56, 220), "kcmp": (312, 272)},
    **{"open_tree": (428, 428), "fsopen": (430, 430), "memfd_secret": (447, 447), "timer_create": (222, 107)},
    **{"ioprio_set": (251, 30), "mq_open": (240, 180), "setns": (308, 268), "settimeofday": (164, 170)},
}
_registered: dict[str, tuple[str, bool, Action]] = {}


def attacks(group: str = "", *, short: bool = False) -> dict[str, Action]:
    """The attacks of a group or of all, by title.

    Args:
        short: Those alone that a self-test at start runs: quick, and decided inside.
    """
    return {
        title: action
        for title, (found, quick, action) in _registered.items()
        if group in ("", found) and (quick or not short)
    }


def attempt(title: str, scene: Scene) -> str:
    """Runs one attack and returns "refused" or "done"."""
    try:
        _registered[title][2](scene)
    # ValueError: a limit that can't be raised; RuntimeError: a thread that can't be started.
    except (OSError, ValueError, MemoryError, RuntimeError):
        return "refused"
    return "done"


def attempt_all(scene: Scene) -> dict[str, str]:
    """Runs the short attacks, one after the other."""
    return {title: attempt(title, scene) for title in attacks(short=True)}


def _attack(group: str, title: str, *, short: bool = False) -> Callable[[Action], Action]:
    def register(action: Action) -> Action:
        _registered[title] = (group, short, action)
        return action

    return register


def _simple(group: str, short: bool, **actions: Action) -> None:
    for name, action in actions.items():
        _attack(group, name.replace("_", " "), short=short)(action)


def _refuse(what: str) -> None:
    raise OSError(errno.EPERM, what)


def _check(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> int:
    column = 0 if os.uname().machine == "x86_64" else 1
    return _check(int(_libc.syscall(_CALLS[name][column], *arguments)))


def _write(path: Path) -> None:
    path.write_bytes(b"x")
    path.unlink()


# -- files: what must stay secret or whole ---------------------------------------------------------------------------

_simple(
    "files",
    True,
    read_a_hidden_test=lambda scene: Path(scene["secret"]).read_bytes(),
    list_the_folder_of_the_tests=lambda scene: os.listdir(scene["folder"]),
    read_the_code_of_the_grader=lambda scene: (_PACKAGE_DIR / "errors.py").read_bytes(),
    read_accounts=lambda scene: Path("/etc/passwd").read_bytes(),
    write_a_file_outside=lambda scene: _write(Path(scene["folder"], scene["marker"])),
    change_a_file_outside=lambda scene: os.close(os.open(scene["secret"], os.O_WRONLY)),
    change_its_own_submission=lambda scene: os.close(os.open(scene["own"], os.O_WRONLY)),
)
_simple(
    "files",
    False,
    read_the_reference_solution=lambda scene: Path(scene["folder"], "solution.py").read_bytes(),
    read_another_submission=lambda scene: Path(scene["folder"], "other", "hw.py").read_bytes(),
    read_results=lambda scene: Path(scene["folder"], "results.json").read_bytes(),
    overwrite_results=lambda scene: os.close(os.open(f"{scene['folder']}/results.json", os.O_WRONLY)),
    change_another_submission=lambda scene: os.close(os.open(f"{scene['folder']}/other/hw.py", os.O_WRONLY)),
    delete_a_file_outside=lambda scene: os.unlink(f"{scene['folder']}/spare"),
    rename_a_file_outside=lambda scene: os.rename(f"{scene['folder']}/spare", f"{scene['folder']}/moved"),
    empty_a_file_outside=lambda scene: os.truncate(f"{scene['folder']}/results.json", 12),
    read_through_its_own_root_in_proc=lambda scene: Path(f"/proc/self/root{scene['secret']}").read_bytes(),
    poison_installed_packages=lambda scene: _write(Path(sysconfig.get_path("purelib"), f"{scene['marker']}.py")),
    poison_the_standard_library=lambda scene: _write(Path(os.__file__).with_name(f"{scene['marker']}.py")),
    poison_the_code_of_the_grader=lambda scene: _write(_PACKAGE_DIR / f"{scene['marker']}.py"),
    poison_the_home_of_the_user=lambda scene: _write(Path("/root" if os.getuid() == 0 else "/home", scene["marker"])),
    open_a_file_by_its_handle=lambda scene: _check(
        _libc.name_to_handle_at(-100, os.fsencode(scene["secret"]), b"\x80\0\0\0" + bytes(200), bytes(8), 0)
    ),
    make_a_device=lambda scene: os.mknod("device", 0o60600, os.makedev(8, 0)),
)


@_attack("files", "read through the roots of others in proc")
def _through_roots(scene: Scene) -> None:
    for pid in (1, scene["grader"], os.getppid()):
        for place in ("root", "cwd"):
            try:
                Path(f"/proc/{pid}/{place}{scene['secret']}").read_bytes()
            except OSError:
                continue
            return
    _refuse("no root")


@_attack("files", "read through a link in its own folder")
def _through_a_link(scene: Scene) -> None:
    try:
        os.symlink(scene["secret"], scene["marker"])
        Path(scene["marker"]).read_bytes()
    finally:
        Path(scene["marker"]).unlink(missing_ok=True)


@_attack("files", "take a second name of a file into its own folder")
def _through_a_hard_link(scene: Scene) -> None:
    os.link(scene["secret"], scene["marker"])
    os.unlink(scene["marker"])


@_attack("files", "list folders of the machine")
def _list_folders(scene: Scene) -> None:
    # Folders above what a worker may read are there inside bubblewrap too, so what counts is what lies beside that.
    for folder, name in (("/etc", "passwd"), ("/var", "lib"), ("/", "home"), ("/", "boot"), ("/usr", "bin")):
        try:
            if name in os.listdir(folder):
                return
        except OSError:
            continue
    _refuse("none")


@_attack("files", "change a file's mode", short=True)
def _change_mode(scene: Scene) -> None:
    path = Path(scene["secret"])
    before = stat.S_IMODE(path.stat().st_mode)
    path.chmod(before ^ stat.S_IXOTH)
    if stat.S_IMODE(path.stat().st_mode) == before:
        _refuse("nothing changed")
    path.chmod(before)


@_attack("files", "change a file's owner or times")
def _change_owner(scene: Scene) -> None:
    before = os.stat(scene["secret"]).st_mtime
    os.utime(scene["secret"], (1, 1))
    if os.stat(scene["secret"]).st_mtime == before:
        os.chown(scene["secret"], 12345, 12345)


@_attack("files", "watch a folder outside")
def _watch(scene: Scene) -> None:
    _check(_libc.inotify_add_watch(_check(_libc.inotify_init()), os.fsencode(scene["folder"]), 0xFFF))


# -- traces: what the next submission could find ---------------------------------------------------------------------


@_attack("traces", "leave a file in a folder that all share", short=True)
def _leave_a_file(scene: Scene) -> None:
    for folder in MARKER_FOLDERS:
        try:
            _write(Path(folder, scene["marker"]))
        except OSError:
            continue
        return
    _refuse("nowhere")


_simple(
    "traces",
    True,
    leave_shared_memory=lambda scene: _libc.shmctl(_check(_libc.shmget(0x7E57, 4096, 0o1600)), 0, None),
)
_simple(
    "traces",
    False,
    leave_a_message_queue=lambda scene: _libc.msgctl(_check(_libc.msgget(0x7E57, 0o1600)), 0, None),
    leave_a_semaphore=lambda scene: _libc.semctl(_check(_libc.semget(0x7E57, 1, 0o1600)), 0, 0),
    leave_a_POSIX_queue=lambda scene: _call("mq_open", b"x", 0o102, 0o600, None),
    leave_a_key=lambda scene: _call("add_key", b"user", b"x", b"v", 1, -3),
)

# -- processes: others, and more of its own --------------------------------------------------------------------------


def _read_memory(pid: int) -> None:
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    there = (ctypes.c_void_p * 2)(id(None) & ~7, 8)  # forks share the addresses
    _check(_libc.process_vm_readv(pid, vector, 1, there, 1, 0))


def _trace(pid: int) -> None:
    _check(_libc.ptrace(0x4206, pid, None, None))  # PTRACE_SEIZE, which stops nobody
    _libc.ptrace(17, pid, None, None)


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def _survive() -> None:
    if os.fork() == 0:
        os.setsid()
        os._exit(0)  # where it could go on for ever


_simple(
    "processes",
    True,
    start_a_process=lambda scene: _fork(),
    run_a_program=lambda scene: subprocess.run(["/bin/true"], check=True),
    signal_the_grader=lambda scene: os.kill(scene["grader"], 0),
    signal_its_parent=lambda scene: os.kill(os.getppid(), 0),
    signal_everybody=lambda scene: os.kill(-1, 0),
    read_the_memory_of_the_grader=lambda scene: _read_memory(scene["grader"]),
    read_the_environment_of_the_grader=lambda scene: Path(f"/proc/{scene['grader']}/environ").read_bytes(),
)
_simple(
    "processes",
    False,
    start_a_process_by_system_call=lambda scene: _call("clone", 17, 0, 0, 0, 0) or os._exit(0),
    leave_a_process_behind=lambda scene: _survive(),
    become_a_program=lambda scene: os.execv("/bin/true", ["true"]),  # noqa: S606
    read_the_memory_of_its_parent=lambda scene: _read_memory(os.getppid()),
    read_the_memory_of_another_worker=lambda scene: _read_memory(scene["sibling"]),
    open_the_memory_of_the_grader=lambda scene: os.close(os.open(f"/proc/{scene['grader']}/mem", os.O_RDONLY)),
    trace_the_grader=lambda scene: _trace(scene["grader"]),
    trace_another_worker=lambda scene: _trace(scene["sibling"]),
    see_the_files_that_the_grader_has_open=lambda scene: os.listdir(f"/proc/{scene['grader']}/fd"),
    take_a_file_that_the_grader_has_open=lambda scene: _call("pidfd_getfd", os.pidfd_open(scene["grader"]), 0, 0),
    read_the_command_line_of_the_grader=lambda scene: Path(f"/proc/{scene['grader']}/cmdline").read_bytes(),
    compare_itself_with_the_grader=lambda scene: _call("kcmp", os.getpid(), scene["grader"], 0, 0, 0),
    kill_another_worker=lambda scene: os.kill(scene["sibling"], signal.SIGKILL),
    signal_its_group=lambda scene: os.kill(0, 0),
    queue_a_signal=lambda scene: _check(_libc.sigqueue(scene["sibling"], 0, 0)),
    change_the_limits_of_another_worker=lambda scene: resource.prlimit(scene["sibling"], resource.RLIMIT_CORE, (0, 0)),
    kill_itself_so_that_it_looks_like_the_machine=lambda scene: os.kill(os.getpid(), signal.SIGKILL),
    die_by_a_limit_so_that_it_looks_like_the_machine=lambda scene: resource.setrlimit(resource.RLIMIT_CPU, (1, 1)),
    die_by_a_timer_so_that_it_looks_like_the_machine=lambda scene: _call(
        "timer_create", 1, (ctypes.c_int * 16)(0, 0, signal.SIGKILL, 0), ctypes.create_string_buffer(8)
    ),
    escape_its_death_signal=lambda scene: _check(_libc.prctl(1, 0, 0, 0, 0)),
    become_another_user=lambda scene: os.setresuid(os.getuid() + 1, -1, -1),
    become_root=lambda scene: os.setresuid(0, 0, 0) if os.getuid() else os.setgid(1),
)


@_attack("processes", "list processes")
def _list_processes(scene: Scene) -> None:
    if not any(name.isdigit() and int(name) != os.getpid() for name in os.listdir("/proc")):
        _refuse("none")


@_attack("processes", "use a descriptor of the grader's")
def _inherited(scene: Scene) -> None:
    for fd in range(3, 4096):
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            continue
        # Its two pipes, and names of /proc of its own, opened without the right to read.
        if not stat.S_ISFIFO(mode) and not (stat.S_ISREG(mode) and os.fstat(fd).st_size == 0 and _is_path_only(fd)):
            return
    _refuse("none")


def _is_path_only(fd: int) -> bool:
    try:
        os.read(fd, 0)
    except OSError:
        return True
    return False


# -- network -----------------------------------------------------------------------------------------------------------


def _connect(family: int, address: Any) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as line:
        line.settimeout(1.0)
        line.connect(address)


def _odd_sockets() -> None:
    for family, kind in ((16, socket.SOCK_RAW), (17, socket.SOCK_RAW), (40, socket.SOCK_STREAM), (38, 5), (31, 3)):
        try:
            socket.socket(family, kind).close()
        except OSError:
            continue
        return
    _refuse("none")


_simple(
    "network",
    True,
    open_a_socket=lambda scene: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close(),
    open_a_local_socket=lambda scene: socket.socket(socket.AF_UNIX).close(),
)
_simple(
    "network",
    False,
    reach_a_server_by_TCP=lambda scene: _connect(socket.AF_INET, ("127.0.0.1", scene["tcp"])),
    send_by_UDP=lambda scene: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(
        b"x", ("127.0.0.1", scene["udp"])
    ),
    reach_an_abstract_socket=lambda scene: _connect(socket.AF_UNIX, f"\0{scene['abstract']}"),
    reach_a_local_socket=lambda scene: _connect(socket.AF_UNIX, scene["socket"]),
    open_a_pair_of_sockets=lambda scene: socket.socketpair(),
    open_sockets_of_rare_kinds=lambda scene: _odd_sockets(),
    listen=lambda scene: socket.create_server(("127.0.0.1", 0)).close(),
)

# -- kernel: interfaces that a worker has no use for ------------------------------------------------------------------


def _unshare(flag: int) -> None:
    _check(_libc.unshare(flag))


def _mount() -> None:
    """Asks for a file system that does not exist: who may mount at all is told so."""
    if _libc.mount(b"none", b"/proc", b"nosuchfs", 0, None) < 0 and ctypes.get_errno() != errno.ENODEV:
        _refuse("no right to mount")


_simple(
    "kernel",
    True,
    make_a_user_namespace=lambda scene: _unshare(0x1000_0000),
    mount=lambda scene: _mount(),
    use_io_uring=lambda scene: _call("io_uring_setup", 4, ctypes.create_string_buffer(240)),
)
_simple(
    "kernel",
    False,
    make_a_mount_namespace=lambda scene: _unshare(0x0002_0000),
    make_a_network_namespace=lambda scene: _unshare(0x4000_0000),
    enter_a_namespace_of_the_grader=lambda scene: _call(
        "setns", os.open(f"/proc/{scene['grader']}/ns/net", os.O_RDONLY), 0
    ),
    change_its_root=lambda scene: os.chroot("/"),
    open_a_mount=lambda scene: _call("open_tree", -100, b"/", 1),
    open_a_file_system=lambda scene: _call("fsopen", b"tmpfs", 0),
    use_bpf=lambda scene: _call("bpf", 0, (ctypes.c_int * 30)(2, 4, 4, 1), 120),
    use_the_keyring=lambda scene: _call("keyctl", 0, -3, 1),
    watch_page_faults=lambda scene: _call("userfaultfd", 1),
    count_performance=lambda scene: _call("perf_event_open", (ctypes.c_int * 32)(1, 128), 0, -1, -1, 0),
    name_the_machine=lambda scene: socket.sethostname(socket.gethostname()),
    set_the_clock=lambda scene: _call("settimeofday", None, None),
)

# -- limits ------------------------------------------------------------------------------------------------------------


@_attack("limits", f"start {_THREADS} threads")
def _start_threads(scene: Scene) -> None:
    threading.stack_size(64 << 10)
    done = threading.Event()
    try:
        for _ in range(_THREADS):
            threading.Thread(target=done.wait, daemon=True).start()
        done.wait(1.0)  # whoever counts them from outside needs a moment
    finally:
        done.set()


@_attack("limits", "fill a folder with many files")
def _fill_folder(scene: Scene) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for number in range(64):
        with open(f"{scene['marker']}{number}", "wb", buffering=0) as file:
            for _ in range(8):
                file.write(bytes(1 << 20))


@_attack("limits", "fill shared memory")
def _fill_shared_memory(scene: Scene) -> None:
    place = Path("/dev/shm", scene["marker"])  # noqa: S108
    try:
        place.write_bytes(bytes(8 << 20))
    finally:
        place.unlink(missing_ok=True)


def _write_one_file(scene: Scene) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(scene["marker"], "wb") as file:
        file.truncate(1 << 40)


def _affinity() -> None:
    present = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    if os.sched_getaffinity(0) == present and len(present) < (os.cpu_count() or 1):
        _refuse("nothing changed")


_simple(
    "limits",
    True,
    raise_its_limits=lambda scene: resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2),
    change_its_cores=lambda scene: _affinity(),
)
_simple(
    "limits",
    False,
    take_more_memory_than_it_may=lambda scene: mmap.mmap(-1, scene["memory"]),
    take_private_memory=lambda scene: bytearray(scene["memory"]),
    take_memory_that_no_limit_counts=lambda scene: os.close(os.memfd_create("x")),
    take_secret_memory=lambda scene: _call("memfd_secret", 0),
    write_one_huge_file=_write_one_file,
    raise_its_priority=lambda scene: os.setpriority(os.PRIO_PROCESS, 0, -5),
    change_its_scheduler=lambda scene: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)),
    change_its_priority_for_disks=lambda scene: _call("ioprio_set", 1, 0, 0x2000),
)

if not sys.platform.startswith("linux"):  # tier bare, which promises none of this
    _registered.clear()
