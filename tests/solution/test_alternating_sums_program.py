"""train.py of `alternating_sums` as a program: what it leaves behind, and that a killed training goes on unharmed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EPOCHS, STEPS = 4, 8
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the solution that finds the sample of MNIST alone, so that the test is the same on each machine."""
    folder = tmp_path_factory.mktemp("program")
    shutil.copytree(
        ROOT / "solution" / "alternating_sums", folder / "work", ignore=shutil.ignore_patterns("runs", "__*")
    )
    (folder / "work" / "data").mkdir()
    shutil.copy(ROOT / "data" / "mnist-mini.npz", folder / "work" / "data")
    return folder / "work"


def launch(program: Path, *arguments: str) -> subprocess.Popen[str]:
    """Starts one of the solution's programs."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MPLCONFIGDIR": str(program.parent)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-B", *arguments]
    return subprocess.Popen(command, cwd=program, env=environment, text=True, **streams)


def start(program: Path, run_dir: str) -> subprocess.Popen[str]:
    """Starts train.py with few steps."""
    return launch(program, "train.py", "--epochs", str(EPOCHS), "--steps", str(STEPS), "--run-dir", run_dir)


def outcome(process: subprocess.Popen[str]) -> str:
    """Waits for the end of a program, which must be a good one; what it said."""
    said, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    return said


def history_of(program: Path, run_dir: str) -> dict[str, list[float]]:
    return json.loads((program / run_dir / "history.json").read_text())


@pytest.fixture(scope="module")
def uninterrupted(program: Path) -> dict[str, list[float]]:
    """The history of a run that nobody has disturbed."""
    outcome(start(program, "whole"))
    return history_of(program, "whole")


def test_whole_run_leaves_its_record(program: Path, uninterrupted: dict[str, list[float]]) -> None:
    assert {name: len(values) for name, values in uninterrupted.items()} == dict.fromkeys(
        ("loss", "exact", "val_loss", "val_exact"), EPOCHS
    )
    config = json.loads((program / "whole" / "config.json").read_text())
    assert config.items() >= {"epochs": EPOCHS, "sequence_len": 4, "units": 64}.items()
    for figure in ("curves.png", "sequences.png"):
        assert (program / "whole" / figure).read_bytes().startswith(PNG)
    events = list((program / "whole" / "tensorboard").rglob("*tfevents*"))
    assert any(b"val_exact" in path.read_bytes() for path in events)
    assert any(PNG in path.read_bytes() for path in events)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(signal.SIGKILL, id="killed"),
        pytest.param(signal.SIGINT, id="ctrl_c", marks=pytest.mark.slow),
    ],
)
def test_stopped_run_goes_on_to_the_same_curve(
    program: Path, uninterrupted: dict[str, list[float]], how: signal.Signals
) -> None:
    process = start(program, how.name)
    assert process.stdout is not None
    try:
        assert any(line.startswith("epoch 1/") for line in iter(process.stdout.readline, ""))
        time.sleep(random.uniform(0, 0.5))  # noqa: S311  (any moment will do, while an epoch runs or is being saved)
        process.send_signal(how)
        last, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    if how == signal.SIGINT:
        # On a quick machine all may have been done before the signal came.
        assert "the same command goes on" in last or f"epoch {EPOCHS}/{EPOCHS}" in last, errors
    said = outcome(start(program, how.name))
    assert "going on with" in said
    assert "epoch 1/" not in said, "it began anew"
    # Sums of floats in another order differ in their last bits; another order of the data would differ in the first.
    for name, values in history_of(program, how.name).items():
        assert values == pytest.approx(uninterrupted[name], rel=1e-3, abs=1e-3), name


def test_finished_run_is_not_trained_again(program: Path, uninterrupted: dict[str, list[float]]) -> None:
    said = outcome(start(program, "whole"))
    assert f"/{EPOCHS}" not in said
    assert history_of(program, "whole") == uninterrupted


def test_run_with_other_settings_is_refused(program: Path) -> None:
    other = program / "other"
    other.mkdir()
    (other / "config.json").write_text(json.dumps({"units": 7}))
    process = start(program, "other")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "holds a training with" in errors
    assert not (other / "checkpoints").exists()
    assert json.loads((other / "config.json").read_text()) == {"units": 7}


@pytest.mark.slow
@pytest.mark.parametrize("experiment", ["lengths", "unroll"])
def test_experiment_draws_its_figure(program: Path, experiment: str) -> None:
    said = outcome(launch(program, "compare.py", experiment, "--run-dir", experiment))
    assert (program / experiment / f"{experiment}.png").read_bytes().startswith(PNG)
    assert len(said.splitlines()) > 6
