"""Runs every hand-in of this folder with one kind of worker: `python corpus.py numpy|tensorflow [--json] [NAME...]`.

It takes the way of a grading without its pytest: each hand-in is unpacked and prepared, and each test of the toy's
suite gets a fresh worker of the strongest tier that holds, in one zygote for all. After each hand-in the right one is
tested, in its turn. `run` yields what came; `Expected` says what must.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[2]))

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from grader import catalog  # noqa: E402
from grader.errors import SandboxFailed, StudentError, UnusableSubmission  # noqa: E402
from grader.grading.adapters import Adapters  # noqa: E402
from grader.grading.events import kind_of  # noqa: E402
from grader.grading.students import Student  # noqa: E402
from grader.intake.prepare import prepare  # noqa: E402
from grader.sandbox.box import Box, WorkerSpec, open_box, open_to_spare  # noqa: E402
from grader.sandbox.temporary import remove_tree  # noqa: E402

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SUITE = HERE / "suite"
HAND_INS = HERE / "hand_ins"
LIMIT_S = {"numpy": 20.0, "tensorflow": 40.0}  # far above what any answer needs, on a busy machine too
# After its limit a worker has half a second to say where it was, and is then ended.
SLACK_S = 10.0
MEMORY_BYTES = {"numpy": 1 << 30, "tensorflow": 3 << 30}
SCRATCH_BYTES = 16 << 20
POINTS = {"fixed": 1.0, "random": 2.0}


@dataclass(frozen=True)
class Expected:
    """What must come of one hand-in.

    Attributes:
        at_import: Kinds of which one must come when hw.py is imported alone.
        test: The same for both tests.
        limit_s: Of each, or None: it answers or ends by itself.
    """

    name: str
    at_import: frozenset[str]
    test: frozenset[str]
    limit_s: float | None


@dataclass(frozen=True)
class Row:
    """What came of one hand-in.

    Attributes:
        kinds: Of the import, the fixed and the random test.
        score: Points for the tests that passed.
        seconds: Wall time of the slowest of the three.
        as_expected: Whether the kinds are, inside the time, and the right hand-in passed afterwards.
        remark: What is not; "" where all is.
    """

    name: str
    worker: str
    tier: str
    kinds: tuple[str, str, str]
    score: float
    seconds: float
    as_expected: bool
    remark: str


def path_of(name: str) -> Path:
    """The file or folder of a hand-in."""
    folder = HAND_INS / name
    return folder if folder.is_dir() else folder.with_suffix(".py")


def expectations(worker: str, tier: str) -> list[Expected]:
    """What must come of each hand-in that is meant for a worker and a tier, in the order of expected.toml."""
    found = []
    for name, entry in tomllib.loads((HERE / "expected.toml").read_text(encoding="utf-8")).items():
        test = entry.get(tier, entry.get(worker, entry["test"])) if tier != "bare" else entry.get("bare")
        if test is None or worker not in entry.get("workers", (worker,)):
            continue
        at_import = frozenset(entry.get("at_import", "passed").split("|"))
        found.append(Expected(name, at_import, frozenset(test.split("|")), entry.get("limit_s")))
    return found


def run(worker: str, only: tuple[str, ...] = (), box: Box | None = None) -> Iterator[Row]:
    """Tests the hand-ins, one after the other.

    Args:
        worker: "numpy" or "tensorflow".
        only: Names of hand-ins; all if empty.
        box: Where workers come from; the strongest one of this machine by default.
    """
    with ExitStack() as stack:
        box = box or stack.enter_context(open_box(worker, insecure=True))
        base = Path(tempfile.mkdtemp(prefix="corpus-"))
        stack.callback(remove_tree, base)
        base.chmod(0o711)
        runner = _Runner(worker, box, base, _suite())
        for expected in expectations(worker, box.tier):
            if not only or expected.name in only:
                yield runner.row(expected)


class _Runner:
    def __init__(self, worker: str, box: Box, base: Path, suite: ModuleType) -> None:
        self.worker, self.box, self.base, self.suite = worker, box, base, suite
        self.adapters = Adapters(SUITE / "adapters.py")
        self.assignment = catalog.read(SUITE / "assignment.toml")
        self.right = self.prepared("right", "next")

    def prepared(self, name: str, place: str) -> Path:
        """Unpacks and prepares one hand-in as a grading does, in a folder of that name."""
        hand_in = self.base / f"{place}-hand-in"
        source = path_of(name)
        if source.is_dir():
            shutil.copytree(source, hand_in)
        else:
            hand_in.mkdir()
            shutil.copy(source, hand_in / "hw.py")
        run_dir = self.base / place
        submission = prepare(hand_in, self.assignment, run_dir).submission_dir
        run_dir.chmod(0o700)
        open_to_spare(run_dir)
        return submission

    def spec(self, submission: Path) -> WorkerSpec:
        return WorkerSpec(
            submission=submission,
            scratch=self.worker == "tensorflow",
            memory_bytes=MEMORY_BYTES[self.worker],
            scratch_bytes=SCRATCH_BYTES,
            output_bytes=1 << 20,
            cpu_s=LIMIT_S[self.worker],
            seed=7,
        )

    def row(self, expected: Expected) -> Row:
        try:
            submission = self.prepared(expected.name, expected.name)
        except UnusableSubmission:
            wrong = [] if expected.test == {"unusable"} else ["refused as unusable"]
            return Row(
                expected.name, self.worker, self.box.tier, ("unusable",) * 3, 0.0, 0.0, not wrong, *wrong or [""]
            )
        limit_s = expected.limit_s or LIMIT_S[self.worker]
        # A short limit is for what uses all of it; an import may be slow on a busy machine.
        import_s = limit_s if "time" in expected.at_import else LIMIT_S[self.worker]
        tests: dict[str, Callable[[Student], object]] = {
            "import": lambda student: student.import_module("hw", import_s),
            "fixed": self.suite.test_fixed,
            "random": lambda student: self.suite.test_random(student, np.random.default_rng()),
        }
        kinds, seconds, remarks = {}, 0.0, []
        for title, test in tests.items():
            if title == "random" and expected.limit_s:
                kinds[title] = kinds["fixed"]  # the same once more would only take time
                continue
            started = time.monotonic()
            kinds[title], remark = self.outcome(submission, import_s if title == "import" else limit_s, test)
            spent = time.monotonic() - started
            seconds = max(seconds, spent)
            if remark:
                remarks.append(remark)
            if spent > (import_s if title == "import" else limit_s) + SLACK_S:
                remarks.append(f"{title} took {spent:.1f} s")
        if kinds["import"] not in expected.at_import or {kinds["fixed"], kinds["random"]} - expected.test:
            remarks.append(f"expected {'|'.join(sorted(expected.at_import))}, {'|'.join(sorted(expected.test))}")
        after, remark = self.outcome(self.right, LIMIT_S[self.worker], self.suite.test_fixed)
        if after != "passed":
            remarks.append(f"the next submission: {after} {remark}")
        remove_tree(submission.parent)
        return Row(
            name=expected.name,
            worker=self.worker,
            tier=self.box.tier,
            kinds=(kinds["import"], kinds["fixed"], kinds["random"]),
            score=sum(points for test, points in POINTS.items() if kinds[test] == "passed"),
            seconds=round(seconds, 2),
            as_expected=not remarks,
            remark="; ".join(remarks),
        )

    def outcome(self, submission: Path, limit_s: float, test: Callable[[Student], object]) -> tuple[str, str]:
        """The kind of one test, and what is wrong with it that no kind says."""
        student = Student(self.box, self.adapters, self.spec(submission), limit_s)
        try:
            test(student)
            kind, remark = "passed", ""
        except AssertionError:
            kind, remark = "wrong", ""
        except StudentError as error:
            kind, remark = kind_of(error), "" if len(str(error)) < 3_000 else "a message without end"
        except SandboxFailed as error:
            kind, remark = "ours", str(error)
        student.close()
        if len(student.output) > (1 << 20) + 200:
            remark += " output without end"
        if submission.parent.is_dir() and any(submission.parent.glob("scratch-*")):
            remark += " a scratch folder is left"
        return kind, remark


def _suite() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hostile_suite", SUITE / "test_public.py")
    if spec is None or spec.loader is None:
        raise ImportError(SUITE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(rows: list[Row]) -> Table:
    """Hand-ins and what came of them."""
    shown = Table(box=None, pad_edge=False)
    for title in ("Hand-in", "Worker", "Tier", "Import", "Tests", "Points", "Seconds", ""):
        shown.add_column(title, no_wrap=title != "", justify="right" if title in ("Points", "Seconds") else "left")
    for row in rows:
        tests = row.kinds[1] if row.kinds[1] == row.kinds[2] else ", ".join(row.kinds[1:])
        mark = "as expected" if row.as_expected else f"NOT AS EXPECTED: {row.remark}"
        cells = (row.name, row.worker, row.tier, row.kinds[0], tests, f"{row.score:g}", f"{row.seconds:.2f}", mark)
        shown.add_row(*cells)
    return shown


def main() -> None:
    worker, *rest = sys.argv[1:]
    names = tuple(name for name in rest if name != "--json")
    rows = []
    for row in run(worker, names):
        rows.append(row)
        if "--json" in rest:
            print(json.dumps(asdict(row)), flush=True)
    if "--json" not in rest:
        Console(width=200).print(table(rows))
    sys.exit(0 if rows and all(row.as_expected for row in rows) else 1)


if __name__ == "__main__":
    main()
