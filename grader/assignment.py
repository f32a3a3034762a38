"""What an assignment is: tasks, questions, trainings, limits; see `catalog` for the file that declares them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from grader.records import Limits

PACKAGE_DIR = Path(__file__).resolve().parent
ROOT_DIR = PACKAGE_DIR.parent  # of a checkout: holds solution/ and stencil/
IMPORT_TASK = "0"
LOADER = "mnist.py"  # given file that reads the data set; a copy of grader/oracles/mnist.py
# Kinds of workers, the quickest first, and the packages that each has and another may not have.
WORKERS = {"numpy": frozenset[str](), "tensorflow": frozenset(("tensorflow", "keras"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task of the handout.

    Attributes:
        code: Whether it has a block of its own in the solution.
        needs: Tasks without which its tests cannot run, as written; see `Assignment.needed_by`.
        flag: Name of a file that must be in the hand-in for the task to exist at all, or "".
        worker: The kind of worker that its tests run in; "" for the assignment's.
    """

    id: str
    title: str
    points: float
    tier: str
    needs: tuple[str, ...] = ()
    code: bool = True
    flag: str = ""
    worker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One written question; a person gives its points. `flag` as of `Task`."""

    id: str
    title: str
    points: float
    flag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A training that runs once in the background, for the fixture `trained(name)`.

    Attributes:
        sample: Arguments in place of others where only the sample of the data is there.
        flag: As `Task.flag`.
    """

    name: str
    adapter: str
    limit_s: float
    arguments: dict[str, Any]
    sample: dict[str, Any] = field(default_factory=dict)
    flag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradescope:
    """How Gradescope shows a result.

    Attributes:
        hidden_tests: When students see the outcome of hidden tests: "hidden" is never.
        leaderboard: Measures of the suite's fixture `measure` that the leaderboard lists, with "asc" or "desc".
        full_runs_per_day: Further hand-ins of a day get the public tests alone; 0 for no limit.
    """

    hidden_tests: str = "after_due_date"
    leaderboard: dict[str, str] = field(default_factory=dict)
    full_runs_per_day: int = 0


@dataclass(frozen=True)
class Assignment:
    """One assignment, as assignment.toml declares it.

    Attributes:
        worker: The kind of worker of trainings, of the import of all modules, and of tasks that name no other.
        data: The data set that its trainings and tests use, or "".
        forbidden: Packages that a submission may import and not use, save in a worker that has them.
        sample_thresholds: In place of `thresholds` where only the sample of the data is there.
    """

    name: str
    title: str
    version: str
    worker: str
    modules: tuple[str, ...]
    files: tuple[str, ...]
    given: tuple[str, ...]
    tiers: tuple[str, ...]
    bonus_tiers: tuple[str, ...]
    requirements: tuple[str, ...]
    limits: Limits
    thresholds: dict[str, float]
    trainings: dict[str, Training]
    tasks: dict[str, Task]
    questions: tuple[Question, ...]
    suite_dir: Path
    data: str = ""
    forbidden: tuple[str, ...] = ()
    sample_thresholds: dict[str, float] = field(default_factory=dict)
    gradescope: Gradescope = field(default_factory=Gradescope)

    @property
    def flags(self) -> tuple[str, ...]:
        """Names of the files that switch tasks on."""
        flags = [task.flag for task in self.tasks.values()] + [question.flag for question in self.questions]
        return tuple(dict.fromkeys(filter(None, flags)))

    @property
    def workers(self) -> tuple[str, ...]:
        """The kinds of workers that it takes, the quickest to start first."""
        taken = {self.worker, *(task.worker for task in self.tasks.values())}
        return tuple(kind for kind in WORKERS if kind in taken)

    def worker_of(self, task: str) -> str:
        """The kind of worker that the tests of a task run in; `IMPORT_TASK` is one, too."""
        return (task in self.tasks and self.tasks[task].worker) or self.worker

    def forbidden_in(self, worker: str) -> tuple[str, ...]:
        """The packages that may not be used in a worker of that kind."""
        return tuple(package for package in self.forbidden if package not in WORKERS[worker])

    def for_submission(self, folder: Path) -> Assignment:
        """The assignment as this submission takes it: without what is switched on by a flag file that it lacks."""
        off = {flag for flag in self.flags if not (folder / flag).is_file()}
        kept = {task.id: task for task in self.tasks.values() if task.flag not in off}
        return replace(
            self,
            tasks={
                name: replace(task, needs=tuple(need for need in task.needs if need in kept))
                for name, task in kept.items()
            },
            trainings={name: training for name, training in self.trainings.items() if training.flag not in off},
            questions=tuple(question for question in self.questions if question.flag not in off),
        )

    @property
    def solution_dir(self) -> Path:
        return ROOT_DIR / "solution" / self.name

    @property
    def stencil_dir(self) -> Path:
        return ROOT_DIR / "stencil" / self.name

    @property
    def max_score(self) -> float:
        """Automatic points without bonus."""
        return sum(task.points for task in self.tasks.values() if task.tier not in self.bonus_tiers)

    @property
    def points_awaiting_review(self) -> float:
        return sum(question.points for question in self.questions)

    @cached_property
    def needed_by(self) -> dict[str, tuple[str, ...]]:
        """For each task the tasks that it needs, transitively, in the order of the handout."""
        closed: dict[str, set[str]] = {}
        for task in self.tasks.values():  # needed tasks come before
            closed[task.id] = set(task.needs).union(*(closed[need] for need in task.needs))
        return {task: tuple(other for other in self.tasks if other in closed[task]) for task in self.tasks}
