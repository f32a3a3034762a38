"""What a training leaves in a folder, so that the same command goes on after Ctrl-C. Given; nothing to do here."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

Logs = dict[str, float]
History = dict[str, list[float]]
NAMES = ("loss", "accuracy", "val_loss", "val_accuracy")


class Run:
    """The state after the last whole epoch: weights, optimizer, history, and the time that it took.

    Args:
        folder: Made if it is missing.
        model: With its weights, and an optimizer attached as `model.optimizer`.
        settings: Of the training; a folder keeps to those that it began with.

    Attributes:
        history: The values of all whole epochs so far, those before an interruption included.
        seconds: How long they took.

    Raises:
        ValueError: The folder holds a training with other settings, or of a model with other weights.
    """

    def __init__(self, folder: Path, model: keras.Model, settings: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.history: History = {name: [] for name in NAMES}
        self.seconds = 0.0
        self._seconds_by_epoch: list[float] = []
        self._started = time.monotonic()
        self._keep_settings(settings)
        model.optimizer.build(model.trainable_variables)
        checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
        self._manager = tf.train.CheckpointManager(checkpoint, str(folder / "checkpoints"), max_to_keep=2)
        if self._manager.latest_checkpoint:
            try:
                checkpoint.restore(self._manager.latest_checkpoint).assert_existing_objects_matched()
            except (ValueError, AssertionError) as error:
                raise ValueError(
                    f"{folder} holds a training of another model; choose another --run-dir, or delete that folder"
                ) from error
            saved = json.loads((folder / "history.json").read_text(encoding="utf-8"))
            self._seconds_by_epoch = saved["seconds"][: self.epoch]
            self.seconds = self._seconds_by_epoch[-1]
            self.history = {name: saved[name][: self.epoch] for name in NAMES}

    @property
    def epoch(self) -> int:
        """Whole epochs that are saved; checkpoints are numbered by them."""
        latest = self._manager.latest_checkpoint
        return int(latest.rpartition("-")[2]) if latest else 0

    def _keep_settings(self, settings: Mapping[str, Any]) -> None:
        path = self.folder / "config.json"
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else dict(settings)
        for name, value in settings.items():
            if kept.get(name) != value:
                raise ValueError(
                    f"{self.folder} holds a training with {name} {kept.get(name)}, this one has {value}; "
                    "choose another --run-dir, or delete that folder"
                )
        self._write(path, settings)

    def _write(self, path: Path, value: Mapping[str, Any]) -> None:
        # By way of another file, so that a crash leaves the old one or the new one, never half of it.
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)

    def save(self, logs: Logs) -> None:
        """Notes an epoch that is done.

        Args:
            logs: As `train` gives them to its callback.
        """
        now = time.monotonic()
        self.seconds += now - self._started
        self._started = now
        self._seconds_by_epoch.append(self.seconds)
        for name in NAMES:
            self.history[name].append(float(logs[name]))
        self._write(self.folder / "history.json", {**self.history, "seconds": self._seconds_by_epoch})
        # The checkpoint comes last: after a crash in between, the epoch counts as not done.
        self._manager.save(self.epoch + 1)


class ProgressBar:
    """Counts the batches of an epoch, on one line of a terminal; silent where there is none.

    Args:
        total: Batches in an epoch.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.count = 0
        self.start = time.monotonic()
        self.shown = sys.stderr.isatty()

    def watch(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """The same dataset, whose batches are counted as they are drawn.

        Args:
            dataset: Batches `(x, y)`.
        """

        def count(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            tf.py_function(self._advance, [], [])
            return x, y

        return dataset.map(count) if self.shown else dataset

    def _advance(self) -> None:
        self.count = min(self.count + 1, self.total)
        bar = "#" * (30 * self.count // self.total)
        speed = self.count / max(time.monotonic() - self.start, 1e-3)
        text = f"\r  [{bar:<30}] {self.count} of {self.total} batches, {speed:.1f} a second "
        print(text, end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Takes the bar off the line, and begins anew."""
        self.count, self.start = 0, time.monotonic()
        if self.shown:
            print("\r" + " " * 79, end="\r", file=sys.stderr, flush=True)
