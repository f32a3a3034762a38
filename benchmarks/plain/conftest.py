"""The hidden suite in plain pytest, in one process with the student's code: what the grader is compared with.

Nothing is isolated here: one interpreter, one TensorFlow, every fixture in process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from grader import catalog
from grader.sandbox import calls

SUBMISSION = Path(os.environ["PLAIN_SUBMISSION"])
ASSIGNMENT = catalog.load(os.environ["PLAIN_ASSIGNMENT"])
sys.path.insert(0, str(SUBMISSION))
_trained: dict[str, object] = {}


def pytest_configure(config):
    config.addinivalue_line("markers", "task(id, **options): the task that a test belongs to")


class InProcess:
    """Adapters called in this process."""

    result = None

    def __getattr__(self, name):
        def call(**arguments):
            import adapters

            reply = calls.call(adapters, name, arguments, str(SUBMISSION))
            if not reply["ok"]:
                pytest.fail(calls.describe(reply["error"]), pytrace=False)
            return reply["value"]

        return call


@pytest.fixture
def student():
    return InProcess()


@pytest.fixture
def trained():
    def wait(name):
        if name not in _trained:
            training = ASSIGNMENT.trainings[name]
            run = InProcess()
            run.result = getattr(run, training.adapter)(**training.arguments, seed=0)
            _trained[name] = run
        return _trained[name]

    return wait


@pytest.fixture
def rng(request):
    return np.random.default_rng([0, *request.node.name.encode()])


@pytest.fixture
def thresholds():
    return dict(ASSIGNMENT.thresholds)


@pytest.fixture
def measure():
    return lambda name, value: None


@pytest.fixture
def credit():
    return lambda ratio, message="": None
