"""assignment.toml -> `Assignment`: parsed once, unknown keys refused with the nearest known one."""

from __future__ import annotations

import difflib
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from grader.assignment import (
    IMPORT_TASK,
    LOADER,
    PACKAGE_DIR,
    ROOT_DIR,
    WORKERS,
    Assignment,
    Gradescope,
    Question,
    Task,
    Training,
)
from grader.errors import InvalidAssignment, UnknownAssignment
from grader.records import Limits

__all__ = [
    "IMPORT_TASK",
    "LOADER",
    "PACKAGE_DIR",
    "ROOT_DIR",
    "Assignment",
    "Gradescope",
    "Question",
    "Task",
    "Training",
    "load",
    "names",
    "read",
]

SUITES_DIR = PACKAGE_DIR / "suites"
DATA_SETS = ("mnist",)
HIDDEN = ("hidden", "after_due_date", "after_published")  # Gradescope's words for tests that a student does not see


def names() -> list[str]:
    """Every assignment of this kit, sorted."""
    return sorted(path.parent.name for path in SUITES_DIR.glob("*/assignment.toml"))


def load(name: str) -> Assignment:
    """Reads the assignment of that name.

    Raises:
        UnknownAssignment: There is none; the message names the nearest.
        InvalidAssignment: Its assignment.toml has an unknown or missing key, or contradicts itself.
    """
    if name not in names():
        raise UnknownAssignment(
            f"there is no assignment {name!r}{_nearest(name, names())}; there are: {', '.join(names())}"
        )
    return read(SUITES_DIR / name / "assignment.toml")


