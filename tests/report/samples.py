"""Results as the grader would make them, without grading: right, blank, buggy, hostile, not gradable."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from grader import catalog
from grader.records import (
    Case,
    Curve,
    Environment,
    Limits,
    Note,
    SubmissionInfo,
    SubmissionResult,
    TaskScore,
    TierResult,
)

ASSIGNMENT = catalog.load("integration")


@dataclass(frozen=True)
class Check:
    """One test of the made-up suite."""

    task: str
    name: str
    title: str
    max_score: float
    tier: str = "pass"
    visible: bool = False


CHECKS = (
    Check("0", "test_public::test_imports[data]", "data.py can be imported", 0, visible=True),
    Check("0", "test_public::test_imports[lstm]", "lstm.py can be imported", 0, visible=True),
    Check("0", "test_public::test_imports[model]", "model.py can be imported", 0, visible=True),
    Check("0", "test_public::test_imports[train]", "train.py can be imported", 0, visible=True),
    Check("1.1", "test_public::test_noise_shapes", "Noise and label have the right shapes and types", 3, visible=True),
    Check("1.1", "test_data::test_label_is_sign", "The label says whether the sum is positive", 5),
    Check("1.1", "test_data::test_noise_is_white", "The noise is white and new at every call", 2),
    Check("1.1", "test_data::test_generator_is_lazy", "A million samples cost no memory", 2, "outstanding"),
    Check("1.2", "test_data::test_fresh_generator", "Every call gives a fresh generator of 80,000 samples", 4),
    Check("1.3", "test_data::test_batches", "Batches have the shapes (B, seq_len, 1) and (B, 1)", 5),
    Check("1.3", "test_data::test_shuffles", "The samples are shuffled", 2),
    Check("1.3", "test_data::test_pipeline_is_fast", "The pipeline keeps up with the generator", 2, "outstanding"),
    Check("2.1", "test_public::test_cell_shapes", "The cell returns (h, c) of shape (B, units)", 4, visible=True),
    Check("2.1", "test_lstm::test_forget_bias", "The forget gate's bias starts at 1", 4),
    Check("2.1", "test_lstm::test_affine_in_c", "The new cell state is affine in the old one", 6),
    Check("2.1", "test_lstm::test_output_gate", "The hidden state is the output gate times tanh(c)", 6),
    Check("2.2", "test_lstm::test_zero_states", "Two float32 zeros of shape (B, units)", 4),
    Check("2.3", "test_lstm::test_equals_cell", "The layer equals the cell, applied step by step", 8),
    Check("2.3", "test_lstm::test_any_length", "Any batch size and any length work", 4),
    Check("2.3", "test_lstm::test_graph_has_loop", "The traced layer holds a loop", 6, "outstanding"),
    Check("2.3", "test_lstm::test_one_trace", "One trace serves every length", 6, "outstanding"),
    Check("3.1", "test_model::test_probability", "The model returns one probability a sequence", 4),
    Check("3.1", "test_model::test_gradients", "Gradients reach every variable", 4, "outstanding"),
    Check("4.1", "test_train::test_history", "train() returns one entry an epoch", 3),
    Check("4.1", "test_train::test_callback", "The callback stops the training", 4),
    Check("4.2", "test_train::test_accuracy", "At least 80 % of fresh sequences are told right", 7),
    Check("5.1", "test_style::test_typed", "Public functions are typed", 3),
    Check("5.1", "test_style::test_documented", "Public functions have docstrings", 2),
    Check("6.1", "test_bonus::test_list_of_cells", "A list of cells makes several layers", 5, "bonus"),
)

ENVIRONMENT = Environment(
    python="3.11.7",
    platform="Linux-6.1-x86_64",
    cpu="Example CPU at 2.40 GHz",
    cores=2,
    packages={"tensorflow": "2.21.0", "keras": "3.15.0", "numpy": "2.4.1"},
)
QUESTION_CASES = tuple(
    Case(
        id=question.id,
        task=question.id,
        title=question.title,
        tier="pass",
        status="awaiting_review",
        score=0.0,
        max_score=question.points,
        visibility="visible",
    )
    for question in ASSIGNMENT.questions
)
CURVES = (
    Curve(
        title="Loss",
        series={
            "loss": [0.693, 0.612, 0.431, 0.288, 0.201, 0.152, 0.118, 0.097],
            "val_loss": [0.684, 0.561, 0.377, 0.262, 0.191, 0.149, 0.121, 0.104],
        },
    ),
    Curve(
        title="Accuracy",
        series={
            "accuracy": [0.512, 0.664, 0.801, 0.882, 0.921, 0.941, 0.955, 0.963],
            "val_accuracy": [0.534, 0.702, 0.834, 0.894, 0.926, 0.943, 0.952, 0.959],
        },
    ),
)


def passed(check: Check) -> Case:
    """The case of a check that passed."""
    return Case(
        id=check.name,
        task=check.task,
        title=check.title,
        tier=check.tier,
        status="passed",
        kind="passed",
        score=float(check.max_score),
        max_score=float(check.max_score),
        visibility="visible" if check.visible else "hidden",
        duration_s=0.3,
    )


def failed(check: Check, message: str, hint: str = "", *, score: float = 0.0, output: str = "") -> Case:
    return replace(passed(check), status="failed", kind="wrong", score=score, message=message, hint=hint, output=output)


def not_run(check: Check, task: str) -> Case:
    message = f"This test waits for task {task}."
    return replace(passed(check), status="not_run", kind="waits", cause=task, score=0.0, message=message)


def graded(cases: tuple[Case, ...], headline: str, **changes: object) -> SubmissionResult:
    """A graded result of these cases; the sums, tasks and tiers follow from them."""
    tasks = tuple(_task(task, [case for case in cases if case.task == task.id]) for task in ASSIGNMENT.tasks.values())
    order = (*ASSIGNMENT.tiers, *ASSIGNMENT.bonus_tiers)
    full = {tier: all(case.status == "passed" for case in cases if case.tier == tier) for tier in order}
    tiers = (
        TierResult(name="pass", reached=full["pass"]),
        TierResult(name="outstanding", reached=full["pass"] and full["outstanding"]),
        TierResult(name="bonus", reached=full["bonus"]),
    )
    result = SubmissionResult(
        assignment=ASSIGNMENT.name,
        assignment_title=ASSIGNMENT.title,
        submission=SubmissionInfo(
            path="/srv/course/exports/ada_lovelace.zip", sha256="4b" * 32, submitters=("Ada Lovelace",)
        ),
        verdict="graded",
        headline=headline,
        score=sum(case.score for case in cases),
        max_score=ASSIGNMENT.max_score,
        points_awaiting_review=ASSIGNMENT.points_awaiting_review,
        tier=next((tier.name for tier in reversed(tiers[:2]) if tier.reached), None),
        tiers=tiers,
        tasks=tasks,
        cases=cases + QUESTION_CASES,
        handout_version="2026.1",
        kit_version="2026.1",
        suite_sha256="c0" * 32,
        seed=727_414_099,
        sandbox_tier="jailed",
        limits=Limits(total_s=420.0),
        environment=ENVIRONMENT,
        started_at="2026-11-22T08:30:00Z",
        duration_s=83.2,
    )
    return replace(result, **changes)


def _task(task: catalog.Task, cases: list[Case]) -> TaskScore:
    statuses = {case.status for case in cases}
    order = ("could_not_check", "failed", "not_run", "passed")
    return TaskScore(
        id=task.id,
        title=task.title,
        tier=task.tier,
        score=sum(case.score for case in cases),
        max_score=task.points,
        status=next(status for status in order if status in statuses),
    )


def right() -> SubmissionResult:
    return graded(tuple(map(passed, CHECKS)), "Everything passed, the bonus included.", curves=CURVES)


def blank() -> SubmissionResult:
    """The stencil as it was handed out."""
    cases: list[Case] = []
    for check in CHECKS:
        if check.task == "0":
            cases.append(passed(check))
        elif check.task in ("3.1", "4.2", "6.1"):
            cases.append(not_run(check, "2.1"))
        elif check.task in ("1.2", "5.1"):
            cases.append(not_run(check, "1.1"))
        else:
            title = ASSIGNMENT.tasks[check.task].title
            cases.append(replace(failed(check, f"Task {check.task} is still open: {title}."), kind="open"))
    headline = "Start with task 1.1 (The noise generator): it is still open. So are 1.3, 2.1, 2.2, 2.3, 4.1."
    return graded(tuple(cases), headline)


FAULTS = {
    "test_lstm::test_forget_bias": (
        "With x = 0 and h = 0 the new cell state has the slope 0.5 in the old one; expected 0.731 = sigmoid(1).",
        'The bias of the forget gate has to start at 1: `bias_initializer="ones"` in that gate alone.',
    ),
    "test_data::test_label_is_sign": (
        "312 of 1,000 labels are wrong. Your label is 1 where the last sample is positive; expected 1 where the sum "
        "over all time steps is positive.",
        "Look at the axis of the sum in `integration_task`.",
    ),
    "test_lstm::test_graph_has_loop": (
        "The traced layer has 1,254 operations at length 25 and 2,479 at length 50; expected a While loop, whose size "
        "does not grow.",
        "A Python `for` is unrolled when the function is traced: `tf.while_loop` or `tf.scan` isn't.",
    ),
}
OURS = "This test could not be checked. That is not your fault: your instructor is told why."
INTERRUPTED = "The grading was interrupted before this test. That is not your fault."
OUTPUT = "step 0: h.shape = (4, 8), c.shape = (4, 8, 1)\nstep 1: h.shape = (4, 8), c.shape = (4, 8, 1)\n"


def buggy() -> SubmissionResult:
    """Some tasks right, some wrong, one check that the kit could not do."""
    cases: list[Case] = []
    for check in CHECKS:
        if check.name in FAULTS:
            cases.append(failed(check, *FAULTS[check.name]))
        elif check.name == "test_public::test_cell_shapes":
            cases.append(
                failed(
                    check,
                    "`LSTMCell.call` returned c of shape (4, 8, 1); expected (4, 8): batch x units.",
                    "Look at the concatenation axis (lstm.py, line 42).",
                    score=2.0,
                    output=OUTPUT,
                )
            )
        elif check.name == "test_lstm::test_one_trace":
            cases.append(failed(check, *FAULTS["test_lstm::test_graph_has_loop"], output="hidden input 0.1234"))
        elif check.name == "test_data::test_pipeline_is_fast":
            cases.append(
                replace(
                    passed(check),
                    status="could_not_check",
                    kind="ours",
                    score=0.0,
                    message=OURS,
                    detail="Traceback (most recent call last):\n  ...\nKeyError: 'rate'",
                )
            )
        elif check.task in ("4.2", "6.1"):
            cases.append(not_run(check, "2.3"))
        else:
            cases.append(passed(check))
    notes = (
        Note(text="Dropped from the zip: `__pycache__/` (4 files), `.DS_Store`."),
        Note(text="`adapters.py` differed from the handout's and was replaced by it.", severity="warning"),
    )
    curves = (
        *CURVES[:1],
        Curve(title="Accuracy", series={"accuracy": [0.5, 0.52, math.nan], "val_accuracy": [0.5, 0.51, math.inf]}),
    )
    return graded(
        tuple(cases),
        "Your forget gate is the first thing to mend (task 2.1): most of what fails below follows from it.",
        notes=notes,
        curves=curves,
        kit_version="2026.2",
    )


HOSTILE = (
    "</p><script>document.title='owned'</script><img src=x onerror=alert(1)>"
    "\x1b[31mred\x1b[0m \x1b]8;;http://example.invalid\x07link\x1b]8;;\x07 \x1b[2J\x07\x00\x9b31m"
    "\u202egnp.exe\u2069 \u200bzero\ufeff [bold red]markup[/] [/nope] {{ 7 * 7 }} {% raw %} `a`b`c <b>` \ud800 "
    "e" + "\u0301" * 40
)
HUGE = "a-word-without-an-end" * 20_000


def hostile() -> SubmissionResult:
    """Every text that a submission has a say in, as bad as it gets."""
    cases = tuple(
        replace(
            failed(check, HOSTILE + HUGE if index == 3 else HOSTILE, HOSTILE, output=HOSTILE * 100),
            title=HOSTILE if index % 2 else check.title,
        )
        for index, check in enumerate(CHECKS)
    )
    return graded(
        cases,
        HOSTILE,
        submission=SubmissionInfo(path=f"C:\\uploads\\{HOSTILE}", sha256="00" * 32, submitters=(HOSTILE, HUGE)),
        notes=tuple(Note(text=HOSTILE + HUGE[:5_000], severity="warning") for _ in range(80)),
        curves=(
            Curve(title=HOSTILE, series={HOSTILE: [1.0, 2.0], HUGE: [1e308, -1e308], "": [], "nan": [math.nan] * 3}),
            Curve(title="Empty", series={}),
            Curve(title="Many", series={f"series {index}": [float(index)] for index in range(20)}),
            Curve(title="Long", series={"loss": [1 / (1 + epoch) for epoch in range(5_000)]}),
        ),
        handout_version=HOSTILE,
    )


def could_not_grade() -> SubmissionResult:
    return SubmissionResult(
        assignment=ASSIGNMENT.name,
        assignment_title=ASSIGNMENT.title,
        submission=SubmissionInfo(path="ada_lovelace.rar", sha256="4b" * 32, submitters=("Ada Lovelace",)),
        verdict="could_not_grade",
        headline="`ada_lovelace.rar` is no zip file. Pack your folder with `python submit.py`.",
        max_score=ASSIGNMENT.max_score,
        kit_version="2026.1",
        started_at="2026-11-22T08:30:00Z",
    )


def interrupted() -> SubmissionResult:
    """The grading broke off after some tests."""
    ended = tuple(map(passed, CHECKS[:8]))
    missing = tuple(
        replace(passed(check), status="could_not_check", kind="ours", score=0.0, message=INTERRUPTED)
        for check in CHECKS[8:]
    )
    return graded(
        ended + missing,
        "The grading was interrupted after 8 of 29 tests.",
        verdict="could_not_grade",
        tier=None,
        tiers=(),
    )


ALL = {
    "right": right,
    "blank": blank,
    "buggy": buggy,
    "hostile": hostile,
    "could_not_grade": could_not_grade,
    "interrupted": interrupted,
}
