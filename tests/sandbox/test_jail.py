"""What student code tries inside a jailed worker, and that nothing of it leaves a trace outside."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import grader
from grader.sandbox import jail, landlock
from grader.sandbox.box import JailedBox, WorkerSpec

Submission = Callable[..., WorkerSpec]
Call = Callable[..., Any]

ATTEMPT = """
import ctypes, errno, os, resource, signal, socket, subprocess, sys, threading
from pathlib import Path
libc = ctypes.CDLL(None, use_errno=True)

def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")

def f(outside, parent, sibling):
    try:
        {code}
    except OSError as error:
        return errno.errorcode[error.errno]
    except ValueError:
        return "limit"
    return "done"
"""
# Not EINVAL or ENOENT: those would say that the attempt was clumsy, not that it is forbidden.
REFUSED = {"EPERM", "EACCES", "ENOSYS", "EXDEV", "limit"}
FILES = {
    "reads a file": "Path(outside, 'secret').read_bytes()",
    "reads through /proc/self/root": "Path('/proc/self/root' + outside, 'secret').read_bytes()",
    "reads through a link": "os.symlink(outside, 'link'); Path('link', 'secret').read_bytes()",
    "links a file": "os.link(outside + '/secret', 'mine'); Path('mine').read_bytes()",
    "lists a folder": "os.listdir(outside)",
    "writes a file": "Path(outside, 'new').write_bytes(b'x')",
    "overwrites a file": "Path(outside, 'secret').write_bytes(b'x')",
    "truncates a file": "os.truncate(outside + '/secret', 0)",
    "deletes a file": "os.unlink(outside + '/secret')",
    "renames a file": "os.rename(outside + '/secret', outside + '/moved')",
    "makes a folder": "os.mkdir(outside + '/folder')",
    "writes its own source": "Path(__file__).write_bytes(b'x')",
    "writes beside its source": "Path(__file__).with_name('evil.py').write_bytes(b'x')",
    "poisons installed packages": "import numpy; Path(numpy.__file__).with_name('evil.py').write_bytes(b'x')",
    "reads the grader": "Path(sys.modules['grader.sandbox.worker'].__file__).read_bytes()",
    "reads accounts": "Path('/etc/passwd').read_bytes()",
    "reads /root": "os.listdir('/root')",
    "lists processes": "os.listdir('/proc')",
    "reads its parent's memory map": "Path(f'/proc/{os.getppid()}/maps').read_bytes()",
    "reads its parent's environment": "Path(f'/proc/{os.getppid()}/environ').read_bytes()",
    "writes to /tmp": "Path('/tmp/evil').write_bytes(b'x')",
    "writes to /dev/shm": "Path('/dev/shm/evil').write_bytes(b'x')",
    "watches a folder": "check(libc.inotify_add_watch(libc.inotify_init(), outside.encode(), 0xfff))",
    "makes a fifo": "os.mkfifo('fifo')",
    "makes a device": "os.mknod('device', 0o60600, os.makedev(8, 0))",
    "changes an owner": "os.chown(outside + '/secret', 12345, 12345)",
    "opens by handle": r"check(libc.name_to_handle_at(-100, outside.encode(), b'a\0\0\0' + bytes(200), bytes(8), 0))",
}
PROCESSES = {
    "forks": "os.fork() or os._exit(0)",
    "forks by system call": "check(libc.syscall(56, 17, 0, 0, 0, 0))",
    "runs a program": "subprocess.run(['/bin/true'])",
    "becomes a program": "os.execv('/bin/true', ['true'])",
    "kills its parent": "os.kill(parent, signal.SIGKILL)",
    "kills itself so that it looks like a fault of ours": "os.kill(os.getpid(), signal.SIGKILL)",
    "kills a sibling": "os.kill(sibling, signal.SIGKILL)",
    "kills everything": "os.kill(-1, signal.SIGKILL)",
    "kills its group": "os.kill(0, signal.SIGKILL)",
    "queues a signal": "check(libc.sigqueue(sibling, 9, 0))",
    "signals by a file's owner": "import fcntl; r, w = os.pipe(); fcntl.fcntl(r, fcntl.F_SETOWN, sibling)",
    "opens a process": "os.pidfd_open(sibling)",
    "traces": "check(libc.ptrace(16, sibling, 0, 0))",
    "reads foreign memory": "check(libc.process_vm_readv(parent, 0, 0, 0, 0, 0))",
    "changes a sibling's limits": "resource.prlimit(sibling, resource.RLIMIT_NOFILE, (0, 0))",
    "raises its own limits": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "takes another core": "os.sched_setaffinity(0, {0, 1})",
    "raises its priority": "os.setpriority(os.PRIO_PROCESS, 0, -5)",
    "escapes its death signal": "check(libc.prctl(1, 0, 0, 0, 0))",
    "becomes another user": "os.setresuid(12, 12, 12); os.setresuid(0, 0, 0)",
}
KERNEL = {
    "opens a TCP socket": "socket.socket()",
    "opens a UDP socket": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "opens a local socket": "socket.socket(socket.AF_UNIX)",
    "opens a pair of sockets": "socket.socketpair()",
    "opens a netlink socket": "socket.socket(16, socket.SOCK_RAW)",
    "leaves its namespaces": "check(libc.unshare(0x10000000))",
    "mounts": "check(libc.mount(b'none', b'/tmp', b'tmpfs', 0, 0))",
    "changes the root": "os.chroot('/')",
    "makes shared memory": "check(libc.shmget(77, 4096, 0o1600))",
    "makes a message queue": "check(libc.msgget(77, 0o1600))",
    "makes memory that no limit counts": "os.memfd_create('x')",
    "uses io_uring": "check(libc.syscall(425, 8, bytes(200)))",
    "uses bpf": "check(libc.syscall(321, 0, bytes(100), 100))",
    "uses keys": "check(libc.syscall(250, 0, -3, 1))",
    "watches page faults": "check(libc.syscall(323, 0))",
    "counts performance": "check(libc.syscall(298, bytes(128), 0, -1, -1, 0))",
    "sets the clock": "import time; time.clock_settime(time.CLOCK_REALTIME, 0)",
    "names the machine": "socket.sethostname('evil')",
}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("expected = 0.731")
    return folder


def run(box: JailedBox, spec: WorkerSpec, call: Call, outside: Path) -> str:
    with box.start(spec) as sibling, box.start(spec) as worker:
        found = call(worker, outside=str(outside), parent=int(os.getpid()), sibling=sibling.pid)
        assert Path(f"/proc/{sibling.pid}").exists()
        return str(found)


@pytest.mark.parametrize("code", FILES.values(), ids=FILES.keys())
def test_a_worker_reaches_no_file_outside(
    box: JailedBox, submission: Submission, call: Call, outside: Path, code: str
) -> None:
    spec = replace(submission(ATTEMPT.format(code=code)), scratch=True)
    before = {path: path.read_bytes() for path in spec.submission.iterdir()}
    assert run(box, spec, call, outside) in REFUSED
    assert {path.name for path in outside.iterdir()} == {"secret"}
    assert (outside / "secret").read_text() == "expected = 0.731"
    assert {path: path.read_bytes() for path in spec.submission.iterdir()} == before
    assert not Path("/tmp/evil").exists()  # noqa: S108
    assert not Path("/dev/shm/evil").exists()  # noqa: S108


@pytest.mark.parametrize("code", PROCESSES.values(), ids=PROCESSES.keys())
def test_a_worker_reaches_no_process(
    box: JailedBox, submission: Submission, call: Call, outside: Path, code: str
) -> None:
    spec = replace(submission(ATTEMPT.format(code=code)), core=min(os.sched_getaffinity(0)))
    assert run(box, spec, call, outside) in REFUSED


@pytest.mark.parametrize("code", KERNEL.values(), ids=KERNEL.keys())
def test_a_worker_reaches_no_network_and_no_kernel_interface(
    box: JailedBox, submission: Submission, call: Call, outside: Path, code: str
) -> None:
    assert run(box, submission(ATTEMPT.format(code=code)), call, outside) in REFUSED


def test_modes_and_times_of_foreign_files_stay_as_they_are(
    box: JailedBox, submission: Submission, call: Call, outside: Path
) -> None:
    secret = outside / "secret"
    before = secret.stat()
    code = "os.chmod(outside + '/secret', 0); os.chmod(outside, 0); os.utime(outside + '/secret', (1, 1))"
    run(box, submission(ATTEMPT.format(code=code)), call, outside)
    after = secret.stat()
    assert (stat.S_IMODE(after.st_mode), after.st_mtime) == (stat.S_IMODE(before.st_mode), before.st_mtime)
    assert stat.S_IMODE(outside.stat().st_mode) != 0


def test_the_scratch_folder_can_be_used_as_usual(box: JailedBox, submission: Submission, call: Call) -> None:
    source = """
        import os, shutil, tempfile
        def f():
            os.mkdir("a")
            with open("a/x", "w") as file:
                file.write("x" * 1000)
            os.rename("a/x", "y")
            shutil.copy2("y", "a/z")
            os.truncate("a/z", 10)
            os.unlink("y")
            with tempfile.NamedTemporaryFile() as file:
                file.write(b"x")
            home = os.path.expanduser("~")
            return os.getcwd() == home == tempfile.gettempdir(), os.listdir("a"), os.path.getsize("a/z")
    """
    with box.start(replace(submission(source), scratch=True)) as worker:
        assert call(worker) == (True, ["z"], 10)


def test_the_next_worker_finds_nothing_of_the_last(box: JailedBox, submission: Submission, call: Call) -> None:
    spec = replace(
        submission("import os\ndef f():\n    open('mark', 'w').close()\ndef g():\n    return os.listdir()\n"),
        scratch=True,
    )
    with box.start(spec) as worker:
        call(worker)
    with box.start(spec) as worker:
        assert call(worker, "g") == []


def test_lazy_imports_threads_and_randomness_work_inside(box: JailedBox, submission: Submission, call: Call) -> None:
    source = """
        import os, threading
        def f():
            import difflib, numpy.polynomial, sqlite3, zoneinfo, xml.dom.minidom
            seen = []
            thread = threading.Thread(target=lambda: seen.append(len(os.urandom(3))))
            thread.start()
            thread.join()
            return seen, zoneinfo.ZoneInfo("Europe/Berlin").key
    """
    with box.start(submission(source)) as worker:
        assert call(worker) == ([3], "Europe/Berlin")


def test_a_plot_can_be_drawn_inside(box: JailedBox, submission: Submission, call: Call) -> None:
    source = """
        import matplotlib.pyplot as plt
        import os
        def f():
            figure, axes = plt.subplots()
            axes.plot([1, 2, 3])
            axes.set_title("loss")
            figure.savefig("loss.png")
            return os.path.getsize("loss.png") > 1000
    """
    with box.start(replace(submission(source), scratch=True)) as worker:
        assert call(worker) is True


def test_the_report_says_what_is_in_force(box: JailedBox, submission: Submission) -> None:
    with box.start(submission()) as worker:
        assert worker.jail.startswith(f"Landlock ABI {landlock.abi()}")
        assert "system-call filter" in worker.jail
        assert "uid" in worker.jail


@pytest.mark.usefixtures("jail")
def test_rules_leave_out_the_grader_wherever_it_is_installed(tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    for name in ("numpy", "grader", "rnn_homework_grader-0.1.0.dist-info"):
        (packages / name).mkdir(parents=True)
        (packages / name / "file.py").write_text("")
    (packages / "__editable___rnn_homework_grader_0_1_0_finder.py").write_text("")
    (packages / "six.py").write_text("")
    shutil.copytree(Path(grader.__file__).parent / "sandbox", packages / "grader" / "sandbox")
    for name in ("__init__.py", "errors.py"):
        shutil.copy(Path(grader.__file__).parent / name, packages / "grader")
    code = (
        f"import sys; sys.path.insert(0, {str(packages)!r}); from grader.sandbox import jail; r = jail.rules();"
        "print(*r.trees, sep='\\n'); print('--'); print(*r.listings, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-I", "-B", "-c", code], capture_output=True, text=True, check=True)
    trees, listings = (part.split() for part in done.stdout.split("--"))
    assert str(packages) in listings
    own = [path for path in trees if path.startswith(str(tmp_path))]
    assert own == [str(packages / "numpy"), str(packages / "six.py")]


@pytest.mark.usefixtures("jail")
def test_no_rule_covers_a_secret(tmp_path: Path) -> None:
    rules = jail.rules((Path(sysconfig.get_path("stdlib")) / "json",))
    secrets = [Path(grader.__file__).resolve().parent, Path(sysconfig.get_path("stdlib")).resolve() / "json", tmp_path]
    for tree in map(Path, rules.trees):
        for secret in secrets:
            assert tree != secret
            assert tree not in secret.parents
            assert secret not in tree.parents or secret == tmp_path


@pytest.mark.usefixtures("jail")
def test_a_second_thread_keeps_the_jail_off() -> None:
    code = (
        "import threading, time; from grader.sandbox import jail; rules = jail.rules();"
        "threading.Thread(target=time.sleep, args=(5,), daemon=True).start(); jail.enter(rules, '/tmp', None)"
    )
    done = subprocess.run([sys.executable, "-I", "-B", "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "the jail binds one thread, and there are more" in done.stderr


@pytest.mark.usefixtures("jail")
def test_a_jail_without_its_submission_is_no_jail() -> None:
    code = "from grader.sandbox import jail; jail.enter(jail.rules(), '/no/such/folder', None)"
    done = subprocess.run([sys.executable, "-I", "-B", "-c", code], capture_output=True, text=True)
    assert "FileNotFoundError" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners, as root alone may")
def test_a_run_folder_can_be_opened_to_the_spare_uid(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    (run_dir / "submission").mkdir(parents=True)
    (run_dir / "submission" / "hw.py").write_text("")
    run_dir.chmod(0o700)
    (run_dir / "submission").chmod(0o700)
    (run_dir / "submission" / "hw.py").chmod(0o600)
    jail.open_to_spare(run_dir)
    modes = [
        stat.S_IMODE(path.stat().st_mode) for path in (run_dir, run_dir / "submission", run_dir / "submission/hw.py")
    ]
    assert modes == [0o710, 0o750, 0o640]
    assert run_dir.stat().st_gid == jail.SPARE_ID


@pytest.mark.skipif(jail.spare_id() is None, reason="Python is out of reach for another uid, or this is not root")
def test_a_worker_of_root_runs_as_the_spare_uid(
    box: JailedBox, submission: Submission, call: Call, tmp_path: Path
) -> None:
    spec = replace(submission("import os\ndef f():\n    return os.getresuid(), os.getresgid()\n"), scratch=True)
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o711)
    with box.start(spec) as worker:
        assert call(worker) == ((jail.SPARE_ID,) * 3, (jail.SPARE_ID,) * 3)
        assert f"spare uid {jail.SPARE_ID}" in worker.jail
