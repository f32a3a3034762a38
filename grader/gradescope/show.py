"""A preview on the terminal: what the student sees, what the instructor sees, and which sizes fit."""

from __future__ import annotations

from collections.abc import Iterable
from html.parser import HTMLParser

from msgspec import UnsetType
from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from grader.gradescope.fitting import LONGEST_LIMIT_S, Judgement, judge, limit_min
from grader.gradescope.packages import CONTAINER_PYTHON
from grader.gradescope.preview import Preview
from grader.gradescope.results import Results, Test, Visibility
from grader.report.text import clean_line, clean_text, counted, points, seconds

_LATER: dict[Visibility, str] = {
    "after_due_date": "after the due date",
    "after_published": "once grades are published",
    "hidden": "never: for the staff alone",
}
_MAX_TESTS = 100
_LOG_CHARS = 2_000
_START_S = 20.0  # imports and the self-test, before the first test


def show(preview: Preview, console: Console) -> None:
    """Prints a preview."""
    for part in parts(preview):
        console.print(part, highlight=False, markup=False, emoji=False)


def parts(preview: Preview) -> list[RenderableType]:
    """What `show` prints, in order."""
    results = preview.shown.results
    now = [test for test in results.tests if test.visibility == "visible"]
    later = [test for test in results.tests if test.visibility in ("after_due_date", "after_published")]
    staff = [test for test in results.tests if test.visibility == "hidden"]
    shown: list[RenderableType] = [Text(""), *_head(preview)]
    shown += [Text(""), Rule("What the student sees at once", align="left"), _total(results, [*later, *staff])]
    shown += [_html(results.output), *_tests(now)]
    if later:
        when = _LATER[later[0].visibility]
        shown += [Text(""), Rule(f"What the student sees {when}", align="left")]
        shown += [_total(results, staff), *_tests(later)]
    shown += [Text(""), Rule("What the instructor sees besides", align="left")]
    shown += [*(_tests(staff, unfolded=True) if staff else []), *_leaderboard(results), *_log(preview.shown.log)]
    shown += [Text(""), Rule("Which size of container", align="left"), *_sizes(preview)]
    return shown


def _head(preview: Preview) -> list[RenderableType]:
    manifest, set_up = preview.manifest, preview.set_up
    title = f"{manifest['title']} {manifest['version']}: a bundle of {preview.bundle_bytes / 1e6:.1f} MB"
    python = preview.interpreter.version
    stands_in = "as in" if python.startswith(f"{CONTAINER_PYTHON}.") else f"in place of the {CONTAINER_PYTHON} of"
    packages = f"{set_up.packages_bytes / 2**20:,.0f} MiB of packages"
    kept = " (kept from an earlier preview)" if set_up.now_s < set_up.install_s else ""
    lines = [
        f"Python {python}, {stands_in} Gradescope's container. This machine's programs stand in for Ubuntu's.",
        f"Set-up without apt: {seconds(set_up.install_s)} for {packages}{kept}. {set_up.says}",
    ]
    lines += [f"Left out while the hand-in was unpacked: {note}" for note in preview.left_out]
    run = preview.shown
    sandbox = run.results.extra_data.get("sandbox_tier") or "unknown"
    lines.append(f"Graded at {run.size.name} in {seconds(run.ended.duration_s)}, sandbox tier {sandbox}.")
    return [Text(clean_line(title), style="bold"), *(Text(clean_text(line)) for line in lines)]


def _total(results: Results, unseen: list[Test]) -> Text:
    if unseen:
        return Text("Score: not shown as long as some tests are not", style="bold")
    return Text(f"Score: {points(results.score)}", style="bold")


