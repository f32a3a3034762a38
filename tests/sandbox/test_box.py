"""The choice of a tier, proved by a worker; what the trusted process must not load."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.errors import SandboxFailed
from grader.sandbox import box as box_module
from grader.sandbox.box import JailedBox, WorkerSpec, ZygoteServer, open_box, self_test

Submission = Callable[..., WorkerSpec]
Call = Callable[..., Any]


@pytest.mark.usefixtures("jail")
def test_the_strongest_tier_is_chosen_and_proved(numpy_server: ZygoteServer) -> None:
    with open_box("numpy", control_fd=numpy_server.control_fd) as box:
        assert box.tier == "jailed"
        assert "Landlock" in self_test(box)


@pytest.mark.usefixtures("jail")
def test_insecure_changes_nothing_where_the_jail_holds(numpy_server: ZygoteServer) -> None:
    with open_box("numpy", insecure=True, control_fd=numpy_server.control_fd) as box:
        assert box.tier == "jailed"


@pytest.mark.usefixtures("jail")
def test_a_box_without_a_server_starts_and_ends_its_own(submission: Submission, call: Call, own_temp: Path) -> None:
    with open_box("numpy") as box:
        assert call(box.start(submission("def f():\n    return 1\n"))) == 1
        assert len(list(own_temp.glob("grader-*"))) == 1
    assert list(own_temp.glob("grader-*")) == []


def test_a_control_socket_that_is_none_is_our_fault() -> None:
    reader, writer = os.pipe()
    os.close(writer)
    try:
        with pytest.raises(SandboxFailed):
            open_box("numpy", control_fd=reader)
    finally:
        os.close(reader)


def test_the_trusted_process_loads_neither_tensorflow_nor_keras() -> None:
    code = (
        "import sys, grader.sandbox.box; print([m for m in sys.modules if m in ('tensorflow', 'keras', 'matplotlib')])"
    )
    done = subprocess.run([sys.executable, "-I", "-B", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_kept_scratch_serves_the_next_worker_and_is_deleted_after_it(
    box: JailedBox, submission: Submission, call: Call
) -> None:
    source = "import os\ndef f():\n    open('model', 'w').write('weights')\ndef g():\n    return open('model').read()\n"
    spec = replace(submission(source), scratch=True)
    first = box.start(spec)
    call(first)
    first.close(keep_scratch=True)
    assert first.scratch is not None
    assert first.scratch.exists()
    with box.start(spec, scratch_dir=first.scratch) as second:
        assert call(second, "g") == "weights"
    assert not first.scratch.exists()


def test_public_names_are_these() -> None:
    assert sorted(box_module.__all__) == [
        "BareBox",
        "Box",
        "BubblewrapBox",
        "JailedBox",
        "Worker",
        "WorkerSpec",
        "ZygoteServer",
        "open_box",
        "open_strong",
        "open_to_spare",
        "self_test",
    ]


def test_the_copies_in_a_handout_run_on_their_own(tmp_path: Path) -> None:
    folder = Path(box_module.__file__).parent
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "__init__.py").write_text("")
    for name in ("wire.py", "calls.py", "hollow.py"):
        (tmp_path / "kit" / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "adapters.py").write_text("def f(x):\n    return x + 1\n")
    code = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        for name in ("resource", "fcntl", "pwd", "grp", "termios"):
            sys.modules[name] = None  # as on Windows
        from kit import calls
        import adapters
        print(calls.call(adapters, "f", {{"x": 1}}, {str(tmp_path)!r}), "grader" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-I", "-B", "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("{'ok': True, 'value': 2} False\n", "")
