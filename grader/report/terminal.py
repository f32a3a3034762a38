"""A result on the terminal, and the progress of a grading.

Everything that a submission has a say in becomes `rich.text.Text`, which knows no markup, after `clean_text`, which
leaves no escape sequence. Symbols and words carry the meaning; colour only repeats it.
"""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.records import SubmissionResult
from grader.report.outline import Finding, Outline, TaskOutline, TierOutline, outline
from grader.report.progress import Progress
from grader.report.text import MARKS, Mark, clean_line, clean_text, counted, points

__all__ = ["Progress", "show"]

MAX_NOTES = 20
_STYLES = {
    "passed": "green",
    "failed": "red",
    "partly": "yellow",
    "still-open": "yellow",
    "not-run": "dim",
    "could-not-check": "magenta",
    "awaiting-review": "cyan",
}


def show(result: SubmissionResult, console: Console) -> None:
    """Prints a result: score and tier, the root cause, a table of the tasks, and what to look at in each.

    What the student's code printed is never shown here; the HTML report has it.
    """
    for part in _Page(console.encoding).parts(result):
        console.print(part, highlight=False, markup=False, emoji=False, soft_wrap=False)


class _Page:
    """Builds the parts of a page in the characters that the terminal can show."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self.unicode = encoding.lower().startswith("utf")

    def parts(self, result: SubmissionResult) -> list[RenderableType]:
        read = outline(result)
        parts: list[RenderableType] = [Text(""), self.line(result.assignment_title, "bold"), self.hand_in(result)]
        parts += self.could_not_grade(result) if result.verdict == "could_not_grade" else self.score(result, read)
        if read.tasks:
            parts += [Text(""), self.table(read)]
            parts += [self.task(item) for item in read.tasks if item.open]
        if read.points_awaiting_review:
            parts.append(self.review(read))
        for note in result.notes[:MAX_NOTES]:
            word = "Warning" if note.severity == "warning" else "Note"
            parts.append(self.text(f"{word}: {clean_text(note.text)}", "yellow" if word == "Warning" else ""))
        if len(result.notes) > MAX_NOTES:
            parts.append(self.text(f"{len(result.notes) - MAX_NOTES} more notes are not shown."))
        if result.sandbox_tier == "bare":
            parts.append(
                self.text("Warning: graded without a sandbox; a hostile hand-in could have forged this.", "yellow")
            )
        return parts

    def text(self, words: str, style: str = "") -> Text:
        """Words of which every character can be printed; they are clean already."""
        if not self.unicode:
            words = words.encode(self.encoding, "backslashreplace").decode(self.encoding)
        return Text(words, style=style)

    def line(self, words: str, style: str = "") -> Text:
        return self.text(clean_line(words), style)

    def badge(self, mark: Mark) -> Text:
        return self.text(f"{mark.symbol if self.unicode else mark.letter} {mark.word}", _STYLES[mark.key])

    def hand_in(self, result: SubmissionResult) -> Text:
        names = ", ".join(result.submission.submitters)
        return self.line(f"{names}  {result.submission.path}".strip(), "dim")

    def could_not_grade(self, result: SubmissionResult) -> list[RenderableType]:
        return [
            Text(""),
            self.text("! Could not be graded. That is no mark: nobody gets zero points for it.", "bold magenta"),
            self.text(f"Reason: {clean_text(result.headline)}"),
        ]

    def score(self, result: SubmissionResult, read: Outline) -> list[RenderableType]:
        parts: list[RenderableType] = [
            Text(""),
            self.text(f"{points(result.score)} of {points(result.max_score)} points", "bold"),
        ]
        if read.tiers:
            parts.append(self.text(", ".join(map(_tier, read.tiers))))
        if result.headline:
            parts.append(self.text(clean_text(result.headline)))
        if read.points_not_checked:
            words = f"{points(read.points_not_checked)} points could not be checked: our fault, and still open."
            parts.append(self.text(f"! {words}", _STYLES["could-not-check"]))
        return parts

    def table(self, read: Outline) -> Table:
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("Task", no_wrap=True)
        table.add_column("Title", overflow="fold")
        table.add_column("Points", justify="right", no_wrap=True)
        table.add_column("Status", no_wrap=True)
        for item in read.tasks:
            task = item.task
            score = f"{points(task.score)} / {points(task.max_score)}" if task.max_score else "-"
            table.add_row(self.line(task.id), self.line(task.title), self.text(score), self.badge(item.mark))
        return table

    def task(self, item: TaskOutline) -> RenderableType:
        heading = self.text(f"{clean_line(item.task.id)} {clean_line(item.task.title)}", "bold")
        findings = [Padding(self.finding(finding), (0, 0, 0, 2), expand=False) for finding in item.open]
        return Group(heading, *findings, Text(""))

    def finding(self, finding: Finding) -> RenderableType:
        lines: list[RenderableType] = []
        if finding.mark.key == "still-open":
            count = counted(len(finding.cases), "test")
            lines.append(self.badge(finding.mark).append_text(self.text(f": {count} {_wait(len(finding.cases))}")))
        for case in finding.cases if not lines else ():
            head = self.badge(finding.mark).append_text(self.text(f": {clean_line(case.title)}"))
            if case.max_score:
                head.append_text(self.text(f" ({points(case.score)} of {points(case.max_score)})", "dim"))
            lines.append(head)
        if finding.message:
            lines.append(Padding(self.text(clean_text(finding.message)), (0, 0, 0, 2), expand=False))
        if finding.hint:
            lines.append(Padding(self.text(f"Hint: {clean_text(finding.hint)}"), (0, 0, 0, 2), expand=False))
        return Group(*lines)

    def review(self, read: Outline) -> Text:
        badge = self.badge(MARKS["awaiting_review"])
        ids = ", ".join(clean_line(question.id) for question in read.questions)
        which = f" ({ids})" if ids else ""
        words = f": {points(read.points_awaiting_review)} further points for written answers{which}, marked by a person"
        return badge.append_text(self.text(words))


def _wait(count: int) -> str:
    return "waits for it" if count == 1 else "wait for it"


def _tier(tier: TierOutline) -> str:
    if tier.reached or not tier.open_tests:
        return f"{clean_line(tier.name)}: {'reached' if tier.reached else 'not reached'}"
    return f"{clean_line(tier.name)}: {counted(tier.open_tests, 'test')} to go"