def _tests(tests: Iterable[Test], unfolded: bool = False) -> list[RenderableType]:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("Test", no_wrap=True)
    table.add_column("Name", overflow="fold")
    table.add_column("Points", justify="right", no_wrap=True)
    tests = list(tests)
    lines = 0
    for test in tests[:_MAX_TESTS]:
        mark, style = _mark(test)
        name = Text(clean_line(test.name))
        told = _html(test.output) if isinstance(test.output, str) else Text("")
        if told.plain and test.status != "passed":
            name.append("\n").append_text(told if unfolded else Text(told.plain, style="dim"))
        table.add_row(Text(f"{mark} {_or_none(test.number)}".rstrip(), style=style), name, _points(test))
        lines += 1
    more = [Text(f"... and {counted(len(tests) - lines, 'test')} more")] if len(tests) > lines else []
    return [Padding(table, (0, 0, 0, 1)), *more] if lines else [Text("No tests.")]


def _mark(test: Test) -> tuple[str, str]:
    if isinstance(test.status, UnsetType):
        return "·", ""
    return ("✓", "green") if test.status == "passed" else ("✗", "red")


def _points(test: Test) -> str:
    if isinstance(test.score, UnsetType) or isinstance(test.max_score, UnsetType):
        return ""
    return f"{points(test.score)} / {points(test.max_score)}" if test.max_score or test.score else "-"


def _or_none(number: str | UnsetType) -> str:
    return "" if isinstance(number, UnsetType) else clean_line(number)


def _leaderboard(results: Results) -> list[RenderableType]:
    if isinstance(results.leaderboard, UnsetType):
        return []
    entries = ", ".join(f"{clean_line(entry.name)} {entry.value} ({entry.order})" for entry in results.leaderboard)
    return [Text(f"Leaderboard, which students see too: {entries}")]


def _log(log: str) -> list[RenderableType]:
    text = clean_text(log.strip(), _LOG_CHARS)
    return [Text("Standard output:"), Padding(Text(text, style="dim"), (0, 0, 0, 2))] if text else []


def _sizes(preview: Preview) -> list[RenderableType]:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("Size", "", "Known by", "What was found", "Time limit"):
        table.add_column(heading, no_wrap=heading != "What was found")
    judgements = judge(preview.measured)
    for one in judgements:
        mark, style = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}[one.fits]
        limit = f"{one.limit_min} min" if one.limit_min else ""
        known = "a run" if one.measured else "calculation"
        table.add_row(one.size.name, Text(mark, style=style), known, Text(one.reason), limit)
    lines = [Text(advice(judgements, preview.manifest["longest_s"]), style="bold")]
    if any(test.status == "failed" for test in preview.shown.results.tests):
        lines.append(Text("This hand-in does not pass every test, so others may need more: preview the solution, too."))
    return [table, *lines]


def advice(judgements: list[Judgement], longest_s: float) -> str:
    """The size to choose: the smallest that is known by a run to fit, else by calculation.

    Args:
        judgements: Of all sizes.
        longest_s: After that the grader stops a hand-in that never ends; Gradescope should not do so before.
    """
    fitting = sorted((one for one in judgements if one.fits), key=lambda one: (not one.measured, one.size.cpus))
    if not fitting:
        return "No size is known to fit. Look at what could not be graded, or try a larger one with --size."
    one = fitting[0]
    how = "" if one.measured else f" (by calculation: `--size {one.size.name}` would prove it)"
    minutes = max(one.limit_min or 0, limit_min(longest_s + _START_S, slower=1) or LONGEST_LIMIT_S // 60)
    why = f", because the grader itself lets a hand-in run for {seconds(longest_s)}" if minutes != one.limit_min else ""
    return f"Choose {one.size.name}{how} and a time limit of {minutes:.0f} minutes{why}."


class _Words(HTMLParser):
    """The words of our own HTML: paragraphs, lists and preformatted text."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.words.append({"br": "\n", "li": "- ", "pre": ""}.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "li", "pre", "ul"):
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _html(text: str) -> Text:
    reader = _Words()
    reader.feed(text)
    reader.close()
    lines = (line.rstrip() for line in clean_text("".join(reader.words), 20_000).strip().splitlines())
    return Text("\n".join(line for line in lines if line))
