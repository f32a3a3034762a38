"""The corpus of tests/submissions/hostile in the situations of this machine, and through whole gradings."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from grader import catalog
from grader.errors import SandboxUnavailable
from grader.grading.run import Grader
from grader.report import html, schema, terminal
from tests.submissions.hostile.corpus import HAND_INS, HERE, SUITE, Row, expectations, path_of
from tests.submissions.hostile.situations import ROOT_DIR, SITUATIONS, command, offered
from tests.test_submissions import validate

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tier bare alone, which promises nothing")

WORKERS = ("numpy", "tensorflow")
LONGEST_S = 1800.0  # of a corpus, on a machine with much else to do
# One situation for each jail is enough for every change; `make test-all` brings about the others.
QUICK = ("spare uid", "no Landlock")
ALL = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in SITUATIONS]


class Corpora:
    """Starts the corpora of a situation, both workers at once, when the first is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refusals = offered()
        self.running: dict[tuple[str, str], subprocess.Popen[str]] = {}

    def rows(self, situation: str, worker: str) -> list[Row]:
        if self.refusals[situation]:
            pytest.skip(self.refusals[situation])
        if (situation, worker) not in self.running:
            self.start(situation)
        _, errors = self.running[situation, worker].communicate(timeout=LONGEST_S)
        lines = self.file(situation, worker).read_text().splitlines()
        assert errors == ""
        return [Row(**{**entry, "kinds": tuple(entry["kinds"])}) for entry in map(json.loads, lines)]

    def start(self, situation: str) -> None:
        for worker in WORKERS:
            with self.file(situation, worker).open("w") as out:
                self.running[situation, worker] = subprocess.Popen(
                    command(situation, [str(HERE / "corpus.py"), worker, "--json"]),
                    stdout=out,
                    stderr=subprocess.PIPE,
                    text=True,
                    cwd=ROOT_DIR,
                )

    def file(self, situation: str, worker: str) -> Path:
        return self.folder / f"{situation}-{worker}.jsonl"

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpora]:
    found = Corpora(tmp_path_factory.mktemp("corpora"))
    yield found
    found.end()


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("situation", ALL)
def test_every_hand_in_comes_out_as_expected_and_the_next_is_unaffected(
    corpora: Corpora, situation: str, worker: str, record_property: Callable[[str, object], None]
) -> None:
    rows = corpora.rows(situation, worker)
    record_property("hostile", ((situation, worker), [asdict(row) for row in rows]))  # conftest.py makes a table of it
    tier = SITUATIONS[situation][1]
    assert {row.tier for row in rows} == {tier}
    assert [row.name for row in rows] == [expected.name for expected in expectations(worker, tier)]
    assert {row.name: row.remark for row in rows if not row.as_expected} == {}


def test_each_hand_in_has_an_expectation() -> None:
    names = {path.stem for path in HAND_INS.iterdir() if path.name != "__pycache__"}
    assert names == {expected.name for worker in WORKERS for expected in expectations(worker, "jailed")}


# -- whole gradings ---------------------------------------------------------------------------------------------------

SAMPLE = {  # statuses of test_fixed and test_random, and the points
    "right": ("passed", 3.0),
    "exits_at_import": ("failed", 0.0),
    "exits_in_call": ("failed", 0.0),
    "kills_itself": ("failed", 0.0),
    "dies_by_a_limit": ("failed", 0.0),
    "dies_by_a_timer": ("failed", 0.0),
    "forges_a_crash_report": ("failed", 0.0),
    "answers_for_the_worker": ("failed", 0.0),
    "forged_conftest": ("failed", 0.0),
    "prints_hidden_inputs": ("passed", 3.0),
    "huge_message": ("failed", 0.0),
}


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grader]:
    with Grader(catalog.read(SUITE / "assignment.toml")) as grader:
        try:
            grader.zygotes["numpy"].wait_ready()
        except SandboxUnavailable as error:
            pytest.skip(str(error))
        yield grader


def grade(grader: Grader, name: str, folder: Path):
    """The result of one hand-in, packed as a zip, through the same JSON as any."""
    source = path_of(name)
    tree = folder / name
    if source.is_dir():
        shutil.copytree(source, tree)
    else:
        tree.mkdir(parents=True)
        shutil.copy(source, tree / "hw.py")
    path = Path(shutil.make_archive(str(folder / f"{name}-zip"), "zip", tree))
    result = grader.grade(path)
    validate(json.loads(schema.to_json(result)))
    return result


@pytest.mark.parametrize("name", SAMPLE)
def test_a_whole_grading_gives_it_no_point_that_it_has_not_earned(grader: Grader, tmp_path: Path, name: str) -> None:
    status, score = SAMPLE[name]
    started = time.monotonic()
    result = grade(grader, name, tmp_path)
    tests = [case for case in result.cases if case.id.startswith("test_public")]
    assert result.verdict == "graded"
    assert [case.status for case in tests] == [status] * 2
    assert result.score == score
    assert time.monotonic() - started < 120
    assert grade(grader, "right", tmp_path / "next").score == 3.0


@pytest.mark.slow
@pytest.mark.parametrize("expected", expectations("numpy", "jailed"), ids=lambda expected: expected.name)
def test_whole_gradings_agree_with_the_corpus(grader: Grader, tmp_path: Path, expected) -> None:
    if expected.limit_s:
        toy = grader.assignment
        grader.assignment = replace(toy, limits=replace(toy.limits, test_s=expected.limit_s))
    result = grade(grader, expected.name, tmp_path)
    if expected.test == {"unusable"}:
        assert result.verdict == "could_not_grade"
        assert result.cases == ()
        return
    assert result.verdict == "graded"
    tests = [case for case in result.cases if case.id.startswith("test_public")]
    assert {case.kind for case in tests} <= expected.test | {"waits"}
    assert result.score == sum(case.max_score for case in tests if case.kind == "passed")
    assert (result.score > 0) == (expected.test == {"passed"})


def test_what_is_printed_is_kept_for_visible_tests_alone_and_cut(grader: Grader, tmp_path: Path) -> None:
    result = grade(grader, "prints_hidden_inputs", tmp_path)
    fixed, hidden = (case for case in result.cases if case.id.startswith("test_public"))
    assert fixed.output.startswith("these came in: [1. 2. 3.]")
    assert hidden.output == ""
    assert b"these came in" in schema.to_json(result)
    flood = grade(grader, "floods_stdout", tmp_path)
    assert [len(case.output) for case in flood.cases if case.id.startswith("test_public")] == [10_000, 0]
    assert len(schema.to_json(flood)) < 100_000


def test_what_is_printed_or_raised_steers_no_terminal_and_no_browser(
    grader: Grader, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.console import Console

    result = grade(grader, "huge_message", tmp_path)
    assert "<script>" in result.cases[1].output  # it is kept as it came, and made harmless where it is shown
    terminal.show(result, Console(force_terminal=True, color_system="truecolor", width=100))
    printed = capsys.readouterr().out
    assert "\x1b[2J" not in printed
    assert "\x1b]0;" not in printed
    assert "\u202e" not in printed
    assert "[boldred]" in "".join(printed.split())  # the terminal's markup is text
    assert len(printed) < 20_000
    for audience in ("student", "staff"):
        page = html.render(result, audience)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert not any(character in page for character in "\x1b\x07\u202e")
