"""Trains the integration model: `train` is the loop, the rest is the program around it.

    python train.py                                       a whole training
    python train.py --epochs 1 --steps 50 --run-dir runs/try    a first look, in seconds
    tensorboard --logdir runs                             the curves, while it trains

The run's folder receives `config.json`, `history.json`, `checkpoints/`, `tensorboard/`, `curves.png` and
`predictions.png`. After Ctrl-C or a crash the same command goes on after the last whole epoch.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypedDict

import keras
import numpy as np
import tensorflow as tf


class Config(TypedDict):
    """Settings of a training."""

    epochs: int
    learning_rate: float
    batch_size: int
    seq_len: int


# Yours to tune; grading trains with them, inside the limits of task 4.2.
CONFIG: Config = {"epochs": 3, "learning_rate": 1e-2, "batch_size": 256, "seq_len": 25}

HALVING_STEPS = 200

Logs = dict[str, float]
History = dict[str, list[float]]


def optimizer_for(model: keras.layers.Layer, learning_rate: float) -> keras.optimizers.Optimizer:
    """The optimizer for a model: the one that the program has attached to it, else a new one.

    An attached one brings along its momenta and its step count, which a resumed training needs.

    Args:
        model: Anything; `model.optimizer` is looked at.
        learning_rate: Of a new optimizer, at its first step; it halves every `HALVING_STEPS` steps.

    Returns:
        An Adam optimizer.
    """
    attached = getattr(model, "optimizer", None)
    if attached is not None:
        return attached
    decay = keras.optimizers.schedules.ExponentialDecay(learning_rate, decay_steps=HALVING_STEPS, decay_rate=0.5)
    return keras.optimizers.Adam(decay)


def train(
    model: keras.layers.Layer,
    train_dataset: tf.data.Dataset,
    validation_dataset: tf.data.Dataset,
    epochs: int = CONFIG["epochs"],
    learning_rate: float = CONFIG["learning_rate"],
    callback: Callable[[int, Logs], bool | None] | None = None,
) -> History:
    """Trains a binary classifier with a loop of our own.

    Args:
        model: Maps `(B, T, 1)` float32 to probabilities `(B, 1)`.
        train_dataset: Batches `(x, y)`: `(B, T, 1)` float32 and `(B, 1)` integers 0 or 1.
        validation_dataset: The same with other samples; nothing is learnt from them.
        epochs: How many times to go through `train_dataset`.
        learning_rate: At the first step.
        callback: Called after each epoch with its number, from 0, and the epoch's four values (as in Returns, one
            float each). If it returns True, the training ends there.

    Returns:
        Lists with one float an epoch: `loss` (mean binary cross-entropy) and `accuracy` (share of right signs) while
        training, `val_loss` and `val_accuracy` after the epoch.
    """
    # TODO 4.1: Call the model once on a batch before anything is traced, so that its weights exist.
    #     One step: a forward pass and the loss under tf.GradientTape, the gradients, the optimizer. Decorate it with
    #     tf.function; the loop over epochs and batches stays plain Python.
    #     keras.metrics.Mean and BinaryAccuracy gather values over an epoch; reset them when the next one starts.
    #     `optimizer_for(model, learning_rate)` gives you an optimizer that lets the program resume exactly.
    raise NotImplementedError("Task 4.1: The training loop")


# -- The program: given, nothing to do below --------------------------------------------------------------------------


class ProgressBar:
    """Counts the noise signals that are drawn, on one line of a terminal; silent where there is none.

    Args:
        generator: The generator function to count.
        total: Signals in one epoch.
    """

    def __init__(self, generator: Callable[[], Iterator], total: int) -> None:
        self.generator = generator
        self.total = total
        self.shown = sys.stderr.isatty()

    def __call__(self) -> Iterator:
        """Yields what the generator yields."""
        start = time.monotonic()
        for count, sample in enumerate(self.generator()):
            if self.shown and count % 1_000 == 0:
                self.show(min(count, self.total), count / max(time.monotonic() - start, 1e-3))
            yield sample

    def show(self, count: int, speed: float) -> None:
        """Draws the bar anew.

        Args:
            count: Signals so far.
            speed: Signals a second.
        """
        bar = "#" * (30 * count // self.total)
        print(f"\r  [{bar:<30}] {count:>7,} of {self.total:,} signals, {speed:,.0f} a second ", end="", file=sys.stderr)

    def clear(self) -> None:
        """Takes the bar off the line."""
        if self.shown:
            print("\r" + " " * 79, end="\r", file=sys.stderr)


class Run:
    """A training with a folder: saves after every epoch, and goes on where the last saved one ended.

    Args:
        folder: Made if it is missing.
        model: Built on the way.
        config: Settings of the training; a folder keeps to those that it began with, `epochs` apart.

    Attributes:
        history: The values of all epochs so far, those before an interruption included.
        epoch: How many those are.

    Raises:
        ValueError: The folder holds a training with other settings, or of a model with other weights.
    """

    def __init__(self, folder: Path, model: keras.Model, config: Config) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.history: History = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
        self._keep_config(config)
        model(tf.zeros((1, config["seq_len"], 1)))
        # `train` finds the optimizer here, so what it learnt about the gradients is saved and restored.
        model.optimizer = optimizer_for(model, config["learning_rate"])
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
            self.history = {name: values[: self.epoch] for name, values in saved.items()}
        self._writer = tf.summary.create_file_writer(str(folder / "tensorboard"))

    @property
    def epoch(self) -> int:
        """Whole epochs that are saved; checkpoints are numbered by them."""
        latest = self._manager.latest_checkpoint
        return int(latest.rpartition("-")[2]) if latest else 0

    def _keep_config(self, config: Config) -> None:
        path = self.folder / "config.json"
        if path.exists():
            for name, value in json.loads(path.read_text(encoding="utf-8")).items():
                if name != "epochs" and config[name] != value:
                    raise ValueError(
                        f"{self.folder} holds a training with {name} {value}, this one has {config[name]}; "
                        "choose another --run-dir, or delete that folder"
                    )
        self._write(path, config)

    def _write(self, path: Path, value: Config | History) -> None:
        # By way of another file, so that a crash leaves the old one or the new one, never half of it.
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)

    def save(self, logs: Logs) -> None:
        """Notes an epoch that is done: history, TensorBoard, checkpoint.

        Args:
            logs: As `train` gives them to its callback.
        """
        for name, value in logs.items():
            self.history[name].append(float(value))
        with self._writer.as_default():
            for name, value in logs.items():
                tf.summary.scalar(name, value, step=self.epoch)
        self._writer.flush()
        self._write(self.folder / "history.json", self.history)
        # The checkpoint comes last: after a crash in between, the epoch counts as not done.
        self._manager.save(self.epoch + 1)


def plot_curves(history: History, path: Path) -> None:
    """Draws loss and accuracy over the epochs.

    Args:
        history: As `train` returns it.
        path: Of the PNG to write.
    """
    from matplotlib.figure import Figure  # here, so that importing this file stays quick

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    epochs = range(1, len(history["loss"]) + 1)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, history[name], marker="o", label="training (mean over the epoch)")
        axes.plot(epochs, history[f"val_{name}"], marker="s", label="validation (after the epoch)")
        axes.set(xlabel="epoch", ylabel="binary cross-entropy" if name == "loss" else "accuracy", xticks=epochs)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=150)


def plot_predictions(model: keras.Model, noise: np.ndarray, path: Path) -> None:
    """Draws noise signals with their running integral, and what the model says after each time step.

    The model was trained on the last step alone; here it reads each beginning of a signal on its own.

    Args:
        model: Maps `(B, T, 1)` to probabilities `(B, 1)`, for any T.
        noise: `(N, T, 1)`, one panel a signal.
        path: Of the PNG to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.4 * len(noise) + 0.4), layout="constrained")
    steps = np.arange(1, noise.shape[1] + 1)
    probabilities = np.stack([np.asarray(model(tf.constant(noise[:, :t])))[:, 0] for t in steps], axis=1)
    for axes, signal, probability in zip(
        figure.subplots(len(noise), 1, sharex=True), noise, probabilities, strict=True
    ):
        integral = signal[:, 0].cumsum()
        axes.bar(steps, signal[:, 0], color="0.8", label="noise")
        axes.plot(steps, integral, color="C0", label="integral so far")
        axes.axhline(0, color="0.3", linewidth=0.8)
        # Zero and a probability of one half share a line: where one curve crosses it, so should the other.
        reach = 1.1 * np.abs([*integral, *signal[:, 0]]).max()
        axes.set(ylim=(-reach, reach), ylabel="value")
        right = axes.twinx()
        right.plot(steps, probability, color="C1", linestyle="--", label="model: P(integral > 0)")
        right.set(ylim=(-0.05, 1.05), ylabel="probability")
    axes.set_xlabel("time step")
    handles = axes.get_legend_handles_labels()[0] + right.get_legend_handles_labels()[0]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    figure.savefig(path, dpi=150)


