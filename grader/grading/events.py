"""What the judge tells its parent: one JSON object a line, over a pipe that no worker has.

{"event": "sandbox", "tier": "jailed"}
{"event": "data", "name": "mnist-mini"}
{"event": "broken", "reason": why nothing can be judged}
{"event": "collected", "cases": [Case, ...]}
{"event": "started", "case": id, "limit_s": 20.0}
{"event": "finished", "case": Case}
{"event": "opened", "case": id, "files": [name, ...]}
{"event": "training_started", "name": "main", "limit_s": 150.0}
{"event": "training_finished", "name": "main"}
{"event": "curve", "curve": Curve}
{"event": "measure", "name": "accuracy", "value": 0.97}
{"event": "peak_memory", "size_bytes": 1700000000}
"""

from __future__ import annotations

from typing import Any

import msgspec

from grader import errors
from grader.records import Kind

ANSWERED: frozenset[Kind] = frozenset({"passed", "wrong"})

_KINDS: dict[type[errors.StudentError], Kind] = {
    errors.NotImplementedYet: "open",
    errors.MissingName: "missing",
    errors.ImportFailed: "import",
    errors.WrongSignature: "signature",
    errors.ForbiddenUse: "forbidden",
    errors.StudentRaised: "raised",
    errors.TimeLimit: "time",
    errors.MemoryLimit: "memory",
    errors.WorkerDied: "died",
    errors.BadAnswer: "wrong",
}


def kind_of(error: errors.StudentError) -> Kind:
    """The kind of a student's error; `raised` for one that is none of the leaves."""
    return _KINDS.get(type(error), "raised")


def encode_event(event: str, **fields: Any) -> bytes:
    """One line of the judge's pipe."""
    return msgspec.json.encode({"event": event, **fields}) + b"\n"
