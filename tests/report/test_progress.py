from __future__ import annotations

import io
import re
import threading

from rich.console import Console

from grader.records import Case
from grader.report.progress import Progress


def case(title: str, task: str = "2.1") -> Case:
    return Case(id=title, task=task, title=title, tier="pass", status="passed", score=1, max_score=1)


def on_terminal(**options: object) -> tuple[Progress, io.StringIO]:
    file = io.StringIO()
    return Progress(Console(file=file, width=80, force_terminal=True, **options)), file


def plain(file: io.StringIO) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())


def test_a_terminal_shows_the_running_test_with_its_limit() -> None:
    progress, file = on_terminal()
    with progress:
        progress.collected(3)
        progress.training_started("main", 150.0)
        progress.started("The forget gate's bias starts at 1", "2.1", 20.0)
    text = plain(file)
    assert re.search(r"2\.1 The forget gate's bias starts at 1 .*0 s of 20 s", text)
    assert re.search(r"training main .*0 s of 150 s", text)
    assert re.search(r"Grading .*0 of 3 tests", text)


def test_what_has_ended_is_no_longer_shown() -> None:
    progress, file = on_terminal()
    with progress:
        progress.collected(2)
        progress.training_started("main", 150.0)
        progress.started("first", "2.1", 20.0)
        progress.training_finished("main")
        progress.finished(case("first"))
        file.seek(0)
        file.truncate()
        progress.started("second", "2.1", 20.0)
    text = plain(file)
    assert "second" in text
    assert "1 of 2 tests" in text
    assert "first" not in text
    assert "training main" not in text


def test_the_display_and_its_thread_end_with_the_grading() -> None:
    before = set(threading.enumerate())
    progress, file = on_terminal()
    with progress:
        progress.collected(1)
        (refresher,) = set(threading.enumerate()) - before
    refresher.join(timeout=10)
    assert not refresher.is_alive()
    assert file.getvalue().endswith("\x1b[2K")  # the lines are erased


def test_titles_are_no_markup_and_steer_nothing() -> None:
    progress, file = on_terminal()
    with progress:
        progress.collected(1)
        progress.started("[/nope] [red]red\x1b]0;owned\x07\u202e", "2.1", 20.0)
    assert "[/nope] [red]red" in plain(file)
    assert "owned" not in file.getvalue()
    assert "\u202e" not in file.getvalue()


def test_a_log_gets_a_line_a_quarter_and_one_for_each_end_of_a_training() -> None:
    file = io.StringIO()
    with Progress(Console(file=file, width=80)) as progress:
        progress.collected(8)
        progress.training_started("main", 150.0)
        for index in range(8):
            progress.started(f"test {index}", "2.1", 20.0)
            progress.finished(case(f"test {index}"))
        progress.training_finished("main")
    assert file.getvalue().splitlines() == [
        "grading: 8 tests",
        "training main: started, limit 150 s",
        "grading: 2 of 8 tests done",
        "grading: 4 of 8 tests done",
        "grading: 6 of 8 tests done",
        "grading: 8 of 8 tests done",
        "training main: ended",
    ]


def test_a_test_that_never_started_counts_as_done() -> None:
    file = io.StringIO()
    with Progress(Console(file=file, width=80)) as progress:
        progress.collected(1)
        progress.finished(case("not run"))
        progress.training_finished("never started")
    assert "grading: 1 of 1 tests done" in file.getvalue()


def test_a_grading_without_tests_is_no_error() -> None:
    file = io.StringIO()
    with Progress(Console(file=file, width=80)) as progress:
        progress.collected(0)
        progress.finished(case("unexpected"))
    assert file.getvalue().splitlines() == ["grading: 0 tests"]


def test_calls_from_many_threads_are_all_counted() -> None:
    file = io.StringIO()
    threads, each = 8, 50
    with Progress(Console(file=file, width=80)) as progress:
        progress.collected(threads * each)

        def run(number: int) -> None:
            for index in range(each):
                progress.started(f"{number} {index}", "2.1", 20.0)
                progress.finished(case(f"{number} {index}"))

        workers = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert file.getvalue().splitlines()[1:] == [f"grading: {done} of 400 tests done" for done in (100, 200, 300, 400)]
