"""The programs of `numpy_rnn`: what they say and what they leave behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from grader.oracles import differences, lstm

ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG"
NAMES = {"train_losses", "train_accs", "val_losses", "val_accs", "test_acc", "settings"}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the solution that finds the sample of MNIST alone, so that the test is the same on each machine."""
    folder = tmp_path_factory.mktemp("program")
    shutil.copytree(ROOT / "solution" / "numpy_rnn", folder / "work", ignore=shutil.ignore_patterns("runs", "__*"))
    (folder / "work" / "data").mkdir()
    shutil.copy(ROOT / "data" / "mnist-mini.npz", folder / "work" / "data")
    return folder / "work"


def run(program: Path, *command: str) -> str:
    """Runs a program to its end, which must be a good one; what it said."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MPLCONFIGDIR": str(program.parent)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    done = subprocess.run(
        [sys.executable, "-B", *command], cwd=program, env=environment, text=True, check=False, timeout=400, **streams
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_gradient_check_passes_and_says_so(program: Path) -> None:
    said = run(program, "gradcheck.py").splitlines()
    assert [line.partition(":")[0] for line in said] == ["Wxh", "Whh", "Why", "bh", "by"]
    assert all("passed" in line for line in said)
    # What the assignment promises of the reference, at steps of 1e-5 in float64.
    assert all(float(line.rpartition(" ")[2]) <= 1e-6 for line in said)


def test_toy_echoes(program: Path) -> None:
    said = run(program, "toy.py")
    assert "100.0% of the echoes of new sequences of 20 are right" in said


def test_norms_are_drawn(program: Path) -> None:
    run(program, "toy.py", "--norms", "--out", "norms.png")
    assert (program / "norms.png").read_bytes().startswith(PNG)


def test_training_leaves_its_record(program: Path) -> None:
    said = run(program, "train.py", "--cell", "gru", "--epochs", "2", "--fraction", "0.2", "--run-dir", "runs/try")
    assert "1,100 images to learn from, 500 for validation" in said
    folder = program / "runs" / "try"
    results = json.loads((folder / "results.json").read_text())
    assert set(results) == NAMES
    assert [epoch for epoch, _ in results["val_losses"]] == [0, 1]
    assert f"{results['test_acc']:.2%} of 1,000 test images are told rightly" in said
    for figure in ("curves.png", "confusion.png"):
        assert (folder / figure).read_bytes().startswith(PNG)
    assert (folder / "model.weights.h5").stat().st_size > 10_000


@pytest.mark.slow
def test_comparison_has_a_row_for_each_cell(program: Path) -> None:
    said = run(program, "compare.py", "--epochs", "1", "--fraction", "0.2")
    assert [line.split()[0] for line in said.splitlines()[1:4]] == ["rnn", "gru", "lstm"]
    assert (program / "runs" / "compare" / "compare.png").read_bytes().startswith(PNG)


@pytest.fixture
def gated(program: Path, monkeypatch: pytest.MonkeyPatch):
    """The module of the gated cells."""
    monkeypatch.syspath_prepend(str(program))
    import gated

    yield gated
    for name in ("gated", "rnn"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gated_gradients_through_time_are_those_of_differences(gated, cell: str) -> None:
    """Three steps, chained: the gradient of each parameter of a random sum of all new states."""
    rng = np.random.default_rng(5)
    steps, batch, size, units = 3, 2, 3, 4
    params = gated.init_gates("rzh" if cell == "gru" else "ifog", size, units, rng)
    x, upstream = rng.normal(size=(steps, batch, size)), rng.normal(size=(steps, batch, units))

    def forward(params: dict[str, np.ndarray]) -> tuple[float, list]:
        h, c, caches, total = np.zeros((batch, units)), np.zeros((batch, units)), [], 0.0
        for x_t, d in zip(x, upstream, strict=True):
            if cell == "gru":
                h, cache = gated.gru_cell_forward(x_t, h, params)
            else:
                h, c, cache = gated.lstm_cell_forward(x_t, h, c, params)
            caches.append(cache)
            total += float(np.sum(d * h))
        return total, caches

    total = {name: np.zeros_like(value) for name, value in params.items()}
    dh, dc = np.zeros((batch, units)), np.zeros((batch, units))
    for d, cache in zip(upstream[::-1], forward(params)[1][::-1], strict=True):
        if cell == "gru":
            grads, _, dh = gated.gru_cell_backward(dh + d, cache)
        else:
            grads, _, dh, dc = gated.lstm_cell_backward(dh + d, dc, cache)
        for name, grad in grads.items():
            total[name] += grad
    for name, value in params.items():
        numeric = differences.gradient(lambda moved, name=name: forward({**params, name: moved})[0], value)
        np.testing.assert_allclose(total[name], numeric, rtol=1e-6, atol=1e-8)


def test_sigmoid_does_not_overflow(gated) -> None:
    z = np.array([-1e4, -2.0, 0.0, 2.0, 1e4])
    np.testing.assert_allclose(gated.sigmoid(z), lstm.sigmoid(z), rtol=1e-15)
