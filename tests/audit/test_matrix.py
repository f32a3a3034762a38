"""What the audit makes of a variant's cases."""

from __future__ import annotations

import pytest

from grader import catalog
from grader.audit.matrix import Matrix, build_starts, judge_variant
from grader.audit.variants import Edit, Variant
from grader.records import Case, SubmissionInfo, SubmissionResult


@pytest.fixture(scope="module")
def integration() -> catalog.Assignment:
    return catalog.load("integration")


def make_case(name: str, status: str = "passed", kind: str = "passed", **fields: object) -> Case:
    values = {"task": "2.1", "title": name, "tier": "pass", "score": 0.0, "max_score": 1.0, **fields}
    return Case(id=f"test_lstm.py::{name}", status=status, kind=kind, **values)  # type: ignore[arg-type]


def make_result(*cases: Case, verdict: str = "graded") -> SubmissionResult:
    return SubmissionResult(
        assignment="integration",
        assignment_title="",
        submission=SubmissionInfo(path="x", sha256=""),
        verdict=verdict,  # type: ignore[arg-type]
        headline="the zygote broke down",
        cases=cases,
    )


def wrong(*fails: str, **fields: object) -> Variant:
    return Variant(name="v", kind="wrong", fails=fails, **fields)  # type: ignore[arg-type]


def test_a_named_test_that_fails_is_a_kill(integration):
    result = make_result(make_case("test_a", "failed", "wrong"), make_case("test_b"))
    verdict = judge_variant(wrong("test_a"), result, integration)
    assert not verdict.falls_short
    assert verdict.failed_tasks == ("2.1",)


def test_a_named_test_that_passes_is_a_survivor(integration):
    verdict = judge_variant(wrong("test_a"), make_result(make_case("test_a")), integration)
    assert verdict.survived == ("test_a: passed (passed); expected failed (wrong)",)


def test_a_bug_that_no_test_looks_at_is_a_survivor(integration):
    assert judge_variant(wrong(), make_result(make_case("test_a")), integration).falls_short


def test_a_crash_is_no_kill_unless_it_is_expected(integration):
    result = make_result(make_case("test_a", "failed", "raised"))
    assert judge_variant(wrong("test_a"), result, integration).survived
    assert not judge_variant(wrong("test_a", how=("raised",)), result, integration).falls_short


def test_a_failure_that_is_not_listed_is_collateral_unless_it_waits(integration):
    waits = make_case("test_c", "not_run", "waits")
    result = make_result(make_case("test_a", "failed", "wrong"), make_case("test_b", "failed", "wrong"), waits)
    assert judge_variant(wrong("test_a"), result, integration).collateral == ("test_lstm.py::test_b",)


def test_a_parameter_can_be_named_or_left_out(integration):
    result = make_result(make_case("test_a[1]", "failed", "wrong"), make_case("test_a[2]"))
    assert not judge_variant(wrong("test_a"), result, integration).falls_short
    assert judge_variant(wrong("test_a[2]"), result, integration).falls_short


def test_a_right_variant_must_pass_every_test_up_to_its_tier(integration):
    outstanding = make_case("test_b", "failed", "wrong", tier="outstanding")
    result = make_result(make_case("test_a"), outstanding)
    right = {"name": "v", "kind": "right"}
    assert not judge_variant(Variant(**right, tier="pass"), result, integration).falls_short
    assert judge_variant(Variant(**right, tier="outstanding"), result, integration).lost


def test_a_case_that_is_ours_gives_no_verdict(integration):
    ours = make_case("test_a", "could_not_check", "ours", detail="Traceback\nKeyError: 'x'")
    verdict = judge_variant(wrong("test_a"), make_result(ours), integration)
    assert verdict.trouble.endswith("KeyError: 'x'")


def test_what_could_not_be_graded_gives_no_verdict(integration):
    verdict = judge_variant(wrong("test_a"), make_result(verdict="could_not_grade"), integration)
    assert verdict.trouble == "the zygote broke down"
    assert Matrix(assignment="a", tasks=(), verdicts=(verdict,)).shortcomings == [verdict]


def test_variants_are_edited_from_the_solution_and_from_folders_that_several_share(integration, tmp_path):
    shared, lonely = tmp_path / "shared", tmp_path / "lonely"
    for folder in (shared, lonely):
        folder.mkdir()
        (folder / "data.py").write_text(folder.name)
    edit = Edit(file="data.py", find="a", replace="b")
    pairs = [("a", shared), ("b", shared), ("c", lonely), ("d", None)]
    variants = [Variant(name=name, kind="wrong", folder=folder, edits=(edit,)) for name, folder in pairs]
    starts = build_starts(integration, [*variants, Variant(name="e", kind="right", folder=lonely)], tmp_path / "into")
    assert set(starts) == {None, shared}
    assert (starts[shared] / "data.py").read_text() == "shared"
    assert (starts[None] / "data.py").read_bytes() == (integration.solution_dir / "data.py").read_bytes()
