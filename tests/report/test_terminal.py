from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from grader.records import Note, SubmissionResult
from grader.report import terminal
from tests.report import samples


def shown(result: SubmissionResult, **options: object) -> str:
    file = io.StringIO()
    terminal.show(result, Console(file=file, width=80, **options))
    return file.getvalue()


def words(result: SubmissionResult) -> str:
    """What is shown, with line breaks and indentation gone."""
    return " ".join(shown(result).split())


@pytest.mark.parametrize("name", samples.ALL)
def test_every_line_fits_into_eighty_columns(name: str) -> None:
    assert max(map(cell_len, shown(samples.ALL[name]()).splitlines())) <= 80


def test_the_table_has_every_task_with_points_and_status() -> None:
    lines = [" ".join(line.split()) for line in shown(samples.buggy()).splitlines()]
    assert "1.1 The noise generator 7 / 12 ◐ partly passed" in lines
    assert "1.3 The input pipeline 7 / 9 ! could not check" in lines
    assert "4.2 The whole learns 0 / 7 ○ not run" in lines
    assert "0 The modules can be imported - ✓ passed" in lines


def test_score_tiers_and_headline_stand_above_the_table() -> None:
    text = words(samples.buggy())
    above = text[: text.index("Task Title Points Status")]
    assert "68 of 100 points pass: 4 tests to go, outstanding: 3 tests to go, bonus: 1 test to go" in above
    assert "Your forget gate is the first thing to mend (task 2.1)" in above
    assert "! 2 points could not be checked: our fault, and still open." in above
    assert "pass: reached, outstanding: reached, bonus: reached" in words(samples.right())


def test_what_failed_is_listed_with_message_and_hint() -> None:
    text = words(samples.buggy())
    message, hint = samples.FAULTS["test_lstm::test_forget_bias"]
    assert f"✗ failed: The forget gate's bias starts at 1 (0 of 4) {message} Hint: {hint}" in text


def test_one_reason_for_many_tests_is_told_once() -> None:
    assert words(samples.blank()).count("Task 2.1 is still open: The LSTM cell.") == 1


def test_what_the_code_printed_is_never_shown() -> None:
    text = shown(samples.buggy())
    assert "hidden input" not in text
    assert "step 0" not in text


def test_written_answers_wait_and_are_not_in_the_table() -> None:
    text = words(samples.right())
    assert "✎ awaiting review: 6 further points for written answers (Q1, Q2, Q3), marked by a person" in text
    assert "Truncated back-propagation" not in text


def test_could_not_grade_is_no_mark() -> None:
    text = words(samples.could_not_grade())
    assert "! Could not be graded. That is no mark: nobody gets zero points for it." in text
    assert "Reason: `ada_lovelace.rar` is no zip file." in text
    assert "of 100 points" not in text


def test_a_result_without_a_sandbox_says_so() -> None:
    assert "without a sandbox" in words(replace(samples.right(), sandbox_tier="bare"))
    assert "without a sandbox" not in words(samples.right())


def test_notes_are_shown_up_to_a_limit() -> None:
    notes = tuple(Note(text=f"dropped {index}") for index in range(terminal.MAX_NOTES + 3))
    text = words(replace(samples.right(), notes=notes))
    assert "Note: dropped 0" in text
    assert "3 more notes are not shown." in text


@pytest.mark.parametrize("color_system", [None, "truecolor"])
def test_hostile_text_can_neither_steer_the_terminal_nor_be_markup(color_system: str | None) -> None:
    text = shown(samples.hostile(), force_terminal=True, color_system=color_system)
    for sequence in ("\x1b[2J", "\x1b]8", "\x1b]0", "\x9b", "\x07", "\x00", "\u202e", "\u2069", "\u200b", "\ud800"):
        assert sequence not in text
    assert "[/nope]" in text
    assert "[bold" in text


def test_without_colours_nothing_is_lost() -> None:
    assert "\x1b" not in shown(samples.buggy())
    assert "\x1b[" in shown(samples.buggy(), force_terminal=True, color_system="standard")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("name", samples.ALL)
def test_a_terminal_without_unicode_gets_letters(encoding: str, name: str) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    result = replace(samples.ALL[name](), assignment_title="Rekurrente Netze für 中文")
    terminal.show(result, Console(file=file, width=80))
    text = raw.getvalue().decode(encoding)
    assert "\\u4e2d\\u6587" in text
    if name == "buggy":
        assert "x failed: The forget gate's bias starts at 1" in text
    file.close()
