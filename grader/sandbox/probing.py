"""Tries every attack of `attacks` in workers of one box, and says what came of each: `grader doctor --probe`.

Each attack has a worker of its own, with a scene of decoys around it: readable tests and results, a process that holds
a secret file open, sockets that answer, another worker. What an attack claims is not enough where it may have been told
"done" by a call that does nothing, and not needed where its harm shows outside, so both are looked at.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import MemoryLimit, SandboxFailed, StudentError, WorkerDied
from grader.sandbox.attacks import GROUPS, MARKER_FOLDERS, Scene, attacks
from grader.sandbox.box import Box, Worker, WorkerSpec
from grader.sandbox.temporary import TemporaryFolder

_LIMIT_S = 20.0
_MEMORY_BYTES = 3 << 30
_SCRATCH_BYTES = 32 << 20
_FILES = {
    "test_hidden.py": "expected = 0.731\n",
    "solution.py": "def f(): ...\n",
    "results.json": '{"score": 0}',
    "spare": "spare\n",
    "other/hw.py": "# another submission\n",
}
# A decoy for the grader: a secret in its memory, its environment and an open file.
_DECOY = (
    "import sys, time; secret = open(sys.argv[1]).read(); kept = open(sys.argv[1]); print(flush=True); time.sleep(600)"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attack.

    Attributes:
        outcome: `refused`: the attempt failed; `stopped`: the worker was ended for it; `done`: it worked.
    """

    group: str
    title: str
    outcome: str

    @property
    def worked(self) -> bool:
        return self.outcome not in ("refused", "stopped")


@dataclass
class _Scenery:
    folder: Path
    scene: Scene
    decoy: subprocess.Popen[bytes]
    udp: socket.socket
    before: dict[str, bytes] = field(default_factory=dict)

    def harm(self, sibling: Worker) -> str:
        """What shows outside after an attack; "" where nothing does."""
        if self.content() != self.before:
            self.furnish()
            return "files outside were changed"
        marker = self.scene["marker"]
        if any(Path(place, marker).exists() for place in MARKER_FOLDERS):
            return "a file was left"
        if self.decoy.poll() is not None:
            return "the grader was ended"
        with contextlib.suppress(BlockingIOError):
            self.udp.recv(16)
            return "a packet arrived"
        try:
            sibling.call("alive", {}, time.monotonic() + _LIMIT_S)
        except (StudentError, SandboxFailed):
            return "another worker was ended"
        return ""

    def furnish(self) -> None:
        """Puts the decoys in place, readable and writable for all, so that nothing but the box can refuse."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name, text in _FILES.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        _open_to_all(self.folder)
        self.before = self.content()

    def content(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


def run(box: Box) -> Iterator[Outcome]:
    """Tries all attacks; yields each outcome as it is known.

    Raises:
        SandboxFailed: No worker could be started.
    """
    with _scenery() as scenery:
        base = scenery.folder.parent
        spec = WorkerSpec(base / "submission", True, _MEMORY_BYTES, _SCRATCH_BYTES, 1 << 20, _LIMIT_S, 0)
        sibling = box.start(spec)
        for group in GROUPS:
            for title in attacks(group):
                scenery.scene["sibling"] = sibling.pid
                found = _try(box, spec, scenery.scene, title)
                harm = scenery.harm(sibling)
                if harm == "another worker was ended":
                    sibling.close()
                    sibling = box.start(spec)
                yield Outcome(group, title, f"done: {harm}" if harm else found)
        sibling.close()


def _try(box: Box, spec: WorkerSpec, scene: Scene, title: str) -> str:
    with box.start(spec) as worker:
        try:
            return worker.probe(scene, time.monotonic() + _LIMIT_S, title)[title]
        except MemoryLimit:
            return "stopped"
        except WorkerDied as error:
            # It became another program, or ended itself; what the box ended it for is told in its words.
            return "stopped" if "was stopped" in str(error) else "done"
        except SandboxFailed:  # killed, and not by the box
            return "done"


@contextlib.contextmanager
def _scenery() -> Iterator[_Scenery]:
    temporary = TemporaryFolder("grader-probe-")
    with contextlib.ExitStack() as stack:
        stack.callback(temporary.remove)
        base = temporary.path
        folder = base / "course"
        submission = base / "submission"
        submission.mkdir()
        (submission / "hw.py").write_text("")
        (submission / "adapters.py").write_text("def alive():\n    return True\n")
        base.chmod(0o755)
        _open_to_all(submission)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        abstract, local = (stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        name = f"grader-{secrets.token_hex(4)}"
        if sys.platform.startswith("linux"):
            abstract.bind(f"\0{name}")
            abstract.listen(8)
        local.bind(str(base / "socket"))
        (base / "socket").chmod(0o777)
        local.listen(8)
        folder.mkdir()
        (folder / "test_hidden.py").write_text(_FILES["test_hidden.py"])
        decoy = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-I", "-S", "-c", _DECOY, str(folder / "test_hidden.py")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={"GRADER_TOKEN": "731"},
            start_new_session=True,
        )
        stack.callback(_end, decoy)
        if decoy.stdout is not None:
            decoy.stdout.readline()
        scene = {
            "secret": str(folder / "test_hidden.py"),
            "own": str(submission / "hw.py"),
            "folder": str(folder),
            "marker": f"marker-{secrets.token_hex(4)}",
            "grader": decoy.pid,
            "sibling": 0,
            "memory": _MEMORY_BYTES,
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "abstract": name,
            "socket": str(base / "socket"),
        }
        scenery = _Scenery(folder, scene, decoy, udp)
        scenery.furnish()
        yield scenery


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()
