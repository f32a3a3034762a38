"""The programs of `sequential_mnist`: what they leave behind, and that an interrupted training goes on unharmed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EPOCHS, STEPS = 3, 6
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the solution that finds the sample of MNIST alone, so that the test is the same on each machine."""
    folder = tmp_path_factory.mktemp("program") / "work"
    shutil.copytree(ROOT / "solution" / "sequential_mnist", folder, ignore=shutil.ignore_patterns("runs", "__*"))
    (folder / "data").mkdir()
    shutil.copy(ROOT / "data" / "mnist-mini.npz", folder / "data")
    return folder


def start(program: Path, script: str, *options: str) -> subprocess.Popen[str]:
    """Starts one of the programs."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MPLCONFIGDIR": str(program.parent)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-B", script, *options], cwd=program, env=environment, text=True, **streams
    )


def run(program: Path, script: str, *options: str) -> str:
    """Runs it to its end, which must be a good one; what it said."""
    process = start(program, script, *options)
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return said


def limits(run_dir: str, epochs: int = EPOCHS) -> list[str]:
    return ["--epochs", str(epochs), "--steps", str(STEPS), "--run-dir", run_dir]


def history_of(program: Path, run_dir: str) -> dict[str, list[float]]:
    history = json.loads((program / run_dir / "history.json").read_text())
    del history["seconds"]
    return history


@pytest.fixture(scope="module")
def uninterrupted(program: Path) -> dict[str, list[float]]:
    """The history of a run that nobody has disturbed."""
    said = run(program, "train.py", "rows", *limits("whole"))
    assert "of 1,000 unseen digits are told rightly" in said
    return history_of(program, "whole")


def test_whole_run_leaves_its_record(program: Path, uninterrupted: dict[str, list[float]]) -> None:
    assert [len(values) for values in uninterrupted.values()] == [EPOCHS] * 4
    config = json.loads((program / "whole" / "config.json").read_text())
    assert config.items() >= {"order": "rows", "epochs": EPOCHS, "num_steps": 28, "data": "mnist-mini"}.items()
    for figure in ("curves.png", "digits.png", "confusion.png"):
        assert (program / "whole" / figure).read_bytes().startswith(PNG)
    assert (program / "whole" / "best.weights.h5").is_file()
    assert any((program / "whole" / "tensorboard").iterdir())


@pytest.mark.slow
def test_interrupted_run_goes_on_to_the_same_curve(program: Path, uninterrupted: dict[str, list[float]]) -> None:
    process = start(program, "train.py", "rows", *limits("stopped"))
    assert process.stdout is not None
    try:
        assert any(line.startswith("epoch 1/") for line in iter(process.stdout.readline, ""))
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert "stopped; " in output
    said = run(program, "train.py", "rows", *limits("stopped"))
    assert "epoch 1/" not in said, "it began anew"
    # Sums of floats in another order differ in their last bits; another order of the data would differ in the first.
    for name, values in history_of(program, "stopped").items():
        assert values == pytest.approx(uninterrupted[name], rel=1e-3, abs=1e-3), name


def test_run_with_other_settings_is_refused(program: Path, uninterrupted: dict[str, list[float]]) -> None:
    process = start(program, "train.py", "rows", *limits("whole", EPOCHS + 1))
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"with epochs {EPOCHS}, this one has {EPOCHS + 1}" in errors
    assert history_of(program, "whole") == uninterrupted


@pytest.mark.slow
def test_pixels_are_trained_with_histograms(program: Path) -> None:
    said = run(program, "train.py", "permuted", "--stride", "4", "--epochs", "3", "--run-dir", "pixels")
    assert "sequences of 49 steps" in said
    assert (program / "pixels" / "gradients.png").read_bytes().startswith(PNG)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["models", "changes"])
def test_comparison_draws_its_figure(program: Path, what: str) -> None:
    said = run(program, "compare.py", what, "--images", "400", "--run-dir", "compare")
    assert (program / "compare" / f"{what}.png").read_bytes().startswith(PNG)
    assert len(said.splitlines()) >= 6


@pytest.mark.slow
def test_unrolling_draws_its_figure(program: Path) -> None:
    said = run(program, "unrolling.py", "--lengths", "4", "8", "--run-dir", "unrolling")
    assert (program / "unrolling" / "unrolling.png").read_bytes().startswith(PNG)
    assert len(said.splitlines()) == 9


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "import numpy, orders; orders.pixel_by_pixel(numpy.zeros((1, 28, 28)), 3)",
            "stride is 3; expected a divisor of 28",
        ),
        ("import plain; plain.PlainClassifier(cell='rnn')", "cell is 'rnn'; expected one of lstm, gru"),
    ],
    ids=["stride", "cell"],
)
def test_what_does_not_exist_is_refused_in_words(program: Path, code: str, message: str) -> None:
    _, errors = start(program, "-c", code).communicate(timeout=120)
    assert errors.rstrip().endswith(f"ValueError: {message}")
