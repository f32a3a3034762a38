"""Trains the tuned model on one of the three orders: four functions are yours, the program below them is given.

    python train.py rows                                   28 steps of 28 pixels
    python train.py pixels                                 196 steps of one pixel, each the mean of 2 x 2
    python train.py permuted                               the same pixels in a shuffled order
    python train.py pixels --stride 1 --run-dir runs/long  784 steps: an hour or more, over as many sittings as you like
    python train.py rows --epochs 2 --steps 20 --run-dir runs/try      a first look, in seconds
    tensorboard --logdir runs                              curves and histograms, while it trains

The run's folder receives `config.json`, `history.json`, `checkpoints/`, `best.weights.h5`, `tensorboard/` and pictures.
After Ctrl-C the same command goes on after the last whole epoch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

import keras
import numpy as np
import tensorflow as tf
from run import NAMES, History, Logs, ProgressBar, Run


class Config(TypedDict):
    """Settings of a model and its training."""

    cell: str
    units: int
    epochs: int
    learning_rate: float
    batch_size: int
    clip_norm: float
    dropout: float
    recurrent_dropout: float


# Yours to tune, for each of the three orders; grading trains with them, inside the limits of tasks 4.5 and 4.6.
CONFIG: dict[str, Config] = {
    "rows": {
        "cell": "lstm",
        "units": 128,
        "epochs": 12,
        "learning_rate": 3e-3,
        "batch_size": 64,
        "clip_norm": 1.0,
        "dropout": 0.0,
        "recurrent_dropout": 0.0,
    },
    "pixels": {
        "cell": "gru",
        "units": 64,
        "epochs": 14,
        "learning_rate": 2e-2,
        "batch_size": 32,
        "clip_norm": 1.0,
        "dropout": 0.0,
        "recurrent_dropout": 0.0,
    },
    "permuted": {
        "cell": "gru",
        "units": 64,
        "epochs": 14,
        "learning_rate": 2e-2,
        "batch_size": 32,
        "clip_norm": 1.0,
        "dropout": 0.0,
        "recurrent_dropout": 0.0,
    },
}

SEED = 1
VALIDATION_BATCH = 500
HISTOGRAM_STEPS = 250
BEST = "best.weights.h5"
# A loop of small steps gains most from XLA; a GPU runs Keras' layers in one kernel of cuDNN, which XLA does not know.
JIT_COMPILE = not tf.config.list_physical_devices("GPU")


def make_datasets(
    images: np.ndarray,
    labels: np.ndarray,
    order: Callable[[np.ndarray], np.ndarray],
    batch_size: int,
    validation_share: float = 1 / 12,
    seed: int = SEED,
) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    """Splits labelled images at random into some to learn from and some for validation, and makes sequences of them.

    Args:
        images: `(N, 28, 28)` uint8, from 0 to 255.
        labels: `(N,)` uint8, digits.
        order: From images `(B, 28, 28)` float32 in [0, 1] to sequences `(B, T, D)`, such as `row_by_row`.
        batch_size: B of the training batches.
        validation_share: The share of images that is held out, rounded to whole images.
        seed: Decides on the split and on the shuffling, whatever else has been drawn before.

    Returns:
        Two datasets of `(x, y)`: `(B, T, D)` float32 and `(B,)` integers. The first is for training: its images are
        shuffled, anew in each epoch; those that do not fill its last batch may be left out. The second holds the other
        share, every image of it, in batches of any size, in the same order each time. T, D and the number of batches
        are known to both.
    """
    # TODO 4.1: Draw one order of all images, and cut it once. Sorted labels make a bad split of "the first so many".
    #     `shuffle` takes a seed, and by itself shuffles anew in each epoch.
    raise NotImplementedError("Task 4.1: Training and validation data")


def clip_gradients(
    gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable], clip_norm: float
) -> list[tf.Tensor]:
    """Shortens long gradients of the recurrent layer, and leaves those of the readout as they are.

    Each gradient is judged by its own norm, the root of the sum of its squares: where that is larger than `clip_norm`,
    the gradient is scaled down to it, its direction unchanged. Pascanu, Mikolov & Bengio (2013), "On the difficulty of
    training recurrent neural networks", section 3.2.

    Args:
        gradients: One for each variable.
        variables: Those of a model. What belongs to the readout has "readout" in its path.
        clip_norm: The largest norm that stays.

    Returns:
        The gradients, in the same order. Those of batch normalization may be clipped or not.
    """
    # TODO 4.2: In Keras 3 `variable.name` is "kernel" for both layers; `variable.path` tells them apart.
    raise NotImplementedError("Task 4.2: Clipping that spares the readout")


def optimizer_for(model: keras.Model, learning_rate: float, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer for a model: the one that the program has attached to it, else a new one.

    An attached one brings along its momenta and its step count, which a resumed training needs.

    Args:
        model: Anything; `model.optimizer` is looked at.
        learning_rate: Of a new optimizer, at its largest.
        steps: Of the whole training: over these the rate falls along half a cosine, nearly to 0.

    Returns:
        An optimizer; change its kind here if you like.
    """
    attached = getattr(model, "optimizer", None)
    if attached is not None:
        return attached
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, max(1, steps), alpha=0.01))


