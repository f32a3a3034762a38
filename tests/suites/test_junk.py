"""Whatever a submission answers, a suite has a verdict: no answer makes a test break down."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import catalog
from grader.grading.run import Grader

JUNK = {
    "nothing": "None",
    "words": "'seven'",
    "a dict": "{'h': [1, {'c': None}]}",
    "ragged": "[[1.0], [2.0, 3.0], 'x']",
    "complex numbers": "np.ones((4, 8)) * 1j",
    "not numbers": "np.full((4, 8, 1), np.nan, np.float32)",
    "a pair of words": "('h', 'c')",
    "an empty array": "np.zeros((0, 3), np.float32)",
}

MODULES = {
    "data.py": """
import numpy as np
def integration_task(seq_len, num_samples):
    for _ in range(min(num_samples, 5)):
        yield {junk}
def my_integration_task():
    return {junk}
def make_dataset(generator, seq_len, batch_size):
    return [{junk}, {junk}]
""",
    "lstm.py": """
import numpy as np
class LSTMCell:
    def __init__(self, units):
        self.units = units
    def call(self, x, states):
        return {junk}
    __call__ = call
class LSTMLayer(LSTMCell):
    def zero_states(self, batch_size):
        return {junk}
""",
    "model.py": """
import numpy as np
class IntegrationModel:
    trainable_variables = []
    def call(self, x):
        return {junk}
    __call__ = call
""",
    "train.py": """
import numpy as np
CONFIG = {{"epochs": 2, "learning_rate": 0.01, "batch_size": 32, "seq_len": 25}}
def train(model, train_dataset, validation_dataset, epochs=1, learning_rate=0.1, callback=None):
    if callback is not None:
        callback({junk}, {junk})
    return {{"loss": {junk}, "accuracy": [{junk}], "val_loss": [0.0, 0.0], "val_accuracy": {junk}}}
""",
}


@pytest.fixture(scope="module")
def integration_grader():
    with Grader(catalog.load("integration")) as grader:
        yield grader


@pytest.mark.slow
@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_junk_earns_nothing_and_breaks_no_test(junk: str, integration_grader: Grader, tmp_path: Path):
    for name, text in MODULES.items():
        (tmp_path / name).write_text(text.format(junk=junk))
    result = integration_grader.grade(tmp_path)
    assert result.verdict == "graded"
    assert [(case.id, case.detail[-300:]) for case in result.cases if case.status == "could_not_check"] == []
    assert result.score <= 2, [case.id for case in result.cases if case.score]
