"""Whole gradings of the toy: what a submission earns, and what it is told."""

from __future__ import annotations

import re
import subprocess
import sys

from grader.records import SubmissionResult

from .conftest import RIGHT


def statuses(result: SubmissionResult) -> dict[str, str]:
    return {case.id.partition("::")[2] or case.id: case.status for case in result.cases}


def case(result: SubmissionResult, name: str):
    return next(case for case in result.cases if case.id.endswith(name))


def test_the_right_submission_earns_everything(grade_toy):
    result = grade_toy(RIGHT)
    assert (result.verdict, result.score, result.max_score, result.tier) == ("graded", 12.0, 10.0, "outstanding")
    assert result.headline == "Every test passes."
    assert result.sandbox_tier == "jailed"
    assert result.points_awaiting_review == 5.0
    assert case(result, "Q1").status == "awaiting_review"


def test_a_training_curve_reaches_the_result(grade_toy):
    (curve,) = grade_toy(RIGHT).curves
    assert (curve.title, curve.series) == ("toy", {"loss": [3.0, 2.0, 1.0]})


def test_the_blank_stencil_earns_nothing_and_hears_where_to_start(grade_toy):
    blank = "".join(
        f'def {name}(x):\n    """."""\n    raise NotImplementedError("Task {task}: todo")\n'
        for name, task in (("double", "1.1"), ("halve", "1.2"), ("both", "2.1"))
    )
    result = grade_toy(blank + "SHARE = 0.0\n")
    assert result.score == 0
    assert result.tier is None
    assert result.headline == "Start with task 1.1 (Doubling): it is still open. So is 1.2."
    assert {status for name, status in statuses(result).items() if name.startswith("test_both")} == {"not_run"}


def test_one_bug_is_charged_once(grade_toy):
    result = grade_toy(RIGHT.replace("return 2 * x", "raise ValueError('two')"))
    assert statuses(result)["test_double_of_two"] == "failed"
    assert statuses(result)["test_both"] == "not_run"
    assert result.headline == "Task 1.1 (Doubling) raises an error. 3 tests wait for it."
    assert "ValueError: two" in case(result, "test_double_of_two").message
    assert "numbers_.py, line 3" in case(result, "test_double_of_two").message


def test_a_needed_task_that_answers_wrongly_blocks_nothing(grade_toy):
    result = grade_toy(RIGHT.replace("return 2 * x", "return 3 * x"))
    assert case(result, "test_double_of_two").message == "double(2) is 4; yours returned 6"
    assert case(result, "test_double_of_random").hint == "Look at the factor."
    assert statuses(result)["test_both"] == "failed"


def test_an_endless_loop_costs_its_own_test_alone(grade_toy):
    result = grade_toy(RIGHT.replace("    return x / 2", "    while x == 4:\n        pass\n    return x / 2"))
    assert case(result, "test_halve").kind == "time"
    assert statuses(result)["test_double_of_two"] == "passed"
    assert statuses(result)["test_documented"] == "passed"


def test_a_module_that_does_not_parse_is_the_headline(grade_toy):
    result = grade_toy("def double(x) return x\n")
    assert result.score == 0
    assert "numbers_" in result.headline
    assert "line 1" in result.headline
    assert case(result, "test_modules_can_be_imported").kind == "import"


def test_an_endless_import_is_named_with_its_line(grade_toy):
    result = grade_toy(RIGHT + "\nwhile True:\n    pass\n")
    assert case(result, "test_modules_can_be_imported").kind == "time"
    message = case(result, "test_modules_can_be_imported").message
    assert re.search(r"\(numbers_\.py, line 1[56]\)$", message)  # the loop's head or its body
    assert 'if __name__ == "__main__"' in message
    assert result.headline == f"{message}. 7 tests could not run."


def test_partial_credit_is_a_share_of_the_points(grade_toy):
    result = grade_toy(RIGHT + "SHARE = 0.25\n")
    assert case(result, "test_share").score == 0.5
    assert case(result, "test_share").status == "failed"
    assert result.score == 10.5


def test_partial_credit_that_is_no_number_is_ours_to_explain(grade_toy):
    result = grade_toy(RIGHT + "SHARE = 'all'\n")
    assert case(result, "test_share").status == "could_not_check"
    assert "TypeError" in case(result, "test_share").detail
    assert "not your fault" in case(result, "test_share").message


def test_a_static_check_counts_only_behind_its_task(grade_toy):
    result = grade_toy(RIGHT.replace("return 2 * x", "return 3 * x"))
    assert statuses(result)["test_documented"] == "not_run"


def test_the_same_seed_gives_the_same_verdicts(grade_toy):
    flaky = RIGHT.replace("return 2 * x", "return 2 * x if __import__('numpy').sum(x) > 0 else 3 * x")
    first = [statuses(grade_toy(flaky, seed=seed)) for seed in range(6)]
    again = [statuses(grade_toy(flaky, seed=seed)) for seed in range(6)]
    assert first == again
    assert len({verdict["test_double_of_random"] for verdict in first}) == 2


def test_without_trainings_no_test_needs_one(grade_toy):
    result = grade_toy(RIGHT, trains=False)
    assert "test_trained" not in statuses(result)


def test_updates_are_true_at_every_moment(grade_toy):
    updates: list[SubmissionResult] = []
    result = grade_toy(RIGHT, on_update=updates.append)
    assert updates[0].headline == "The grading was interrupted before the first test."
    assert {update.verdict for update in updates} == {"could_not_grade"}
    scores = [update.score for update in updates]
    assert scores == sorted(scores)
    assert scores[-1] == result.score
    unfinished = [case for case in updates[3].cases if case.status == "could_not_check"]
    assert unfinished
    assert all("not your fault" in case.message for case in unfinished)


def test_output_is_shown_for_visible_tests_alone(grade_toy):
    result = grade_toy(RIGHT.replace("    return 2 * x", "    print('seen', x)\n    return 2 * x"))
    assert "seen 2" in case(result, "test_double_of_two").output
    assert case(result, "test_double_of_random").output == ""


def test_what_cannot_be_read_is_not_graded(toy_grader, tmp_path):
    path = tmp_path / "broken.zip"
    path.write_bytes(b"PK\x03\x04 not a zip")
    result = toy_grader.grade(path)
    assert result.verdict == "could_not_grade"
    assert result.cases == ()
    assert "zip" in result.headline


def test_the_trusted_process_imports_no_tensorflow():
    code = (
        "import sys, grader.cli, grader.session, grader.grading.plugin, grader.audit.matrix\n"
        "sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode == 0
