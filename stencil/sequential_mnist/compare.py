"""The models side by side, and what each step from the plain one to the tuned one was worth. Given; nothing to do here.

    python compare.py models      plain and tuned on rows, tuned on pixels and on permuted pixels: most of an hour
    python compare.py changes     from the plain model to the tuned one, a change at a time, on rows: about 5 minutes

Both print a table and draw a picture. `--images N` takes the first N training images alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import figures
import keras
import numpy as np
import tensorflow as tf
from mnist import Mnist, load
from model import build_model
from plain import PlainClassifier, sgd_step
from train import CONFIG, JIT_COMPILE, SEED, make_datasets, order_of, predict, train

STRIDE = 2
PLAIN_RATE = 0.1
NO_CLIPPING = 1e9
EPOCHS_OF_CHANGES = 2
Result = tuple[float, float]  # accuracy on unseen digits, seconds of training


def train_plain(model: keras.Model, train_dataset: tf.data.Dataset, epochs: int) -> None:
    """Plain gradient descent, by `sgd_step`.

    Args:
        model: With its weights.
        train_dataset: Batches `(x, y)`.
        epochs: Passes over it.
    """
    step = tf.function(lambda x, y: sgd_step(model, x, y, PLAIN_RATE), jit_compile=JIT_COMPILE)
    for _ in range(epochs):
        for x, y in train_dataset:
            step(x, y)


def measure(mnist: Mnist, order: str, make: Callable[[int, int], keras.Model], fit: Callable[..., object]) -> Result:
    """Makes a model, trains it, and tries it on the test images.

    Args:
        mnist: The images.
        order: "rows", "pixels" or "permuted".
        make: Gets the number of time steps and of features, returns the model.
        fit: Gets the model and both datasets, and trains it.
    """
    keras.utils.set_random_seed(SEED)
    sequences = order_of(order, STRIDE)
    datasets = make_datasets(mnist.train_images, mnist.train_labels, sequences, CONFIG[order]["batch_size"])
    num_steps, num_features = datasets[0].element_spec[0].shape[1:]
    model = make(num_steps, num_features)
    model(tf.zeros((1, num_steps, num_features)))
    start = time.perf_counter()
    fit(model, *datasets)
    seconds = time.perf_counter() - start
    logits = predict(model, sequences(mnist.test_images.astype(np.float32) / 255))
    return float(np.mean(logits.argmax(axis=1) == mnist.test_labels)), seconds


def compare_models(mnist: Mnist) -> dict[str, Result]:
    """The plain model and the tuned one on rows, the tuned one on pixels and permuted pixels, as CONFIG says.

    Args:
        mnist: The images.
    """
    rows, results = CONFIG["rows"], {}

    def report(name: str, result: Result) -> None:
        results[name] = result
        print(f"{name:24} {result[0]:8.2%} {result[1]:8.0f} s", flush=True)

    plain = measure(
        mnist,
        "rows",
        lambda *_: PlainClassifier("lstm", rows["units"]),
        lambda model, training, _: train_plain(model, training, rows["epochs"]),
    )
    report("plain, rows", plain)
    for order, config in CONFIG.items():
        rates = config["dropout"], config["recurrent_dropout"]
        limits = config["epochs"], config["learning_rate"], config["clip_norm"]
        tuned = measure(
            mnist,
            order,
            lambda *sizes, config=config, rates=rates: build_model(config["cell"], config["units"], *sizes, *rates),
            lambda model, *datasets, limits=limits: train(model, *datasets, *limits),
        )
        report(f"tuned, {order}", tuned)
    return results


def compare_changes(mnist: Mnist) -> dict[str, Result]:
    """From the plain model to the tuned one, a change at a time, each with `EPOCHS_OF_CHANGES` epochs of rows.

    Args:
        mnist: The images.
    """
    config, epochs = CONFIG["rows"], EPOCHS_OF_CHANGES
    units, rate = config["units"], config["learning_rate"]

    def plain(*_: int) -> keras.Model:
        return PlainClassifier("lstm", units)

    def without_normalization(num_steps: int, num_features: int) -> keras.Model:
        x = keras.Input((num_steps, num_features))
        h = keras.layers.LSTM(units, kernel_initializer="orthogonal", recurrent_initializer="orthogonal")(x)
        return keras.Model(x, keras.layers.Dense(10, kernel_initializer="orthogonal", name="readout")(h))

    def tuned(num_steps: int, num_features: int) -> keras.Model:
        return build_model("lstm", units, num_steps, num_features)

    def adaptive(clip_norm: float) -> Callable[..., object]:
        return lambda model, *datasets: train(model, *datasets, epochs, rate, clip_norm)

    steps = {
        "plain: LSTM, readout by hand, gradient descent": (plain, lambda m, data, _: train_plain(m, data, epochs)),
        "+ adaptive optimizer, falling rate": (plain, adaptive(NO_CLIPPING)),
        "+ Dense readout, orthogonal starts": (without_normalization, adaptive(NO_CLIPPING)),
        "+ batch normalization": (tuned, adaptive(NO_CLIPPING)),
        "+ clipping: the tuned model": (tuned, adaptive(config["clip_norm"])),
    }
    results = {}
    for name, (make, fit) in steps.items():
        results[name] = measure(mnist, "rows", make, fit)
        print(f"{name:48} {results[name][0]:8.2%} {results[name][1]:8.0f} s", flush=True)
    return results


def main(arguments: list[str] | None = None) -> None:
    """Compares as the command line says.

    Args:
        arguments: Those after the program's name; None means `sys.argv`.
    """
    parser = argparse.ArgumentParser(description="Compares models, or changes from the plain one to the tuned one.")
    parser.add_argument("what", choices=("models", "changes"))
    parser.add_argument("--images", type=int, help="training images (default: all)")
    parser.add_argument("--run-dir", type=Path, default=Path("runs/compare"), help="default: %(default)s")
    options = parser.parse_args(arguments)
    options.run_dir.mkdir(parents=True, exist_ok=True)
    mnist = load()
    count = options.images or len(mnist.train_images)
    mnist = Mnist(mnist.name, mnist.train_images[:count], mnist.train_labels[:count], *_test_part(mnist))
    print(f"{mnist.name}, {len(mnist.train_images):,} training images; share of unseen digits, seconds of training")
    results = compare_models(mnist) if options.what == "models" else compare_changes(mnist)
    figures.save(figures.comparison(results), options.run_dir / f"{options.what}.png")
    print(f"{options.what}.png is in {options.run_dir}")


def _test_part(mnist: Mnist) -> tuple[np.ndarray, np.ndarray]:
    return mnist.test_images, mnist.test_labels


if __name__ == "__main__":
    main()
