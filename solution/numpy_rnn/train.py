"""Trains the classifier on MNIST: `train` is yours, the program below it is given.

    python train.py                                   a whole training, with `CONFIG`
    python train.py --cell gru --epochs 2             another cell, fewer epochs
    python train.py --fraction 0.1 --run-dir runs/try a first look, in seconds

The run's folder receives `results.json`, `curves.png`, `confusion.png` and `model.weights.h5`.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import keras
import numpy as np
import tensorflow as tf


class Config(TypedDict):
    """Settings of a training."""

    cell: str
    epochs: int
    learning_rate: float
    batch_size: int
    patience: int


# Yours to tune; grading trains with all but `patience`, inside the limits of tasks 7.2 and 7.3.
CONFIG: Config = {"cell": "lstm", "epochs": 3, "learning_rate": 4e-3, "batch_size": 100, "patience": 2}

Data = tuple[np.ndarray, np.ndarray]  # images in [0, 1], with their labels


def train(
    model: keras.Model,
    train_data: Data,
    validation_data: Data,
    num_epochs: int = CONFIG["epochs"],
    batch_size: int = CONFIG["batch_size"],
    fraction: float = 1.0,
    eval_every: int = 1,
    patience: int | None = 0,
    callback: Callable[[int, dict[str, float]], bool | None] | None = None,
    learning_rate: float = CONFIG["learning_rate"],
    test_data: Data | None = None,
) -> dict[str, Any]:
    """Trains a classifier with a loop of our own.

    What is minimised is the cross-entropy, a mean over the batch, plus `model.l2_loss()`. At the end the model has the
    weights of the last epoch.

    Args:
        model: Called as `model(images, training=...)`, it gives scores before any softmax; it has an `l2_loss()`.
        train_data: Images `(N, 784)` or `(N, 28, 28)` float32, and labels `(N,)` integers.
        validation_data: Likewise; never learnt from.
        num_epochs: Passes over the training data, at most.
        batch_size: B. The last batch of an epoch may be smaller; no image is left out.
        fraction: Trains on the first so many of the training images, as a share of all.
        eval_every: Validates after the epochs 0, `eval_every`, 2 `eval_every` and so on.
        patience: Early stopping: training ends at the (patience + 1)-th validation in a row whose loss is not below all
            before it. 0: at the first such one. None: never.
        callback: Called after each epoch with its number, from 0 on, and a dict of values: `train_loss`, `train_acc`
            and, after a validation, `val_loss`, `val_acc`; if it returns True, that was the last epoch.
        learning_rate: The largest; it may fall in the course of the training.
        test_data: Looked at once, after the training.

    Returns:
        `train_losses`, `train_accs`, `val_losses`, `val_accs`: lists of `(epoch, value)`; those of training are means
        over the epoch, during it. `test_acc`: the accuracy on `test_data`, None without.
    """
    # BEGIN SOLUTION 7.1
    # HINT Some models have no weights before their first call: make one, before `@tf.function` sees the model.
    # HINT An epoch: a new permutation of the images, cut into batches. A step: forward pass with training=True and the
    # HINT loss under tf.GradientTape, gradients, optimizer. Decorate the step with tf.function, not the loop.
    # HINT Validation: the same without tape, with training=False, in batches of some 500.
    # HINT The mean over an epoch of batches of different sizes is weighted by their sizes.
    # HINT Early stopping: the lowest loss so far, and how many validations in a row have not been below it.
    images, labels = (array[: int(fraction * len(array))] for array in train_data)
    if not model.built:  # some models have no weights before their first call
        model(tf.constant(images[:1], tf.float32))
    optimizer = keras.optimizers.Adam(learning_rate, global_clipnorm=1.0)
    optimizer.build(model.trainable_variables)

    def losses_and_hits(x, y, training):
        logits = model(x, training=training)
        losses = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
        hits = tf.cast(tf.argmax(logits, axis=-1) == y, tf.float32)
        return tf.reduce_mean(losses) + model.l2_loss(), tf.reduce_mean(hits)

    @tf.function(reduce_retracing=True)
    def train_step(x, y):
        with tf.GradientTape() as tape:
            loss, accuracy = losses_and_hits(x, y, training=True)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss, accuracy

    @tf.function(reduce_retracing=True)
    def validation_step(x, y):
        return losses_and_hits(x, y, training=False)

    def run(step, images, labels, order, batch_size):
        sums = np.zeros(2)
        for first in range(0, len(order), batch_size):
            batch = order[first : first + batch_size]
            x, y = tf.constant(images[batch], tf.float32), tf.constant(labels[batch], tf.int64)
            sums += len(batch) * np.array([float(value) for value in step(x, y)])
        return (sums / max(1, len(order))).tolist()

    def evaluate(data):
        return run(validation_step, *data, np.arange(len(data[0])), 500)

    results = {"train_losses": [], "train_accs": [], "val_losses": [], "val_accs": [], "test_acc": None}
    lowest, worse = np.inf, 0
    for epoch in range(num_epochs):
        optimizer.learning_rate.assign(learning_rate * (1 + math.cos(math.pi * epoch / num_epochs)) / 2)
        values = run(train_step, images, labels, np.random.permutation(len(images)), batch_size)
        logs = dict(zip(("train_loss", "train_acc"), values, strict=True))
        if epoch % eval_every == 0:
            logs |= dict(zip(("val_loss", "val_acc"), evaluate(validation_data), strict=True))
            worse = 0 if logs["val_loss"] < lowest else worse + 1
            lowest = min(lowest, logs["val_loss"])
        for name, value in logs.items():
            results[{"loss": f"{name}es", "acc": f"{name}s"}[name.partition("_")[2]]].append((epoch, value))
        stops = callback is not None and callback(epoch, logs)
        if stops or (patience is not None and worse > patience):
            break
    if test_data is not None:
        results["test_acc"] = evaluate(test_data)[1]
    return results
    # END SOLUTION


# -- The program: given, nothing to do below ---------------------------------------------------------------------------


def load_data() -> dict[str, Data]:
    """MNIST, ready for `train`: images in [0, 1], a twelfth of the training images held out for validation.

    Returns:
        "train", "validation" and "test", each images `(N, 28, 28)` float32 and labels `(N,)` int64.
    """
    from mnist import load

    mnist = load()
    held_out = len(mnist.train_images) // 12

    def ready(images: np.ndarray, labels: np.ndarray) -> Data:
        return images.astype(np.float32) / 255, labels.astype(np.int64)

    return {
        "train": ready(mnist.train_images[held_out:], mnist.train_labels[held_out:]),
        "validation": ready(mnist.train_images[:held_out], mnist.train_labels[:held_out]),
        "test": ready(mnist.test_images, mnist.test_labels),
    }


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The class that a model finds most likely for each image, `(N,)`.

    Args:
        model: Gives scores `(B, C)`.
        images: `(N, ...)` float32.
    """
    step = tf.function(lambda x: tf.argmax(model(x, training=False), axis=-1), reduce_retracing=True)
    parts = [step(tf.constant(images[first : first + 500])).numpy() for first in range(0, len(images), 500)]
    return np.concatenate(parts)


