"""A training epoch of the advanced Beras model against the same model in Keras, both on the CPU, in one process.

    python benchmarks/beras_epoch.py                on one core, as in grading, in processor time
    python benchmarks/beras_epoch.py --all-cores    on all cores, in wall time

An epoch is the 60,000 training images of MNIST, shuffled, in batches of 256, with loss, accuracy and the optimizer's
steps. Both start from the same weights. Keras trains by its own `fit`, with `jit_compile` off and on; the better one
counts. All take turns in random order; medians are compared. A ratio of 1.0 or below means that Beras is no slower.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solution" / "beras"))

BATCH_SIZE = 256

Epochs = dict[str, Callable[[], object]]


def same_in_keras(model: object, jit_compile: bool) -> object:
    """A Keras model with the layers, settings and weights of a Beras model."""
    import keras

    twin = keras.Sequential([keras.Input((784,))])
    for layer in model.layers:
        if layer.weights:
            twin.add(keras.layers.Dense(len(layer.b)))
            twin.layers[-1].set_weights(layer.weights)
        elif hasattr(layer, "alpha"):
            twin.add(keras.layers.LeakyReLU(negative_slope=layer.alpha))
        else:
            twin.add(keras.layers.Softmax())
    rate, steps = model.optimizer.first, model.optimizer.steps
    decay = keras.optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0.01 * rate)
    optimizer = keras.optimizers.Adam(decay, epsilon=model.optimizer.epsilon)
    twin.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"], jit_compile=jit_compile)
    return twin


def contestants() -> tuple[Epochs, Callable[[], dict[str, float]]]:
    """What is compared, each call one epoch; and the test accuracies."""
    from assignment import get_advanced_model_components
    from Beras.onehot import OneHotEncoder
    from preprocess import load_and_preprocess_data

    inputs, labels, test_inputs, test_labels = load_and_preprocess_data()
    encoder = OneHotEncoder()
    one_hot, test_one_hot = encoder(labels), encoder(test_labels)
    ours = get_advanced_model_components().model
    twins = {f"keras{' jit' if jit else ''}": same_in_keras(ours, jit) for jit in (False, True)}

    def accuracies() -> dict[str, float]:
        found = {name: twin.evaluate(test_inputs, test_one_hot, verbose=0)[1] for name, twin in twins.items()}
        return {"beras": ours.evaluate(test_inputs, test_one_hot, 1000)["acc"], **found}

    calls: Epochs = {"beras": lambda: ours.fit(inputs, one_hot, 1, BATCH_SIZE)}
    for name, twin in twins.items():
        calls[name] = lambda twin=twin: twin.fit(inputs, one_hot, batch_size=BATCH_SIZE, epochs=1, verbose=0)
    return calls, accuracies


def main() -> None:
    """Prints medians, and their ratio."""
    parser = argparse.ArgumentParser(description="A training epoch of Beras's advanced model against Keras.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--all-cores", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if options.all_cores:
        clock = time.perf_counter
    else:
        # On a single core no thread waits for another one, so processor time tells what an epoch costs whatever else
        # runs on the machine. Thread pools are made when TensorFlow and NumPy are imported, so this comes before.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        clock = time.process_time
    calls, accuracies = contestants()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(options.rounds + 1):
        for name in random.sample(list(calls), len(calls)):
            start = clock()
            with contextlib.redirect_stdout(io.StringIO()):
                calls[name]()
            if number:  # the first round traces and compiles
                times[name].append(clock() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, accuracy in accuracies().items():
        shown = ", ".join(f"{value:.2f}" for value in sorted(times[name]))
        print(f"{name:>9}: median {medians[name]:.2f} s an epoch ({shown}); test accuracy {100 * accuracy:.2f} %")
    print(f"{'ratio':>9}: {medians['beras'] / min(medians['keras'], medians['keras jit']):.2f}")


if __name__ == "__main__":
    main()
