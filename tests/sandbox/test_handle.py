"""One worker from start to end: limits, crashes, floods; a fresh one works after each."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.errors import (
    BadAnswer,
    ImportFailed,
    MemoryLimit,
    MissingName,
    NotImplementedYet,
    SandboxFailed,
    StudentError,
    StudentRaised,
    TimeLimit,
    WorkerDied,
    WrongSignature,
)
from grader.sandbox.box import BareBox, JailedBox, WorkerSpec

Submission = Callable[..., WorkerSpec]
Answer = Callable[..., Any]
Call = Callable[..., Any]


def gone(pid: int) -> bool:
    """Whether no process, not even an ended one, has that id."""
    return not Path(f"/proc/{pid}").exists()


def open_descriptors() -> set[str]:
    return {str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}


def test_arrays_and_plain_values_cross_both_ways(answer: Answer) -> None:
    source = "def f(x, name):\n    x += 1\n    return {'x': x, 'seen': (name, [x.dtype.str])}\n"
    found = answer(source, x=np.arange(3.0), name="é")
    assert found["x"].tolist() == [1, 2, 3]
    assert found["seen"] == ("é", ["<f8"])
    found["x"][0] = 5


def test_objects_stay_in_the_worker_between_calls(box: JailedBox, submission: Submission, call: Call) -> None:
    spec = submission("n = 0\ndef f():\n    global n\n    n += 1\n    return n\n")
    with box.start(spec) as worker:
        assert [call(worker) for _ in range(3)] == [1, 2, 3]
    with box.start(spec) as worker:
        assert call(worker) == 1


def test_large_arrays_cross_both_ways(answer: Answer) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1000, 28 * 28 * 20), np.uint8)
    assert np.array_equal(answer("def f(x):\n    return x[::-1]\n", x=image), image[::-1])


@pytest.mark.parametrize(
    ("source", "expected", "words"),
    [
        ("def f():\n    raise NotImplementedError('Task 2.1: x')", NotImplementedYet, "Task 2.1 is still open"),
        ("x = 1", MissingName, "no attribute 'f'"),
        ("def f() return 1", ImportFailed, "Importing `hw.py` failed with SyntaxError"),
        ("def f(x):\n    pass", WrongSignature, "missing 1 required positional argument"),
        ("def f():\n    raise ValueError('axis')", StudentRaised, "`f` raised ValueError: axis"),
        ("def f():\n    raise MemoryError", MemoryLimit, "more memory than it may use"),
        ("def f():\n    return {1, 2}", BadAnswer, "The answer of `f` holds an object of type set"),
        ("import sys\nsys.exit()", ImportFailed, 'put what runs as a program under `if __name__ == "__main__":`'),
    ],
)
def test_every_kind_of_reply_is_an_error_of_its_own(
    answer: Answer, source: str, expected: type[StudentError], words: str
) -> None:
    with pytest.raises(StudentError) as caught:
        answer(source)
    assert type(caught.value) is expected
    assert words in str(caught.value)


def test_an_error_knows_task_and_place(answer: Answer) -> None:
    with pytest.raises(NotImplementedYet) as caught:
        answer("def f():\n    raise NotImplementedError('Task 2.1: x')")
    assert caught.value.task == "2.1"
    assert caught.value.place is not None
    assert (caught.value.place.file, caught.value.place.line) == ("hw.py", 2)
    assert caught.value.place.code == "raise NotImplementedError('Task 2.1: x')"


def test_a_failed_call_leaves_the_worker_usable(box: JailedBox, submission: Submission, call: Call) -> None:
    spec = submission("def f():\n    raise ValueError\ndef g():\n    return 'fine'\n")
    with box.start(spec) as worker:
        with pytest.raises(StudentRaised):
            call(worker)
        assert call(worker, "g") == "fine"


@pytest.mark.parametrize(
    "loop",
    [
        "while True: pass",
        "import time; time.sleep(600)",
        "import numpy\n    while True: numpy.ones((900, 900)) @ numpy.ones((900, 900))",
        "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        "import signal; signal.signal(signal.SIGABRT, signal.SIG_IGN)\n    while True: pass",
        "import threading; threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()\n    while True: pass",
    ],
    ids=["loop", "sleep", "numpy", "C code", "stopped", "swallows", "disarmed", "threads"],
)
def test_a_time_limit_ends_its_own_worker_alone(box: JailedBox, submission: Submission, call: Call, loop: str) -> None:
    spec = submission(f"def f():\n    {loop}\ndef g():\n    return 1\n")
    with box.start(spec) as other, box.start(spec) as worker:
        with pytest.raises(TimeLimit, match=r"`f` gave no answer within 0\.3 s"):
            call(worker, limit_s=0.3)
        assert gone(worker.pid)
        assert call(other, "g") == 1
        with pytest.raises(TimeLimit):  # what ended it is all that later calls get
            call(worker, "g")
        with box.start(spec) as fresh:
            assert call(fresh, "g") == 1


def test_a_time_limit_names_the_line(answer: Answer) -> None:
    with pytest.raises(TimeLimit) as caught:
        answer("def f():\n    total = 0\n    while True:\n        total += 1\n", limit_s=0.5)
    assert caught.value.place is not None
    assert caught.value.place.file == "hw.py"
    assert caught.value.place.line in (3, 4)
    assert caught.value.place.function == "f"


def test_an_endless_import_names_its_line(box: JailedBox, submission: Submission) -> None:
    spec = submission("import other\n", other="def train():\n    while True:\n        pass\n\ntrain()\n")
    with box.start(spec) as worker:
        with pytest.raises(TimeLimit, match=r"Importing `hw` took longer than") as caught:
            worker.import_module("hw", time.monotonic() + 0.5)
        assert worker.output == ""
    place = caught.value.place
    assert place is not None
    assert (place.file, place.line, place.code) == ("other.py", 5, "train()")


def test_importing_a_module_says_what_is_wrong_with_it(box: JailedBox, submission: Submission) -> None:
    with box.start(submission("x = 1\n", broken="import hw\nhw.y\n")) as worker:
        deadline = time.monotonic() + 30
        worker.import_module("hw", deadline)
        with pytest.raises(ImportFailed, match=r"Importing `broken.py` failed with AttributeError.*broken.py, line 2"):
            worker.import_module("broken", deadline)
        with pytest.raises(MissingName, match="No module named 'absent'"):
            worker.import_module("absent", deadline)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os._exit(0)", r"ended the process \(exit code 0\) before an answer was there"),
        ("import ctypes; ctypes.string_at(0)", r"crashed the process \(a segmentation fault\) \(hw.py, line 2\)"),
        ("import os; os.abort()", r"crashed the process \(an abort\) \(hw.py, line 2\)"),
        ("import os; os.closerange(0, 256)", "without|ended the process|closed its line"),
    ],
    ids=["exit", "segfault", "abort", "closes all"],
)
def test_a_process_that_ends_is_told_from_an_answer(answer: Answer, code: str, words: str) -> None:
    with pytest.raises(WorkerDied, match=words):
        answer(f"def f():\n    {code}\n")
    assert answer("def f():\n    return 1\n") == 1


def test_a_kill_from_outside_is_not_the_students_fault(box: JailedBox, submission: Submission) -> None:
    with box.start(submission("import time\ndef f():\n    time.sleep(30)\n")) as worker:
        worker.submit("f", {})
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(SandboxFailed, match="killed from outside"):
            worker.result(time.monotonic() + 20)


def test_an_exit_at_import_is_no_pass(answer: Answer) -> None:
    with pytest.raises(WorkerDied, match="exit code 0"):
        answer("import os\nos._exit(0)\n")


@pytest.mark.parametrize(
    "bomb",
    [
        "kept = []\n    while True: kept.append(bytearray(50 << 20))",
        "import numpy; return numpy.ones(2**32).sum()",
        "import mmap; kept = []\n    while True: kept.append(mmap.mmap(-1, 64 << 20))",
    ],
    ids=["bytes", "numpy", "shared mmap"],
)
def test_a_memory_bomb_meets_its_limit(box: JailedBox, submission: Submission, call: Call, bomb: str) -> None:
    spec = submission(f"def f():\n    {bomb}\n")
    with box.start(spec) as worker, pytest.raises((MemoryLimit, StudentRaised), match=r"memory|Errno 12"):
        call(worker)
    assert 0 < worker.peak_memory_bytes < 3 << 29


def test_bad_alloc_on_stderr_before_an_abort_is_a_memory_limit(answer: Answer) -> None:
    source = """
        import os
        def f():
            os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\\n")
            os.abort()
    """
    with pytest.raises(MemoryLimit, match="needed more than the 1024 MB of memory"):
        answer(source)


def test_processor_time_of_all_threads_is_limited(answer: Answer) -> None:
    with pytest.raises(TimeLimit, match="processor time"):
        answer("def f():\n    while True: pass\n", spec={"cpu_s": 1.0, "core": next(iter(os.sched_getaffinity(0)))})


def test_a_flood_of_output_is_drained_and_cut(box: JailedBox, submission: Submission, call: Call) -> None:
    source = """
        import os
        print("first words")
        def f():
            for _ in range(800):
                os.write(1, b"x" * 65536)
            print("\\x1b[2Jlast words")
            return 1
    """
    with box.start(submission(source)) as worker:
        assert call(worker) == 1
    assert worker.output.startswith("first words\nxxx")
    assert len(worker.output) < worker.spec.output_bytes + 100
    assert worker.output.endswith("more bytes dropped]\n")


def test_output_that_was_printed_before_an_answer_is_there_with_it(
    box: JailedBox, submission: Submission, call: Call
) -> None:
    source = "import sys\ndef f():\n    print('out \\x1b[1m')\n    print('err', file=sys.stderr)\n    return 1\n"
    with box.start(submission(source)) as worker:
        call(worker)
        assert worker.output == "out \x1b[1m\nerr\n"


def test_input_finds_nothing_to_read(answer: Answer) -> None:
    with pytest.raises(ImportFailed, match="EOFError"):
        answer("a = input()\ndef f():\n    return a\n")


def test_a_background_call_goes_on_while_another_worker_answers(
    box: JailedBox, submission: Submission, call: Call
) -> None:
    spec = submission("import time\ndef f():\n    time.sleep(0.4)\n    return 'trained'\ndef g():\n    return 1\n")
    with box.start(spec) as training, box.start(spec) as worker:
        training.submit("f", {})
        with pytest.raises(SandboxFailed, match="`f` is still under way"):
            training.submit("f", {})
        assert call(worker, "g") == 1
        assert training.result(time.monotonic() + 30) == "trained"


def test_an_answer_that_came_in_time_counts_however_late_it_is_read(box: JailedBox, submission: Submission) -> None:
    with box.start(submission("def f():\n    return 1\n")) as worker:
        deadline = time.monotonic() + 1.5
        worker.submit("f", {}, deadline)
        time.sleep(1.7)
        assert worker.result(deadline) == 1


def test_a_background_call_is_stopped_at_its_deadline_though_nobody_waits(
    box: JailedBox, submission: Submission
) -> None:
    with box.start(submission("def f():\n    while True: pass\n")) as worker:
        deadline = time.monotonic() + 0.3
        worker.submit("f", {}, deadline)
        until = time.monotonic() + 20
        while not gone(worker.pid) and time.monotonic() < until:
            time.sleep(0.02)
        assert gone(worker.pid)
        with pytest.raises(TimeLimit, match=r"`f` gave no answer within 0\.3 s"):
            worker.result(deadline)


def test_seeds_are_the_specs(box: JailedBox, submission: Submission, call: Call) -> None:
    spec = submission("import random, numpy\ndef f():\n    return random.random(), numpy.random.rand(3)\n")
    draws = []
    for seed in (7, 7, 8):
        with box.start(replace(spec, seed=seed)) as worker:
            draws.append(call(worker))
    assert draws[0][0] == draws[1][0] != draws[2][0]
    assert np.array_equal(draws[0][1], draws[1][1])
    assert not np.array_equal(draws[0][1], draws[2][1])


def test_a_core_is_kept(answer: Answer) -> None:
    core = max(os.sched_getaffinity(0))
    assert answer("import os\ndef f():\n    return sorted(os.sched_getaffinity(0))\n", spec={"core": core}) == [core]


def test_own_modules_never_shadow_installed_ones(box: JailedBox, submission: Submission, call: Call) -> None:
    spec = submission(
        "import numpy, random, typing, mine\ndef f():\n    return numpy.__name__, float(numpy.ones(2).sum())\n",
        numpy="raise SystemExit",
        random="raise SystemExit",
        typing="raise SystemExit",
        sitecustomize="raise SystemExit",
        conftest="raise SystemExit",
        mine="",
    )
    with box.start(spec) as worker:
        assert call(worker) == ("numpy", 2.0)


def test_packages_data_files_and_relative_imports_work(box: JailedBox, submission: Submission, call: Call) -> None:
    spec = submission(
        """
        from pathlib import Path
        from package import inner
        def f():
            return inner.VALUE + Path(__file__).with_name("data.txt").read_text()
        """
    )
    package = spec.submission / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text("from . import deep\nVALUE = deep.X\n")
    (package / "deep.py").write_text("X = 'deep '\n")
    (spec.submission / "data.txt").write_text("data")
    with box.start(spec) as worker:
        assert call(worker) == "deep data"


def test_the_process_looks_neutral_from_inside(answer: Answer) -> None:
    source = """
        import os, sys
        def f():
            open_fds = [fd for fd in range(256) if os.path.exists(f"/dev/fd/{fd}") or _open(fd)]
            return {"argv": sys.argv, "path": [p for p in sys.path if "submission" in p], "fds": open_fds,
                    "main": [m for m in sys.modules if m.startswith("tests")]}
        def _open(fd):
            try:
                os.fstat(fd)
                return True
            except OSError:
                return False
    """
    found = answer(source)
    assert found["argv"] == [""]
    assert len(found["path"]) == 1
    assert found["main"] == []
    assert len(found["fds"]) <= 10  # stdin, stdout, stderr, two pipes, five held files of /proc


def test_a_closed_worker_leaves_nothing(box: JailedBox, submission: Submission, call: Call) -> None:
    spec = replace(submission("def f():\n    open('x', 'w').write('x')\n    return 1\n"), scratch=True)
    before = open_descriptors()
    with box.start(spec) as worker:
        call(worker)
        assert worker.scratch is not None
        assert (worker.scratch / "x").exists()
        worker.close()
        worker.close()
    assert gone(worker.pid)
    assert not worker.scratch.exists()
    assert open_descriptors() == before
    with pytest.raises(WorkerDied, match="was closed"):
        call(worker)


def test_arguments_that_can_not_be_sent_are_our_fault(box: JailedBox, submission: Submission, call: Call) -> None:
    with box.start(submission("def f(x):\n    pass\n")) as worker, pytest.raises(SandboxFailed, match="dtype object"):
        call(worker, x=np.array([None]))


def test_a_result_without_a_call_is_our_fault(box: JailedBox, submission: Submission) -> None:
    with box.start(submission()) as worker, pytest.raises(SandboxFailed, match="no call is under way"):
        worker.result(time.monotonic() + 1)


def test_a_bare_worker_has_the_same_limits(bare_box: BareBox, submission: Submission, call: Call) -> None:
    spec = submission("def f(x):\n    return x * 2\ndef g():\n    while True: pass\n")
    with bare_box.start(spec) as worker:
        assert worker.jail == ""
        assert call(worker, x=np.ones(2)).tolist() == [2, 2]
        with pytest.raises(TimeLimit):
            call(worker, "g", limit_s=0.3)