def train(
    model: keras.Model,
    train_dataset: tf.data.Dataset,
    validation_dataset: tf.data.Dataset,
    epochs: int = CONFIG["rows"]["epochs"],
    learning_rate: float = CONFIG["rows"]["learning_rate"],
    clip_norm: float = CONFIG["rows"]["clip_norm"],
    run_dir: Path | str | None = None,
    callback: Callable[[int, Logs], bool | None] | None = None,
    history: History | None = None,
) -> History:
    """Trains a classifier with a loop of our own; at the end the model has the weights of its best epoch.

    The best epoch is the one with the highest accuracy on `validation_dataset`, the first of equals.

    Args:
        model: Maps `(B, T, D)` float32 to logits `(B, 10)`; what belongs to its readout has "readout" in its path.
        train_dataset: Batches `(x, y)`: `(B, T, D)` float32 and digits `(B,)`, integers.
        validation_dataset: The same with other images; nothing is learnt from them.
        epochs: In all, those in `history` included.
        learning_rate: At the start.
        clip_norm: As of `clip_gradients`, which every gradient passes before it is applied.
        run_dir: Folder that receives `best.weights.h5`, by `model.save_weights`, each time that an epoch is the best so
            far, and an event file for TensorBoard: after each epoch the four values of Returns as scalars under their
            names, and every 250 steps a histogram of each gradient, `gradients/raw/<path of the variable>` before it
            was clipped and `gradients/clipped/<path of the variable>` after. None writes nothing.
        callback: Called after each epoch with its number, from 0, and the epoch's four values. If it returns True, the
            training ends there.
        history: What `train` returned for earlier epochs of the same training, with the same `run_dir`: epochs are
            counted on from there, with the weights that the model has, and the best of them counts, too. None for a new
            training.

    Returns:
        Lists with one float an epoch, those of `history` included: `loss` (mean cross-entropy) and `accuracy` (share of
        right digits) while training, `val_loss` and `val_accuracy` after the epoch.
    """
    # TODO 4.3: Call the model once on a batch before anything is traced, so that its weights exist.
    #     One step: logits = model(x, training=True) and the loss under tf.GradientTape, the gradients,
    #     `clip_gradients`, the optimizer. Decorate it with tf.function (jit_compile=True is worth a try); the loop
    #     over epochs and batches stays plain Python. Validation runs with training=False.
    #     `model.get_weights()` after the best epoch, `model.set_weights(...)` at the end.
    #     Task 4.4: tf.summary.create_file_writer, tf.summary.scalar, tf.summary.histogram. Let the step return raw
    #     and clipped gradients, and write outside of the graph. `optimizer.iterations` counts steps.
    raise NotImplementedError("Task 4.3: The training loop")


# -- The program: given, nothing to do below --------------------------------------------------------------------------


