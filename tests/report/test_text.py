from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.records import Case
from grader.report import text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Htop", "top"),
        ("\x9b31mred", "red"),
        ("\x1b]8;;http://example.invalid\x07link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x9cafter", "after"),
        ("\x1bP1$r\x1b\\after", "after"),
        ("\x1b]52;c;never ended\nnext line", "\nnext line"),
        ("\x1b(0lqk", "lqk"),
        ("\x1b\x1b[31m[31m", "[31m"),
        ("at the end\x1b", "at the end"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("bell \x07, nul \x00, delete \x7f", "bell \\x07, nul \\x00, delete \\x7f"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\U000e0041 tag", "\\U000e0041 tag"),
        ("lone \ud800", "lone \\ud800"),
        ("tab\tstays", "tab\tstays"),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 4),
        ("नमस्ते, שלום, 👩\u200d🔬", "नमस्ते, שלום, 👩\u200d🔬"),
    ],
)
def test_what_steers_or_hides_is_removed_or_spelled_out(raw: str, clean: str) -> None:
    assert text.clean_text(raw) == clean


@settings(deadline=None)
@given(st.text(st.characters(codec=None)))
def test_no_control_or_invisible_character_is_left(raw: str) -> None:
    clean = text.clean_text(raw)
    clean.encode("utf-8")
    assert {unicodedata.category(character) for character in clean if character not in "\n\t\u200c\u200d"}.isdisjoint(
        {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    assert text.clean_text(clean) == clean


def test_what_is_too_long_is_cut_and_says_by_how_much() -> None:
    assert text.clean_text("x" * 5_000_000, limit=10) == "x" * 10 + " … (4,999,990 more characters)"


def test_a_line_stays_one_line() -> None:
    assert text.clean_line(" a\n\n b\tc ") == "a b c"


@pytest.mark.parametrize(("value", "words"), [(12.0, "12"), (100.0, "100"), (7.5, "7.5"), (2 / 3, "0.67"), (0.0, "0")])
def test_points_lose_needless_decimals(value: float, words: str) -> None:
    assert text.points(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0 s"), (0.31, "0.3 s"), (9.96, "10 s"), (20.0, "20 s"), (83.2, "1 min 23 s"), (420.0, "7 min")],
)
def test_seconds_become_minutes(value: float, words: str) -> None:
    assert text.seconds(value) == words


@pytest.mark.parametrize(
    ("size_bytes", "words"), [(100, "100 B"), (1 << 20, "1 MiB"), (3 << 30, "3 GiB"), (1536, "1.5 KiB")]
)
def test_sizes_have_binary_units(size_bytes: int, words: str) -> None:
    assert text.size(size_bytes) == words


def test_every_mark_differs_in_symbol_letter_and_word() -> None:
    marks = [*text.MARKS.values(), text.PARTLY, text.STILL_OPEN]
    for attribute in ("key", "symbol", "letter", "word"):
        assert len({getattr(mark, attribute) for mark in marks}) == len(marks)


def test_marks_tell_partial_credit_and_open_tasks_from_failure() -> None:
    case = Case(id="a", task="1", title="", tier="pass", status="failed", score=0, max_score=2)
    assert text.mark_of(case).word == "failed"
    assert text.mark_of(replace(case, score=1)).word == "partly passed"
    assert text.mark_of(replace(case, status="passed", score=1)).word == "partly passed"
    assert text.mark_of(replace(case, kind="open")).word == "still open"
    assert text.mark_of(replace(case, status="not_run", kind="open")).word == "not run"
