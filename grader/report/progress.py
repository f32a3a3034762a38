"""What runs right now: the test, how long it has taken, how long it may, and the training in the background."""

from __future__ import annotations

import threading
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.progress_bar import ProgressBar
from rich.table import Column
from rich.text import Text

from grader.records import Case
from grader.report.text import clean_line

_TITLE_CHARS = 60


class _Time(ProgressColumn):
    """Elapsed time of a test or training and its limit; for all tests together, how many are done."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        if "limit_s" not in task.fields:
            return Text(f"{task.completed:.0f} of {task.total or 0:.0f} tests")
        return Text(f"{task.elapsed or 0:.0f} s of {task.fields['limit_s']:.0f} s")


class _Bar(BarColumn):
    """The share of the limit that is used up; for all tests together, the share that is done."""

    def render(self, task: Task) -> ProgressBar:
        if "limit_s" not in task.fields:
            return super().render(task)
        return ProgressBar(total=task.fields["limit_s"], completed=task.elapsed or 0, width=self.bar_width)


class Progress:
    """Follows one grading (`grader.grading.run.Watcher`); its methods may be called from any thread.

    On a terminal it draws lines that move, and leaves none behind. Elsewhere (a log) it prints a line at the start, at
    each quarter of the tests, and where a training starts or ends.

    Args:
        console: Where to draw; standard error by default, so that standard output holds the result alone.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._lock = threading.RLock()
        self._total = 0
        self._done = 0
        self._rows: dict[tuple[str, ...], TaskID] = {}
        self._all: TaskID | None = None
        self._bars = Bars(
            SpinnerColumn("line"),  # ASCII: any terminal can show it
            TextColumn(
                "{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
            ),
            _Bar(bar_width=16),
            _Time(table_column=Column(no_wrap=True, justify="right", min_width=16)),
            console=self.console,
            transient=True,
            expand=True,
            # A live display on something that is no terminal would print its last state at the end.
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def collected(self, cases: int) -> None:
        """That many tests are going to run."""
        with self._lock:
            self._total = cases
            self._all = self._bars.add_task("Grading", total=cases)
            self._log(f"grading: {cases} tests")

    def started(self, title: str, task: str, limit_s: float) -> None:
        """A test runs; it may take `limit_s` seconds."""
        self._add(("test", task, title), f"{task} {title}", limit_s)

    def finished(self, case: Case) -> None:
        """A test has ended, or could not run at all."""
        with self._lock:
            self._remove(("test", case.task, case.title))
            self._done += 1
            if self._all is not None:
                self._bars.update(self._all, completed=self._done)
            quarter = 4 * self._done // self._total if self._total else 0
            if self._total and quarter > 4 * (self._done - 1) // self._total:
                self._log(f"grading: {self._done} of {self._total} tests done")

    def training_started(self, name: str, limit_s: float) -> None:
        """A training runs in the background; it may take `limit_s` seconds."""
        self._add(("training", name), f"training {name}", limit_s)
        self._log(f"training {name}: started, limit {limit_s:.0f} s")

    def training_finished(self, name: str) -> None:
        """A training has ended, well or not."""
        with self._lock:
            self._remove(("training", name))
            self._log(f"training {name}: ended")

    def _add(self, key: tuple[str, ...], description: str, limit_s: float) -> None:
        with self._lock:
            self._remove(key)
            words = clean_line(description, _TITLE_CHARS)
            self._rows[key] = self._bars.add_task(words, total=None, limit_s=limit_s)

    def _remove(self, key: tuple[str, ...]) -> None:
        row = self._rows.pop(key, None)
        if row is not None:
            self._bars.remove_task(row)

    def _log(self, words: str) -> None:
        if not self.console.is_terminal:
            self.console.print(Text(clean_line(words)), highlight=False)