def read(path: Path) -> Assignment:
    """Reads one assignment.toml; the folder's name is the assignment's.

    Raises:
        InvalidAssignment: See `load`.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidAssignment(f"{path}: {error}") from error
    reader = _Reader(path)
    return reader.assignment(table)


@dataclass(frozen=True)
class _Kind:
    """What the value of a key must be, and the words for it."""

    words: str
    accepts: Callable[[Any], bool]


_TEXT = _Kind("a text in quotes", lambda value: isinstance(value, str) and value != "")
_NUMBER = _Kind("a number", lambda value: isinstance(value, (int, float)) and not isinstance(value, bool))
_FLAG = _Kind("true or false", lambda value: isinstance(value, bool))
_TEXTS = _Kind("a list of texts", lambda value: isinstance(value, list) and all(map(_TEXT.accepts, value)))
_TABLE = _Kind("a table", lambda value: isinstance(value, dict))
_NUMBERS = _Kind(
    "a table of numbers", lambda value: isinstance(value, dict) and all(map(_NUMBER.accepts, value.values()))
)
_THRESHOLDS = _Kind(
    "a table of numbers, perhaps with a table `sample`",
    lambda value: (
        isinstance(value, dict)
        and all(map(_NUMBER.accepts, (entry for key, entry in value.items() if key != "sample")))
        and _NUMBERS.accepts(value.get("sample", {}))
    ),
)
_TABLES = _Kind("a list of tables", lambda value: isinstance(value, list) and all(map(_TABLE.accepts, value)))
_TABLE_OF_TABLES = _Kind(
    "a table of tables", lambda value: isinstance(value, dict) and _TABLES.accepts([*value.values()])
)


class _Reader:
    """Turns tables into records and words what is wrong with them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, text: str) -> InvalidAssignment:
        return InvalidAssignment(f"{self.path}: {text}")

    def check_keys(
        self, table: dict[str, Any], where: str, required: dict[str, _Kind], optional: dict[str, _Kind] | None = None
    ) -> None:
        kinds = required | (optional or {})
        for key, value in table.items():
            if key not in kinds:
                raise self.fail(f"unknown key {key!r} in {where}{_nearest(key, sorted(kinds))}")
            if not kinds[key].accepts(value):
                raise self.fail(f"{key} of {where} is {value!r}; expected {kinds[key].words}")
        for key in sorted(set(required) - set(table)):
            raise self.fail(f"{where} lacks {key!r}")

    def assignment(self, table: dict[str, Any]) -> Assignment:
        self.check_keys(
            table,
            "the file",
            {
                **{"title": _TEXT, "version": _TEXT, "worker": _TEXT, "modules": _TEXTS, "files": _TEXTS},
                **{"tiers": _TEXTS, "requirements": _TEXTS, "task": _TABLES},
            },
            {
                **{"given": _TEXTS, "bonus_tiers": _TEXTS, "limits": _TABLE, "thresholds": _THRESHOLDS},
                **{"training": _TABLE_OF_TABLES, "question": _TABLES, "data": _TEXT, "forbidden": _TEXTS},
                "gradescope": _TABLE,
            },
        )
        if table["worker"] not in WORKERS:
            raise self.fail(f"worker is {table['worker']!r}; expected one of {', '.join(WORKERS)}")
        if not table["tiers"]:
            raise self.fail("tiers is empty; expected at least one, such as 'pass'")
        if table.get("data", DATA_SETS[0]) not in DATA_SETS:
            raise self.fail(f"data is {table['data']!r}; expected one of {', '.join(DATA_SETS)}")
        if "data" in table and LOADER not in table.get("given", ()):
            raise self.fail(f"an assignment with data has {LOADER} among its given files")
        thresholds = dict(table.get("thresholds", {}))
        sample_thresholds = {**thresholds, **thresholds.pop("sample", {})}
        sample_thresholds.pop("sample", None)
        for name in set(sample_thresholds) - set(thresholds):
            raise self.fail(f"[thresholds.sample] has {name!r}, which [thresholds] lacks")
        tiers, bonus_tiers = tuple(table["tiers"]), tuple(table.get("bonus_tiers", ()))
        tasks = {task.id: task for task in (self.task(entry, tiers + bonus_tiers) for entry in table["task"])}
        questions = tuple(self.question(entry) for entry in table.get("question", ()))
        self.check_ids([entry["id"] for entry in table["task"]] + [question.id for question in questions])
        self.check_needs(tasks)
        for name in table.get("given", ()):
            if name not in table["files"]:
                raise self.fail(f"given file {name!r} is not among files")
        return Assignment(
            name=self.path.parent.name,
            title=table["title"],
            version=table["version"],
            worker=table["worker"],
            modules=tuple(table["modules"]),
            files=tuple(table["files"]),
            given=tuple(table.get("given", ())),
            tiers=tiers,
            bonus_tiers=bonus_tiers,
            requirements=tuple(table["requirements"]),
            limits=self.limits(table.get("limits", {})),
            thresholds={key: float(value) for key, value in thresholds.items()},
            trainings={name: self.training(name, entry) for name, entry in table.get("training", {}).items()},
            tasks=tasks,
            questions=questions,
            suite_dir=self.path.parent,
            data=table.get("data", ""),
            forbidden=tuple(table.get("forbidden", ())),
            sample_thresholds={key: float(value) for key, value in sample_thresholds.items()},
            gradescope=self.gradescope(table.get("gradescope", {})),
        )

    def task(self, table: dict[str, Any], tiers: tuple[str, ...]) -> Task:
        self.check_keys(
            table,
            f"[[task]] {table.get('id', '')}".rstrip(),
            {"id": _TEXT, "title": _TEXT, "points": _NUMBER},
            {"tier": _TEXT, "needs": _TEXTS, "code": _FLAG, "flag": _TEXT, "worker": _TEXT},
        )
        tier = table.get("tier", tiers[0])
        if tier not in tiers:
            raise self.fail(f"task {table['id']} has the unknown tier {tier!r}{_nearest(tier, tiers)}")
        if table.get("worker", next(iter(WORKERS))) not in WORKERS:
            raise self.fail(
                f"worker of task {table['id']} is {table['worker']!r}; expected one of {', '.join(WORKERS)}"
            )
        return Task(
            id=table["id"],
            title=table["title"],
            points=float(table["points"]),
            tier=tier,
            needs=tuple(table.get("needs", ())),
            code=table.get("code", True),
            flag=table.get("flag", ""),
            worker=table.get("worker", ""),
        )

    def check_ids(self, ids: list[str]) -> None:
        for name, count in Counter(ids).items():
            if count > 1:
                raise self.fail(f"two tasks or questions have the id {name!r}")
        if IMPORT_TASK in ids:
            raise self.fail(f"the id {IMPORT_TASK!r} is the kit's own, of the task that every module can be imported")

    def check_needs(self, tasks: dict[str, Task]) -> None:
        """Tests run in the order of the handout, so a task needs earlier ones alone, and circles can't be."""
        earlier: set[str] = set()
        for task in tasks.values():
            for need in task.needs:
                if need not in tasks:
                    raise self.fail(f"task {task.id} needs the unknown task {need!r}{_nearest(need, list(tasks))}")
                if need not in earlier:
                    raise self.fail(f"task {task.id} needs task {need}, which does not come before it")
            earlier.add(task.id)

    def limits(self, table: dict[str, Any]) -> Limits:
        self.check_keys(
            table, "[limits]", {}, dict.fromkeys(("import_s", "test_s", "total_s", "memory_mb", "scratch_mb"), _NUMBER)
        )
        default = Limits()
        return Limits(
            import_s=float(table.get("import_s", default.import_s)),
            test_s=float(table.get("test_s", default.test_s)),
            total_s=float(table.get("total_s", default.total_s)),
            memory_bytes=int(table.get("memory_mb", default.memory_bytes >> 20)) << 20,
            scratch_bytes=int(table.get("scratch_mb", default.scratch_bytes >> 20)) << 20,
        )

    def training(self, name: str, table: dict[str, Any]) -> Training:
        self.check_keys(
            table,
            f"[training.{name}]",
            {"adapter": _TEXT, "limit_s": _NUMBER},
            {"arguments": _TABLE, "sample": _TABLE, "flag": _TEXT},
        )
        return Training(
            name=name,
            adapter=table["adapter"],
            limit_s=float(table["limit_s"]),
            arguments=dict(table.get("arguments", {})),
            sample=dict(table.get("sample", {})),
            flag=table.get("flag", ""),
        )

    def gradescope(self, table: dict[str, Any]) -> Gradescope:
        self.check_keys(
            table, "[gradescope]", {}, {"hidden_tests": _TEXT, "leaderboard": _TABLE, "full_runs_per_day": _NUMBER}
        )
        made = Gradescope(**table)
        if made.hidden_tests not in HIDDEN:
            raise self.fail(f"hidden_tests is {made.hidden_tests!r}; expected one of {', '.join(HIDDEN)}")
        if not set(made.leaderboard.values()) <= {"asc", "desc"}:
            raise self.fail("leaderboard of [gradescope] says asc or desc for each measure")
        return made

    def question(self, table: dict[str, Any]) -> Question:
        where = f"[[question]] {table.get('id', '')}".rstrip()
        self.check_keys(table, where, {"id": _TEXT, "title": _TEXT, "points": _NUMBER}, {"flag": _TEXT})
        return Question(id=table["id"], title=table["title"], points=float(table["points"]), flag=table.get("flag", ""))


def _nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""
