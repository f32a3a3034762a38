"""Kills at random moments: the result file is whole and true, no process is left, and the next grader tidies up."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest

from grader import catalog
from tests.test_submissions import validate

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")

TOY = Path(__file__).parents[1] / "grading" / "toy"
SCORE = 12.0
LONGEST_S = 60.0
VICTIMS = ("grader", "grader, politely", "judge", "zygote", "worker")
# The toy's right answers, each a little late, so that there is always a worker to kill.
RIGHT = "import time\ntime.sleep(0.1)\n" + (TOY / "right.py").read_text()
GRADE = f"""
import sys
from pathlib import Path
from grader import catalog, cli
toy = catalog.read(Path({str(TOY / "assignment.toml")!r}))
catalog.load = lambda name: toy
sys.argv[1:] = ["grade", "hand-in", "-a", "toy", "--json", "r.json", "--insecure"]
cli.main()
"""
SWEEP = "from grader.sandbox.temporary import sweep; print(len(sweep()))"


class Kill:
    """One grading in a folder of its own, of which a process is killed.

    Args:
        victim: One of `VICTIMS`.
        after_s: How long after the result file appeared, or the first test ended.
        tested: Which of the two.
    """

    def __init__(self, folder: Path, victim: str, after_s: float, tested: bool) -> None:
        self.folder, self.victim, self.tested = folder, victim, tested
        self.temporary = folder / "temporary"
        self.temporary.mkdir(parents=True)
        (folder / "hand-in").mkdir()
        (folder / "hand-in" / "numbers_.py").write_text(RIGHT)
        (folder / "hand-in" / "questions.md").write_text("")
        self.environment = {**os.environ, "TMPDIR": str(self.temporary)}
        self.hit = ""
        self.run(after_s)

    def run(self, after_s: float) -> None:
        command = [sys.executable, "-c", textwrap.dedent(GRADE)]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=quiet, stderr=quiet)
        until = time.monotonic() + LONGEST_S
        mark = b'"passed"' if self.tested else b""
        while process.poll() is None and time.monotonic() < until:
            found = read(str(self.folder / "r.json"))
            if found and mark in found:
                break
            time.sleep(0.002)
        due = time.monotonic() + after_s
        while time.monotonic() < due and process.poll() is None:
            time.sleep(0.002)
        while process.poll() is None and not self.hit and time.monotonic() < until:
            self.strike(process.pid)
            time.sleep(0.002)
        self.code = process.wait(LONGEST_S)

    def strike(self, grader: int) -> None:
        """Kills the victim, if there is one just now."""
        if self.victim.startswith("grader"):
            os.kill(grader, signal.SIGKILL if self.victim == "grader" else signal.SIGTERM)
            self.hit = self.victim
            return
        marks = {
            "judge": b"grader.grading.plugin",
            "zygote": b"grader.sandbox.zygote",
            "worker": b"grader.sandbox.zygote",
        }
        for pid in children(grader):
            if marks[self.victim] in read(f"/proc/{pid}/cmdline"):
                targets = children(pid) if self.victim == "worker" else [pid]
                for target in targets[-1:]:
                    try:
                        os.kill(target, signal.SIGKILL)
                        self.hit = self.victim
                    except ProcessLookupError:
                        pass

    def result(self) -> dict:
        """The result file, which must be a whole one."""
        found = json.loads((self.folder / "r.json").read_bytes())
        validate(found)
        return found

    def processes(self) -> list[int]:
        """Those that were started from this grading: they know its folder."""
        mark = os.fsencode(self.temporary)
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if mark in read(f"/proc/{pid}/environ")]

    def check(self) -> str:
        """Holds what is left against what is promised; returns the verdict in a word."""
        until = time.monotonic() + 20
        while self.processes() and time.monotonic() < until:
            time.sleep(0.05)
        assert self.processes() == []
        result = self.result()
        cases = [case for case in result["cases"] if case["max_score"] and case["status"] != "awaiting_review"]
        statuses = Counter(case["status"] for case in cases)
        # Every answer was right, so no kill may look like a wrong one.
        assert set(statuses) <= {"passed", "could_not_check"}
        assert result["score"] == sum(case["max_score"] for case in cases if case["status"] == "passed")
        complete = bool(cases) and not statuses["could_not_check"]
        if result["verdict"] == "graded" and complete:
            assert result["score"] == SCORE
        elif result["verdict"] == "graded":
            assert "not your fault" in result["headline"]
        else:
            assert result["headline"]
        if not self.victim.startswith("grader"):  # it lives, so it has tidied up and says whether all was checked
            assert self.code == (0 if result["verdict"] == "graded" and complete else 1)
        elif self.victim == "grader, politely" and self.hit:
            assert self.code in (0, 1)
        if self.victim != "grader":
            assert left(self.temporary) == []
        else:
            subprocess.run([sys.executable, "-c", SWEEP], env=self.environment, check=True, capture_output=True)
            assert left(self.temporary) == []
        assert [name for name in left(self.folder) if not name.startswith(".r.json.")] == [
            "hand-in",
            "r.json",
            "temporary",
        ]
        return "complete" if complete else "interrupted"


def read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:  # gone, or not ours
        return b""


def children(pid: int) -> list[int]:
    return [int(child) for task in [f"/proc/{pid}/task/{pid}/children"] for child in read(task).split()]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def kill_often(folder: Path, times: int, seed: int) -> Counter[str]:
    draw = random.Random(seed)  # noqa: S311 - no secret
    outcomes: Counter[str] = Counter()
    for number in range(times):
        victim = VICTIMS[number % len(VICTIMS)]
        kill = Kill(folder / str(number), victim, draw.uniform(0.0, 1.5), tested=draw.random() < 0.6)
        outcomes[f"{victim}: {'hit' if kill.hit else 'missed'}, {kill.check()}"] += 1
    print(*sorted(outcomes.items()), sep="\n")
    return outcomes


def test_ten_kills_leave_ten_whole_and_true_results(tmp_path: Path) -> None:
    outcomes = kill_often(tmp_path, 10, seed=1)
    assert outcomes.total() == 10


@pytest.mark.slow
def test_two_hundred_kills_leave_two_hundred_whole_and_true_results(tmp_path: Path) -> None:
    outcomes = kill_often(tmp_path, 200, seed=2)
    assert outcomes.total() == 200
    assert sum(count for name, count in outcomes.items() if ": hit" in name) > 100


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk, as root alone may")
def test_a_full_disk_leaves_the_last_whole_result(tmp_path: Path) -> None:
    """A real one of 24 kB, in a mount namespace of its own, that somebody fills during the grading."""
    (tmp_path / "hand-in").mkdir()
    (tmp_path / "hand-in" / "numbers_.py").write_text(RIGHT)
    (tmp_path / "hand-in" / "questions.md").write_text("")
    (tmp_path / "disk").mkdir()
    grade = GRADE.replace('"r.json"', '"disk/r.json"')
    script = f"""
        mount -t tmpfs -o size=24k none disk || exit 77
        ( while [ ! -e disk/r.json ]; do sleep 0.01; done; cat /dev/zero > disk/fill ) 2>/dev/null &
        {sys.executable} -c '{grade.replace("'", '"')}' > out 2> err
        echo $? > code
        cp disk/r.json kept.json
    """
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no mount namespace")
    assert (tmp_path / "code").read_text() == "1\n"
    assert "No space left on device" in " ".join((tmp_path / "err").read_text().split())
    assert "12 of 10 points" in (tmp_path / "out").read_text()
    kept = json.loads((tmp_path / "kept.json").read_bytes())
    validate(kept)
    assert kept["verdict"] == "could_not_grade"
    assert "interrupted" in kept["headline"]


def test_the_toy_is_worth_what_the_kills_expect() -> None:
    toy = catalog.read(TOY / "assignment.toml")
    assert sum(task.points for task in toy.tasks.values()) == SCORE
