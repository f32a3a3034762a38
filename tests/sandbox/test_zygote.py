"""The zygote shared by boxes and judges, and what is left when one of them goes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.errors import SandboxFailed, StudentError, WorkerDied
from grader.sandbox.box import BareBox, JailedBox, WorkerSpec, ZygoteServer

pytestmark = pytest.mark.usefixtures("jail")

Submission = Callable[..., WorkerSpec]
Call = Callable[..., Any]
ADD = "def f(x):\n    return x + 1\ndef g():\n    while True: pass\n"

JUDGE = """
import os, sys, time
from pathlib import Path
from grader.sandbox.box import JailedBox, WorkerSpec
box = JailedBox(int(sys.argv[1]))
spec = WorkerSpec(Path(sys.argv[2]), False, 1 << 30, 1 << 20, 1 << 16, 60.0, 1, None)
worker = box.start(spec)
print(worker.call("f", {"x": 1}, time.monotonic() + 30), worker.pid, flush=True)
worker.submit("g", {})
sys.stdin.read()
"""
PARENT = """
import sys
from grader.sandbox.box import ZygoteServer
server = ZygoteServer("numpy")
server.wait_ready()
print(server._process.pid, flush=True)
sys.stdin.read()
"""


def gone(pid: int) -> bool:
    """Whether the process has ended; one that its parent has not collected yet counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def wait_until(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def judge(server: ZygoteServer, spec: WorkerSpec) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", JUDGE, str(server.control_fd), str(spec.submission)],
        pass_fds=[server.control_fd],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_boxes_share_a_zygote_and_do_not_meet(numpy_server: ZygoteServer, submission: Submission, call: Call) -> None:
    spec = submission(ADD)
    with JailedBox(numpy_server.control_fd) as first, BareBox(numpy_server.control_fd) as second:
        one, two = first.start(spec), second.start(spec)
        assert (call(one, x=1), call(two, x=2)) == (2, 3)
        first.close()
        assert gone(one.pid)
        assert call(two, x=3) == 4


def test_a_judge_in_another_process_has_a_box_of_its_own(
    numpy_server: ZygoteServer, submission: Submission, call: Call
) -> None:
    spec = submission(ADD)
    process = judge(numpy_server, spec)
    assert process.stdout is not None
    answer, pid = process.stdout.readline().split()
    with JailedBox(numpy_server.control_fd) as box:
        worker = box.start(spec)
        assert answer == "2"
        end(process)
        assert wait_until(lambda: gone(int(pid)))  # the judge's workers die with it
        assert call(worker, x=1) == 2


def test_kill_all_leaves_no_worker_of_any_box(numpy_server: ZygoteServer, submission: Submission, call: Call) -> None:
    spec = submission(ADD)
    process = judge(numpy_server, spec)
    assert process.stdout is not None
    _, pid = process.stdout.readline().split()
    with JailedBox(numpy_server.control_fd) as box:
        worker = box.start(spec)
        numpy_server.kill_all()
        assert gone(int(pid))
        assert gone(worker.pid)
        with pytest.raises(SandboxFailed, match="killed from outside"):
            call(worker, x=1)
        assert call(box.start(spec), x=1) == 2
    end(process)


def test_many_workers_in_a_row_leave_no_zombie(numpy_server: ZygoteServer, submission: Submission, call: Call) -> None:
    spec = submission("import os\ndef f():\n    os._exit(3)\ndef g():\n    return 1\n")
    with JailedBox(numpy_server.control_fd) as box:
        for _ in range(10):
            with box.start(spec) as worker:
                assert call(worker, "g") == 1
                with pytest.raises(WorkerDied, match="exit code 3"):
                    call(worker)
        assert children(numpy_server._process.pid) == []


def test_workers_that_die_while_others_are_forked_disturb_nobody(
    numpy_server: ZygoteServer, submission: Submission, call: Call
) -> None:
    source = """
        import os, threading, time
        def f(delay_s):
            threading.Thread(target=lambda: (time.sleep(delay_s), os._exit(1))).start()
            return delay_s
        def g():
            return 1
    """
    spec = submission(source)
    with JailedBox(numpy_server.control_fd) as box:
        for number in range(20):
            dying = box.start(spec)
            with contextlib.suppress(WorkerDied):  # before its answer was there
                call(dying, delay_s=number / 1000)
            with box.start(spec) as worker:
                assert call(worker, "g") == 1
            dying.close()
    assert children(numpy_server._process.pid) == []


def test_what_a_bare_worker_leaves_behind_is_ended_with_it(
    numpy_server: ZygoteServer, submission: Submission, call: Call
) -> None:
    source = """
        import os, time
        def f():
            pids = os.pipe()
            if os.fork() == 0:
                os.setsid()
                child = os.fork()
                if child == 0:
                    time.sleep(600)
                os.write(pids[1], f"{os.getpid()} {child}".encode())
                time.sleep(600)
            return [int(pid) for pid in os.read(pids[0], 100).split()]
    """
    with BareBox(numpy_server.control_fd) as box, box.start(submission(source)) as worker:
        left = call(worker)
        assert not any(map(gone, left))
    assert wait_until(lambda: all(map(gone, left)))


def test_a_zygote_has_one_thread_and_has_loaded_no_tests(
    numpy_server: ZygoteServer, submission: Submission, call: Call
) -> None:
    numpy_server.wait_ready()
    assert len(list(Path(f"/proc/{numpy_server._process.pid}/task").iterdir())) == 1
    source = "import sys\ndef f():\n    return sorted(name for name in sys.modules if name.startswith('grader'))\n"
    with JailedBox(numpy_server.control_fd) as box:
        loaded = set(call(box.start(submission(source))))
    assert loaded <= {
        "grader",
        "grader.sandbox",
        *(f"grader.sandbox.{name}" for name in ("attacks", "bubblewrap", "calls", "channel", "hollow", "jail")),
        *(f"grader.sandbox.{name}" for name in ("landlock", "seccomp", "wire", "worker")),
    }


def test_a_zygote_dies_with_its_parent_and_so_do_its_workers(submission: Submission) -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert not gone(pid)
    end(process)
    assert wait_until(lambda: gone(pid))


def test_a_zygote_outlives_the_thread_that_started_it(submission: Submission, call: Call) -> None:
    code = f"""
        import sys, threading, time
        from pathlib import Path
        from grader.sandbox.box import JailedBox, WorkerSpec, ZygoteServer
        found = []
        def start():
            found.append(ZygoteServer("numpy"))
            found[0].wait_ready()
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        time.sleep(0.2)
        spec = WorkerSpec(Path({str(submission(ADD).submission)!r}), False, 1 << 30, 1 << 20, 1 << 16, 60.0, 1, None)
        with found[0], JailedBox(found[0].control_fd) as box:
            print(box.start(spec).call("f", {{"x": 1}}, time.monotonic() + 30))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_workers_die_when_the_zygote_is_killed(submission: Submission, call: Call) -> None:
    with ZygoteServer("numpy") as server:
        box = JailedBox(server.control_fd)
        spec = replace(submission(ADD), scratch=True)
        worker = box.start(spec)
        os.kill(server._process.pid, signal.SIGKILL)
        assert wait_until(lambda: gone(worker.pid))
        with pytest.raises((SandboxFailed, StudentError)):
            call(worker, x=1)
        with pytest.raises(SandboxFailed, match="the zygote is gone"):
            box.start(spec)
        with pytest.raises(SandboxFailed, match="the zygote is gone"):
            box.close()
    assert worker.scratch is not None
    assert not worker.scratch.exists()


def test_a_closed_server_leaves_no_process_and_no_folder(own_temp: Path) -> None:
    server = ZygoteServer("numpy")
    server.wait_ready()
    pid = server._process.pid
    assert len(list(own_temp.glob("grader-*"))) == 1
    server.close()
    server.close()
    assert gone(pid)
    assert list(own_temp.glob("grader-*")) == []


def test_a_server_closes_while_a_judge_holds_its_socket() -> None:
    server = ZygoteServer("numpy")
    held = os.dup(server.control_fd)
    server.wait_ready()
    server.close()
    assert gone(server._process.pid)
    os.close(held)


def test_a_zygote_that_can_not_start_says_why() -> None:
    with ZygoteServer("numpy") as server:
        os.kill(server._process.pid, signal.SIGKILL)
        with pytest.raises(SandboxFailed, match="the zygote is gone"):
            server.wait_ready()


def test_an_unknown_preload_is_refused() -> None:
    with pytest.raises(SandboxFailed, match="expected one of tensorflow, numpy"):
        ZygoteServer("torch")


def test_a_worker_that_can_not_be_set_up_is_our_fault(
    numpy_server: ZygoteServer, submission: Submission, tmp_path: Path
) -> None:
    spec = replace(submission(), submission=tmp_path / "absent")
    with JailedBox(numpy_server.control_fd) as box, pytest.raises(SandboxFailed, match="a worker did not start"):
        box.start(spec)


def test_a_private_folder_that_can_not_be_made_is_our_fault(
    numpy_server: ZygoteServer, submission: Submission, tmp_path: Path
) -> None:
    spec = replace(submission(), scratch=True, submission=tmp_path / "absent" / "submission")
    with JailedBox(numpy_server.control_fd) as box, pytest.raises(SandboxFailed, match="no private folder"):
        box.start(spec)


def test_a_core_that_does_not_exist_is_our_fault(numpy_server: ZygoteServer, submission: Submission) -> None:
    with JailedBox(numpy_server.control_fd) as box, pytest.raises(SandboxFailed, match="did not start: OSError"):
        box.start(replace(submission(), core=1023))
