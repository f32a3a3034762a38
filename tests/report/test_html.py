from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from grader.records import Note, SubmissionResult
from grader.report import html
from tests.report import samples
from tests.report.page import Element, parse

AUDIENCES = ("student", "staff")
EVERY_REPORT = pytest.mark.parametrize(
    ("name", "audience"), [(name, audience) for name in samples.ALL for audience in AUDIENCES]
)
# What a report may consist of: nothing here loads, runs or submits anything.
TAGS = {
    *("html", "head", "meta", "link", "title", "style", "body"),
    *("a", "header", "main", "section", "article", "footer", "h1", "h2", "h3"),
    *("p", "span", "bdi", "strong", "code", "pre", "time", "ul", "li", "div", "details", "summary", "dl", "dt", "dd"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
    *("figure", "figcaption", "svg", "desc", "path", "text"),
}
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def report(result: SubmissionResult, audience: html.Audience = "student") -> Element:
    return parse(html.render(result, audience)).find("html")[0]


def section(page: Element, heading: str) -> Element:
    (found,) = [part for part in page.find("section") if any(h2.text.endswith(heading) for h2 in part.find("h2"))]
    return found


@EVERY_REPORT
def test_a_report_is_one_file_that_runs_and_loads_nothing(name: str, audience: html.Audience) -> None:
    page = report(samples.ALL[name](), audience)
    assert {element.tag for element in page.walk()} <= TAGS
    for element in page.walk():
        assert not [key for key in element.attributes if key.startswith("on") or key == "src"]
        assert element.attributes.get("href", "#").startswith(("#", "data:,"))
    (style,) = page.find("style")
    assert not re.search(r"url\(|@import|expression", "".join(map(str, style.content)))


@EVERY_REPORT
def test_headings_go_down_one_level_at_a_time(name: str, audience: html.Audience) -> None:
    levels = [
        int(element.tag[1]) for element in report(samples.ALL[name](), audience).walk() if element.tag in HEADINGS
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@EVERY_REPORT
def test_ids_are_unique_and_every_link_leads_somewhere(name: str, audience: html.Audience) -> None:
    page = report(samples.ALL[name](), audience)
    ids = [element.attributes["id"] for element in page.walk() if "id" in element.attributes]
    assert len(set(ids)) == len(ids)
    targets = {link.attributes["href"] for link in page.find("a")}
    targets |= {
        f"#{target}" for element in page.walk() for target in element.attributes.get("aria-labelledby", "").split()
    }
    assert targets <= {f"#{name}" for name in ids}


@EVERY_REPORT
def test_no_status_is_told_by_colour_alone(name: str, audience: html.Audience) -> None:
    marks = report(samples.ALL[name](), audience).find("span", "mark")
    for mark in marks:
        symbol, word = mark.text.split(" ", 1)
        assert len(symbol) == 1
        assert word in {
            "passed",
            "failed",
            "partly passed",
            "still open",
            "not run",
            "could not check",
            "awaiting review",
        }
    assert marks or name == "could_not_grade"


@pytest.mark.parametrize("audience", AUDIENCES)
def test_hostile_text_stays_text(audience: html.Audience) -> None:
    source = html.render(samples.hostile(), audience)
    page = parse(source)
    assert not page.find("script") + page.find("img")
    assert "<script>document.title='owned'</script><img src=x onerror=alert(1)>" in page.text
    assert "{{ 7 * 7 }} {% raw %}" in page.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff\ud800-\udfff]", source)
    assert len(source) < 2_000_000


def test_the_page_says_its_language_and_forbids_scripts() -> None:
    page = report(samples.right())
    assert page.attributes["lang"] == "en"
    policy = [meta.attributes["content"] for meta in page.find("meta") if "http-equiv" in meta.attributes]
    assert policy[0].startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_score_tiers_and_headline_come_first() -> None:
    words = section(report(samples.buggy()), "Result").text
    assert "68 of 100 points" in words
    assert "pass: 4 tests to go" in words
    assert "Your forget gate is the first thing to mend" in words
    assert "bonus included" not in words
    assert "105 of 100 points, bonus included" in section(report(samples.right()), "Result").text


def test_every_task_is_in_the_overview_with_points_and_status() -> None:
    (table,) = section(report(samples.buggy()), "Overview").find("table")
    rows = [[cell.text for cell in row.content if isinstance(cell, Element)] for row in table.find("tr")]
    assert rows[0] == ["Task", "Points", "Status"]
    assert ["1.3", "The input pipeline", "7 / 9", "! could not check"] in rows
    assert ["2.1", "The LSTM cell", "14 / 20", "◐ partly passed"] in rows
    assert ["4.2", "The whole learns", "0 / 7", "○ not run"] in rows
    assert rows[-1] == ["", "Together", "68 / 100", ""]


def test_a_failed_test_shows_title_message_and_hint_though_it_is_hidden() -> None:
    words = report(samples.buggy()).text
    message, hint = samples.FAULTS["test_lstm::test_forget_bias"]
    assert "The forget gate's bias starts at 1 (0 of 4)" in words
    assert message in words
    assert hint.replace("`", "") in words


@pytest.mark.parametrize("visibility", ["hidden", "after_due_date", "after_published"])
def test_a_student_never_sees_what_a_hidden_test_made_the_code_print(visibility: str) -> None:
    result = samples.buggy()
    cases = tuple(
        replace(case, visibility=visibility) if case.visibility == "hidden" else case for case in result.cases
    )
    result = replace(result, cases=cases)
    assert "hidden input 0.1234" not in html.render(result, "student")
    assert "hidden input 0.1234" in html.render(result, "staff")
    assert "step 0: h.shape = (4, 8)" in html.render(result, "student")


@pytest.mark.parametrize(
    "secret",
    [
        "727414099",
        "4b" * 32,
        "c0" * 32,
        "/srv/course/exports",
        "test_lstm::test_forget_bias",
        "Example CPU",
        "KeyError: &#39;rate&#39;",
        "0.3 s",
    ],
)
def test_what_is_for_staff_is_in_the_staff_report_alone(secret: str) -> None:
    assert secret not in html.render(samples.buggy(), "student")
    assert secret in html.render(samples.buggy(), "staff")


def test_the_staff_copy_says_so() -> None:
    assert "staff copy, not for students" in report(samples.right(), "staff").text
    assert "staff copy" not in report(samples.right()).text


def test_written_answers_are_apart_and_never_zero() -> None:
    page = report(samples.right())
    words = section(page, "Written answers").text
    assert "Q1 Truncated back-propagation through time up to 2 points ✎ awaiting review" in words
    assert not re.search(r"\b0 (of|/)", words)
    assert "6 further points are for your written answers" in section(page, "Result").text
    for part in ("Overview", "Task by task"):
        assert "Q1" not in section(page, part).text


def test_what_could_not_be_checked_is_ours() -> None:
    words = section(report(samples.buggy()), "Result").text
    assert "2 points could not be checked. The fault is ours, not yours: they are open, not lost" in words
    assert "could not be checked" not in section(report(samples.right()), "Result").text


def test_could_not_grade_is_no_mark_and_blames_nobody() -> None:
    page = report(samples.could_not_grade())
    words = page.text
    assert "Not graded yet" in words
    assert "That is no mark: nobody gets zero points for it." in words
    assert "The reason: ada_lovelace.rar is no zip file. Pack your folder with python submit.py." in words
    assert not re.search(r"\d+ of \d+ points", words)
    assert page.find("title")[0].text == "An LSTM that integrates noise: not graded yet"


def test_an_interrupted_grading_shows_what_was_checked() -> None:
    page = report(samples.interrupted())
    assert "The grading was interrupted after 8 of 29 tests." in page.text
    told = [heading.text for heading in page.find("h3")]
    assert told == ["0 The modules can be imported", "1.1 The noise generator"]
    assert "Together" not in page.text


def test_the_root_cause_is_named_once_and_what_waits_is_folded() -> None:
    page = report(samples.blank())
    assert page.text.count("Task 2.1 is still open: The LSTM cell.") == 1
    folded = [part for part in page.find("details") if "not run" in part.find("summary")[0].text]
    assert folded
    assert all("open" not in part.attributes for part in folded)
    assert sum(part.text.count("This test waits for task 2.1.") for part in folded) == page.text.count(
        "This test waits for task 2.1."
    )


def test_what_passed_is_folded() -> None:
    page = report(samples.right())
    assert not section(page, "Task by task").find("li", "finding")
    (data,) = [part for part in page.find("article") if part.find("h3")[0].text == "1.1 The noise generator"]
    assert data.find("summary")[0].text == "✓ 4 tests passed"


def test_notes_are_words_not_only_colours() -> None:
    words = section(report(samples.buggy()), "About your hand-in").text
    assert "i Note: Dropped from the zip: __pycache__/ (4 files), .DS_Store." in words
    assert "! Warning: adapters.py differed from the handout's and was replaced by it." in words


def test_a_flood_of_notes_is_cut_short() -> None:
    notes = tuple(Note(text=f"dropped {index}") for index in range(html.MAX_NOTES + 7))
    words = section(report(replace(samples.right(), notes=notes)), "About your hand-in").text
    assert "7 more are not shown." in words
    assert f"dropped {html.MAX_NOTES}" not in words


def test_an_older_handout_is_named() -> None:
    (foot,) = report(samples.buggy()).find("footer")
    assert "Your handout is version 2026.1; the grading went by version 2026.2." in foot.text
    assert "Graded on 22 November 2026, 08:30 UTC." in foot.text
    assert "Sandbox: jailed." in foot.text


@pytest.mark.parametrize(
    ("started_at", "words"),
    [
        ("2026-03-01T23:05:00+00:00", "1 March 2026, 23:05 UTC"),
        ("2026-03-01T23:05:00Z", "1 March 2026, 23:05 UTC"),
        ("yesterday <i>", "yesterday <i>"),
    ],
)
def test_the_time_is_readable(started_at: str, words: str) -> None:
    (time,) = report(replace(samples.right(), started_at=started_at)).find("time")
    assert time.text == words


def test_curves_are_drawn_and_told_in_numbers() -> None:
    part = section(report(samples.buggy()), "Training curves")
    assert len(part.find("svg")) == 2
    assert "accuracy is not a finite number in epoch 3." in part.text
    tables = part.find("table")
    assert [table.find("caption")[0].text for table in tables] == [
        "Loss, one value an epoch",
        "Accuracy, one value an epoch",
    ]
    assert [cell.text for cell in tables[0].find("tr")[1].walk()[1:]] == ["1", "0.693", "0.684"]


def test_an_unknown_audience_is_refused() -> None:
    with pytest.raises(ValueError, match="audience is 'public'; expected 'student' or 'staff'"):
        html.render(samples.right(), "public")


def test_write_replaces_the_file(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    html.write(samples.hostile(), target, "student")
    assert target.read_bytes().decode("utf-8") == html.render(samples.hostile(), "student")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_write_into_a_folder_that_does_not_exist_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        html.write(samples.right(), tmp_path / "nowhere" / "report.html", "student")
