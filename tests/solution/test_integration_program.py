"""train.py of `integration` as a program: what it leaves behind, and that it goes on after an interruption."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "solution" / "integration"
STEPS = 4


def train(run_dir: Path, epochs: int) -> subprocess.Popen[str]:
    """Starts train.py with few steps."""
    options = ["--epochs", str(epochs), "--steps", str(STEPS), "--run-dir", str(run_dir)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MPLCONFIGDIR": str(run_dir.parent)}
    command = [sys.executable, "-B", str(FOLDER / "train.py"), *options]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # A shell's background jobs ignore SIGINT, and so would their children.
    heeded = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, cwd=run_dir.parent, env=environment, text=True, preexec_fn=heeded, **streams)


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Presses Ctrl-C until the program ends: Python drops one that comes while an object is finalized."""
    for _ in range(6):
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("the program does not end by Ctrl-C")


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a run that got a Ctrl-C after its first epoch, and what the program said at last."""
    run_dir = tmp_path_factory.mktemp("program") / "run"
    process = train(run_dir, epochs=5000)
    assert process.stdout is not None
    try:
        assert any(line.startswith("epoch 1/5000") for line in iter(process.stdout.readline, ""))
        said, errors = interrupt(process)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    return run_dir, said


def test_interrupted_training_goes_on_from_its_checkpoint(interrupted: tuple[Path, str]) -> None:
    run_dir, said = interrupted
    found = re.search(r"(\d+) whole epochs are saved", said)
    assert found
    done = int(found[1])
    # The signal may have come between the writing of the history and that of the checkpoint, which is what counts.
    before = {name: values[:done] for name, values in json.loads((run_dir / "history.json").read_text()).items()}

    process = train(run_dir, epochs=done + 2)
    said, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    # The step count is the optimizer's: it decides on the learning rate, and was saved along with the momenta.
    assert f"going on after epoch {done}, step {done * STEPS}," in said

    history = json.loads((run_dir / "history.json").read_text())
    assert {name: values[:done] for name, values in history.items()} == before
    assert [len(values) for values in history.values()] == [done + 2] * 4
    assert json.loads((run_dir / "config.json").read_text())["epochs"] == done + 2
    assert any((run_dir / "tensorboard").iterdir())
    for figure in ("curves.png", "predictions.png"):
        assert (run_dir / figure).read_bytes().startswith(b"\x89PNG")


def test_run_with_other_settings_is_refused(interrupted: tuple[Path, str]) -> None:
    run_dir, _ = interrupted
    other = run_dir.parent / "other"
    other.mkdir()
    config = json.loads((run_dir / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "batch_size": config["batch_size"] + 1}))
    process = train(other, epochs=1)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"with batch_size {config['batch_size'] + 1}, this one has {config['batch_size']}" in errors
    assert not (other / "checkpoints").exists()
