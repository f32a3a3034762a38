"""Which size fits: by a run where there is one, else by calculation, and why."""

from __future__ import annotations

import pytest

from grader.cli import SIZE_NAMES
from grader.gradescope.container import Ended
from grader.gradescope.fitting import Measured, candidates, fits, judge
from grader.gradescope.results import Results, Test
from grader.gradescope.show import advice
from grader.gradescope.sizes import SIZES, Use

SMALL, ONE, TWO, FOUR = SIZES
GB = 2**30


def run(
    size=TWO,
    *,
    peak_gb: float = 1.0,
    cpu_s: float = 60,
    duration_s: float = 60,
    kills: int = 0,
    score: float = 100,
    code: int | None = 0,
    verdict: str = "graded",
    unchecked: int = 0,
) -> Measured:
    use = Use(peak_bytes=int(peak_gb * GB), cpu_s=cpu_s, kills=kills)
    tests = [Test(name="t", visibility="visible", extra_data={"status": "could_not_check"})] * unchecked
    results = Results(score=score, execution_time=1, output="", tests=tests, extra_data={"verdict": verdict})
    return Measured(size=size, ended=Ended(code=code, duration_s=duration_s, use=use), use=use, results=results, log="")


def reasons(*runs: Measured) -> dict[str, tuple[bool | None, str]]:
    return {one.size.name: (one.fits, one.reason) for one in judge(runs)}


def test_the_four_sizes_are_these():
    assert [(size.name, size.cpus, size.memory_bytes / GB) for size in SIZES] == [
        ("0.5cpu-0.75gb", 0.5, 0.75),
        ("1cpu-1.5gb", 1, 1.5),
        ("2cpu-3gb", 2, 3),
        ("4cpu-6gb", 4, 6),
    ]


def test_the_command_line_knows_them():
    assert tuple(size.name for size in SIZES) == SIZE_NAMES


def test_memory_that_is_too_little_is_named():
    found = reasons(run(peak_gb=1.45))
    assert found[SMALL.name] == (False, "too small: 1.45 GB of memory are needed, and some to spare")
    assert found[ONE.name][0] is False  # 1.5 GB leave nothing to spare
    assert found[TWO.name] == (True, "fits: 1.45 GB of memory, 1 min")
    assert found[FOUR.name][0] is True


def test_time_is_stretched_by_the_share_of_processors():
    found = {one.size: one for one in judge([run(peak_gb=0.5, cpu_s=300, duration_s=200)])}
    assert found[SMALL].reason == "should fit: 0.50 GB of memory, about 10 min"
    assert found[SMALL].limit_min == 20
    assert found[ONE].limit_min == 10
    assert found[TWO].limit_min == 10
    assert not found[SMALL].measured


def test_time_beyond_the_longest_limit_is_too_small():
    found = {one.size: one for one in judge([run(peak_gb=0.5, cpu_s=1500, duration_s=900)])}
    assert found[SMALL].fits is False
    assert "too small: about 50 min" in found[SMALL].reason


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kills": 1}, "memory ran full, and a process was killed"),
        ({"kills": 2}, "memory ran full, and 2 processes were killed"),
        ({"code": None}, "not done after 40 min, the longest time limit"),
        ({"verdict": "could_not_grade"}, "the hand-in could not be graded"),
        ({"unchecked": 2}, "2 tests could not be checked"),
        ({"score": 90}, "the hand-in earns 90 points here and 100 at 2cpu-3gb"),
        ({"duration_s": 2000}, "33 min 20 s here leave no room to the longest time limit, 40 min"),
    ],
)
def test_a_run_that_went_wrong_says_how(wrong, words):
    large, small = run(), run(SMALL, **wrong)
    assert not fits(small, large)
    fit, reason = reasons(large, small)[SMALL.name]
    assert fit is False
    assert words in reason


def test_what_is_smaller_than_a_size_that_ran_full_is_too_small_without_a_run():
    found = reasons(run(ONE, kills=1))
    assert found[SMALL.name] == (False, "too small: 1cpu-1.5gb is already")
    assert found[TWO.name] == (None, "not known: try --size 2cpu-3gb")


def test_candidates_are_the_smaller_ones_that_could_do():
    assert candidates(run(peak_gb=0.5)) == [SMALL, ONE]
    assert candidates(run(peak_gb=1.0)) == [ONE]
    assert candidates(run(peak_gb=2.0)) == []


def test_advice_prefers_what_was_proved():
    assert advice(judge([run(peak_gb=0.5)]), 100) == "Choose 2cpu-3gb and a time limit of 10 minutes."
    assert advice(judge([run(peak_gb=0.5), run(SMALL)]), 100) == "Choose 0.5cpu-0.75gb and a time limit of 10 minutes."
    assert "No size is known to fit" in advice(judge([run(kills=1)]), 100)


def test_the_time_limit_is_no_shorter_than_the_graders_own():
    expected = "a time limit of 20 minutes, because the grader itself lets a hand-in run for 9 min 50 s."
    assert expected in advice(judge([run()]), 590)