def main(arguments: list[str] | None = None) -> None:
    """Trains as the command line says.

    Args:
        arguments: Those after the program's name; None means `sys.argv`.
    """
    from model import IntegrationModel

    from data import NUM_SAMPLES, integration_task, make_dataset, my_integration_task

    parser = argparse.ArgumentParser(description="Trains the integration model; the same command goes on after Ctrl-C.")
    parser.add_argument("--epochs", type=int, default=CONFIG["epochs"], help="epochs in all (default: %(default)s)")
    parser.add_argument("--steps", type=int, help="batches in an epoch (default: all that the generator yields)")
    parser.add_argument("--run-dir", type=Path, default=Path("runs/integration"), help="default: %(default)s")
    options = parser.parse_args(arguments)
    config: Config = {**CONFIG, "epochs": options.epochs}
    batch_size, seq_len = config["batch_size"], config["seq_len"]

    model = IntegrationModel()
    try:
        run = Run(options.run_dir, model, config)
    except ValueError as error:
        parser.exit(1, f"{error}\n")
    if run.epoch:
        print(f"going on after epoch {run.epoch}, step {int(model.optimizer.iterations)}, from {options.run_dir}")

    bar = ProgressBar(my_integration_task, min(NUM_SAMPLES, (options.steps or NUM_SAMPLES) * batch_size))
    train_dataset = make_dataset(bar, seq_len, batch_size)
    if options.steps:
        train_dataset = train_dataset.take(options.steps)
    validation_dataset = make_dataset(lambda: integration_task(seq_len, 2_000), seq_len, batch_size).cache()

    def after_epoch(_: int, logs: Logs) -> None:
        run.save(logs)
        bar.clear()
        values = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        print(f"epoch {run.epoch}/{options.epochs}  {values}", flush=True)

    try:
        left = max(0, options.epochs - run.epoch)
        train(model, train_dataset, validation_dataset, left, config["learning_rate"], after_epoch)
    except KeyboardInterrupt:
        print(f"\nstopped; {run.epoch} whole epochs are saved, and the same command goes on from there")
        return
    plot_curves(run.history, options.run_dir / "curves.png")
    plot_predictions(model, next(iter(validation_dataset))[0].numpy()[:3], options.run_dir / "predictions.png")
    print(f"curves.png, predictions.png and the rest are in {options.run_dir}")


if __name__ == "__main__":
    main()