def predict(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """What a model says for many sequences.

    Args:
        model: Maps `(B, T, D)` to `(B, 10)`.
        x: `(N, T, D)` float32.

    Returns:
        Logits `(N, 10)`.
    """
    step = tf.function(lambda x: model(x, training=False), reduce_retracing=True)
    parts = tf.data.Dataset.from_tensor_slices(x).batch(VALIDATION_BATCH)
    return np.concatenate([step(part).numpy() for part in parts])


def order_of(name: str, stride: int) -> Callable[[np.ndarray], np.ndarray]:
    """The function that makes sequences of images.

    Args:
        name: "rows", "pixels" or "permuted".
        stride: Of the latter two.
    """
    import orders

    found = {"rows": orders.row_by_row, "pixels": orders.pixel_by_pixel, "permuted": orders.permuted}[name]
    return found if name == "rows" else partial(found, stride=stride)


def main(arguments: list[str] | None = None) -> None:
    """Trains as the command line says.

    Args:
        arguments: Those after the program's name; None means `sys.argv`.
    """
    import figures
    from mnist import load
    from model import build_model

    parser = argparse.ArgumentParser(description="Trains on one order; the same command goes on after Ctrl-C.")
    parser.add_argument("order", choices=CONFIG)
    parser.add_argument("--epochs", type=int, help="epochs in all (default: as CONFIG says)")
    parser.add_argument("--steps", type=int, help="batches in an epoch (default: all)")
    parser.add_argument("--stride", type=int, default=2, help="pixels of an image are averaged (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="default: %(default)s")
    parser.add_argument("--run-dir", type=Path, help="default: runs/<order>")
    options = parser.parse_args(arguments)
    config: Config = {**CONFIG[options.order]}
    config["epochs"] = options.epochs or config["epochs"]
    folder = options.run_dir or Path("runs") / options.order

    mnist = load()
    keras.utils.set_random_seed(options.seed)
    order = order_of(options.order, options.stride)
    train_dataset, validation_dataset = make_datasets(
        mnist.train_images, mnist.train_labels, order, config["batch_size"], seed=options.seed
    )
    train_dataset = train_dataset.take(options.steps or -1)
    num_steps, num_features = train_dataset.element_spec[0].shape[1:]
    rates = config["dropout"], config["recurrent_dropout"]
    model = build_model(config["cell"], config["units"], num_steps, num_features, *rates)
    batches = int(train_dataset.cardinality())
    model.optimizer = optimizer_for(model, config["learning_rate"], config["epochs"] * batches)
    settings: dict[str, Any] = {**config, "order": options.order, "num_steps": num_steps, "data": mnist.name}
    try:
        run = Run(folder, model, {**settings, "batches": batches, "seed": options.seed})
    except ValueError as error:
        parser.exit(1, f"{error}\n")
    print(f"{mnist.name}: {batches} batches of {config['batch_size']} sequences of {num_steps} steps in an epoch")
    if run.epoch:
        print(f"going on after epoch {run.epoch}, step {int(model.optimizer.iterations)}, from {folder}")
        for _ in range(run.epoch):
            iter(train_dataset)  # moves the shuffling on, to the order that the next epoch would have had
    bar = ProgressBar(batches)

    def after_epoch(_: int, logs: Logs) -> None:
        run.save(logs)
        bar.clear()
        values = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        print(f"epoch {run.epoch}/{config['epochs']}  {values}  {run.seconds:.0f} s", flush=True)

    earlier: History | None = {name: list(run.history[name]) for name in NAMES} if run.epoch else None
    limits = config["epochs"], config["learning_rate"], config["clip_norm"]
    datasets = bar.watch(train_dataset), validation_dataset
    try:
        history = train(model, *datasets, *limits, folder, after_epoch, earlier)
    except KeyboardInterrupt:
        print(f"\nstopped; {run.epoch} whole epochs are saved, and the same command goes on from there")
        return
    scaled = mnist.test_images.astype(np.float32) / 255
    predicted = predict(model, order(scaled)).argmax(axis=1)
    accuracy = float(np.mean(predicted == mnist.test_labels))
    figures.save(figures.curves(history), folder / "curves.png")
    figures.save(figures.digits(scaled[:6], order), folder / "digits.png")
    figures.save(figures.confusion(mnist.test_labels, predicted), folder / "confusion.png")
    norms = figures.read_histograms(folder)
    if norms:
        figures.save(figures.gradients(norms, config["clip_norm"]), folder / "gradients.png")
    print(f"best epoch {int(np.argmax(history['val_accuracy'])) + 1}; {run.seconds:.0f} s of training")
    print(f"{accuracy:.2%} of {len(predicted):,} unseen digits are told rightly")
    print(f"pictures and the rest are in {folder}")


if __name__ == "__main__":
    main()
