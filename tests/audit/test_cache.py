"""Which results of an audit are kept, and until when."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from rich.console import Console

from grader import catalog
from grader.audit import cache as cache_module
from grader.audit.cache import ResultCache, is_final
from grader.audit.matrix import audit_assignment
from grader.audit.show import show_matrix
from grader.records import Case, SubmissionInfo, SubmissionResult

TOY = Path(__file__).parents[1] / "grading" / "toy"
VARIANTS = """
[[variant]]
name = "triple"
kind = "wrong"
edits = [{ file = "numbers_.py", find = "return 2 * x", replace = "return 3 * x" }]
fails = ["test_double_of_two", "test_double_of_random", "test_both"]

[[variant]]
name = "unseen"
kind = "wrong"
edits = [{ file = "numbers_.py", find = "Half of x", replace = "half of x" }]
fails = ["test_halve"]

[[variant]]
name = "sum"
kind = "right"
edits = [{ file = "numbers_.py", find = "return 2 * x", replace = "return x + x" }]
"""


class ToyWithSolution(catalog.Assignment):
    """The toy, with a solution of its own."""

    solution_dir = Path()


@pytest.fixture
def toy(tmp_path, monkeypatch) -> catalog.Assignment:
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    read = catalog.read(TOY / "assignment.toml")
    assignment = ToyWithSolution(**{field.name: getattr(read, field.name) for field in fields(read)})
    solution = tmp_path / "toy-solution"
    solution.mkdir()
    (solution / "numbers_.py").write_bytes((TOY / "right.py").read_bytes())
    (solution / "questions.md").write_text("")
    monkeypatch.setattr(ToyWithSolution, "solution_dir", solution)
    return assignment


def make_result(verdict: str = "graded", **case: object) -> SubmissionResult:
    values = {"id": "t", "task": "1.1", "title": "t", "tier": "pass", "score": 0.0, "max_score": 1.0}
    cases = (Case(**values, **{"status": "failed", "kind": "wrong", **case}),)  # type: ignore[arg-type]
    info = SubmissionInfo(path="x", sha256="")
    return SubmissionResult(
        assignment="toy",
        assignment_title="",
        submission=info,
        verdict=verdict,  # type: ignore[arg-type]
        headline="",
        cases=cases,
    )


def test_an_audit_grades_every_variant_and_a_second_one_reads_the_results(toy, tmp_path, capsys):
    (tmp_path / "variants.toml").write_text(VARIANTS)
    quiet = Console(quiet=True)
    first, again = (audit_assignment(toy, tmp_path / "variants.toml", None, quiet) for _ in range(2))
    assert [verdict.variant for verdict in first.verdicts] == ["triple", "unseen", "sum"]
    assert [verdict.variant for verdict in first.shortcomings] == ["unseen"]
    assert first.verdicts[0].failed_tasks == ("1.1", "2.1")
    assert not any(verdict.cached for verdict in first.verdicts)
    assert again.verdicts == tuple(replace(verdict, cached=True) for verdict in first.verdicts)
    show_matrix(again, Console())
    shown = " ".join(capsys.readouterr().out.split())
    assert "unseen: survived: test_halve: passed (passed); expected failed (wrong)" in shown
    assert "1 of 2 wrong variants caught at their named tests, 1 of 1 right ones earned their tier" in shown


def test_a_result_is_kept_whole(toy, tmp_path):
    cache, result = ResultCache(toy, 1), make_result()
    assert cache.get("key", SubmissionResult) is None
    cache.put("key", result)
    assert cache.get("key", SubmissionResult) == result


@pytest.mark.parametrize(
    "result",
    [make_result("could_not_grade"), make_result(status="could_not_check", kind="ours"), make_result(kind="time")],
)
def test_what_may_end_better_is_not_final(result):
    assert not is_final(result)
    assert is_final(make_result())


def test_a_damaged_result_is_graded_anew(toy, tmp_path):
    cache = ResultCache(toy, 1)
    cache.put("key", make_result())
    (place,) = (tmp_path / "home").rglob("key.json")
    place.write_bytes(place.read_bytes()[:50])
    assert cache.get("key", SubmissionResult) is None


def test_the_key_changes_with_all_that_a_verdict_hangs_on(toy, tmp_path, monkeypatch):
    folder = toy.solution_dir
    keys = [ResultCache(toy, 1).key(folder, True), ResultCache(toy, 1).key(folder, False)]
    keys.append(ResultCache(toy, 2).key(folder, True))
    (folder / "numbers_.py").write_text("changed")
    keys.append(ResultCache(toy, 1).key(folder, True))
    monkeypatch.setattr(cache_module, "suite_sha256", lambda suite: "another suite")
    keys.append(ResultCache(toy, 1).key(folder, True))
    monkeypatch.setattr(cache_module, "_JUDGING", ("catalog.py",))
    keys.append(ResultCache(toy, 1).key(folder, True))
    assert len(set(keys)) == len(keys)
    assert ResultCache(toy, 1).key(folder, True) == keys[-1]