def main(arguments: list[str] | None = None) -> None:
    """Trains as the command line says, and leaves results and pictures behind.

    Args:
        arguments: Those after the program's name; None means `sys.argv`.
    """
    import figures
    from classifier import CELLS, RNNSequenceClassifier

    parser = argparse.ArgumentParser(description="Trains a recurrent classifier on the rows of MNIST's images.")
    parser.add_argument("--cell", choices=CELLS, default=CONFIG["cell"], help="default: %(default)s")
    parser.add_argument("--layers", type=int, default=1, help="recurrent layers (default: %(default)s)")
    parser.add_argument("--keep", type=float, default=1.0, help="share that dropout keeps (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=CONFIG["epochs"], help="at most (default: %(default)s)")
    parser.add_argument("--fraction", type=float, default=1.0, help="share of the training images to train on")
    parser.add_argument("--run-dir", type=Path, default=Path("runs/classifier"), help="default: %(default)s")
    options = parser.parse_args(arguments)

    data = load_data()
    count = int(options.fraction * len(data["train"][0]))
    print(f"{count:,} images to learn from, {len(data['validation'][0]):,} for validation")
    keras.utils.set_random_seed(1)
    model = RNNSequenceClassifier(options.cell, num_layers=options.layers, dropout_keep_prob=options.keep)
    started = time.monotonic()

    def after_epoch(epoch: int, logs: dict[str, float]) -> None:
        text = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        print(f"epoch {epoch + 1}/{options.epochs}  {text}  {time.monotonic() - started:.0f} s", flush=True)

    results = train(
        model,
        data["train"],
        data["validation"],
        num_epochs=options.epochs,
        batch_size=CONFIG["batch_size"],
        fraction=options.fraction,
        patience=CONFIG["patience"],
        callback=after_epoch,
        learning_rate=CONFIG["learning_rate"],
        test_data=data["test"],
    )
    folder = options.run_dir
    folder.mkdir(parents=True, exist_ok=True)
    settings = {**CONFIG, **{name: value for name, value in vars(options).items() if name != "run_dir"}, "seed": 1}
    (folder / "results.json").write_text(json.dumps({"settings": settings, **results}, indent=1), encoding="utf-8")
    model.save_weights(folder / "model.weights.h5")
    figures.training_curves(results, folder / "curves.png")
    figures.confusion_matrix(data["test"][1], predict(model, data["test"][0]), folder / "confusion.png")
    print(f"{results['test_acc']:.2%} of {len(data['test'][0]):,} test images are told rightly")
    print(f"curves.png, confusion.png and the rest are in {folder}")


if __name__ == "__main__":
    main()
