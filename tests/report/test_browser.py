"""The reports in a real browser: accessibility, phone, keyboard, print."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from grader.report import html
from tests.report import samples

pytestmark = pytest.mark.browser

# In a container there is neither a user namespace for the browser's own sandbox nor a network for its housekeeping.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AUDIENCES = ("student", "staff")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
UNDECIDABLE = re.compile('<span aria-hidden="true">.</span>|<text [^<]*</text>')
OpenReport = Callable[..., Page]


@pytest.fixture(scope="module")
def browser(browser_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path) -> Iterator[OpenReport]:
    """`open_report("buggy", "student", width=360)` opens that sample with everything unfolded unless told otherwise."""
    pages: list[Page] = []

    def open_it(
        name: str, audience: html.Audience, *, width: int = 1200, scheme: Any = "light", folded: bool = False
    ) -> Page:
        path = tmp_path / f"{name}-{audience}.html"
        html.write(samples.ALL[name](), path, audience)
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        pages.append(page)
        page.goto(path.as_uri())
        if not folded:
            page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        return page

    yield open_it
    for page in pages:
        page.close()


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("name", ["right", "blank", "buggy", "could_not_grade", "interrupted"])
def test_axe_finds_nothing(open_report: OpenReport, name: str, audience: html.Audience) -> None:
    page = open_report(name, audience)
    assert complaints(page, {"runOnly": RULES}) == []
    page.emulate_media(color_scheme="dark")
    assert complaints(page, {"runOnly": {"type": "rule", "values": ["color-contrast"]}}) == []


def complaints(page: Page, options: dict[str, Any]) -> list[tuple[str, str]]:
    """What axe finds wrong, or can't decide about contrast: rule and element.

    Left out is what it never decides: single symbols, each of which stands beside a word of the same colour, and the
    text of drawings, which another test checks.
    """
    found = Axe().run(page, options={"resultTypes": ["violations", "incomplete"], **options}).response
    undecided = [rule for rule in found["incomplete"] if rule["id"] == "color-contrast"]
    nodes = [(rule["id"], node["html"]) for rule in found["violations"] + undecided for node in rule["nodes"]]
    return [(rule, source) for rule, source in nodes if not UNDECIDABLE.fullmatch(source)]


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("name", samples.ALL)
def test_nothing_is_wider_than_its_card(open_report: OpenReport, name: str, audience: html.Audience) -> None:
    page = open_report(name, audience)
    for width in (320, 360, 768):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        too_wide = page.evaluate(
            """() => {const right = item => item.getBoundingClientRect().right;
                return [...document.querySelectorAll('.card *')]
                .filter(item => item.parentElement.closest('svg, .scroll') === null)
                .filter(item => right(item) > right(item.closest('.card')))
                .map(item => item.outerHTML.slice(0, 200))}"""
        )
        assert too_wide == []


@pytest.mark.parametrize("name", ["buggy", "could_not_grade"])
def test_tab_goes_through_the_page_in_document_order_and_can_be_seen(open_report: OpenReport, name: str) -> None:
    page = open_report(name, "student", folded=True)
    page.evaluate("[...document.querySelectorAll('*')].forEach((item, index) => item.dataset.order = index)")
    focusable = page.locator("a[href]:visible, summary:visible").count()
    order: list[int] = []
    for _ in range(focusable):
        page.keyboard.press("Tab")
        order.append(page.evaluate("Number(document.activeElement.dataset.order)"))
        assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
        assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    assert order == sorted(set(order))
    assert len(order) == focusable


def test_the_skip_link_is_first_and_leads_to_the_result(open_report: OpenReport) -> None:
    page = open_report("buggy", "student", folded=True)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the result"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "The modules can be imported"


def test_a_folded_part_opens_by_keyboard(open_report: OpenReport) -> None:
    page = open_report("buggy", "student", folded=True)
    title = page.get_by_text("data.py can be imported")
    assert not title.is_visible()
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert title.is_visible()


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_hostile_text_runs_nothing_and_loads_nothing(
    browser: Browser, tmp_path: Path, audience: html.Audience
) -> None:
    path = tmp_path / "hostile.html"
    html.write(samples.hostile(), path, audience)
    page = browser.new_page()
    requests: list[str] = []
    console: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: console.append(message.text))
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    title, scripts = page.title(), page.locator("script, img, iframe").count()
    page.close()
    assert title.startswith("An LSTM that integrates noise")
    assert scripts == 0
    assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]
    assert console == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_stand_out_from_the_card(open_report: OpenReport, scheme: str) -> None:
    """WCAG 2.2: 3 to 1 for graphics (1.4.11), 4.5 to 1 for text (1.4.3)."""
    page = open_report("hostile", "student", scheme=scheme)
    card = page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
    strokes = page.evaluate(
        "[...document.querySelectorAll('.chart .line, .chart .axis')].map(item => getComputedStyle(item).stroke)"
    )
    assert len(set(strokes)) == 8  # eight series; the axis has the colour of one of them
    assert [colour for colour in set(strokes) if contrast(colour, card) < 3] == []
    assert contrast(page.evaluate("getComputedStyle(document.querySelector('.chart text')).fill"), card) > 4.5


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours as the browser writes them, "rgb(1, 2, 3)"."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_print_is_light_unfolded_and_on_a4(open_report: OpenReport) -> None:
    page = open_report("buggy", "student", scheme="dark", folded=True)
    folded = page.get_by_text("data.py can be imported")
    assert not folded.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert folded.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert contrast(page.evaluate("getComputedStyle(document.body).color"), "rgb(255, 255, 255)") > 7
    assert not page.get_by_text("Skip to the result").is_visible()
    assert not page.get_by_text("Loss, one value an epoch").is_visible()
    assert b"/MediaBox [0 0 594.95996 841.91998]" in page.pdf(prefer_css_page_size=True)
