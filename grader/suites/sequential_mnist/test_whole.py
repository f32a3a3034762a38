"""Tasks 4.5 and 4.6: everything together, on digits that no training has seen."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import mnist
from grader.oracles.compare import as_array, as_dict, as_items, as_number, expect

NOISE = 0.02  # standard deviation of the noise on pixels in [0, 1]
DIGITS = 2_000  # at most


def share_told(model, rng):
    """The share of test digits, in random order and with noise on their pixels, that a trained model tells."""
    data = mnist.load()
    chosen = rng.permutation(len(data.test_labels))[:DIGITS]
    images = data.test_images[chosen] + 255 * NOISE * rng.standard_normal((len(chosen), 28, 28))
    images = np.clip(np.rint(images), 0, 255).astype(np.uint8)
    shape = (len(chosen), 10)
    logits = as_array(model.predict(images=images), "the logits", shape=shape, axes="batch x classes", kind="float")
    return float(np.mean(logits.argmax(axis=1) == data.test_labels[chosen]))


def check_accuracy(model, rng, which, thresholds, measure):
    reached, least = share_told(model, rng), thresholds[which]
    measure(which, reached)
    expect(reached >= least, f"{reached:.1%} of unseen digits are told rightly; expected at least {least:.0%}.")


@pytest.mark.task("4.5", points=3, limit_s=60, hint="`CONFIG['rows']`: the rate, the number of epochs; does it learn?")
def test_rows(trained, thresholds, measure, rng):
    """Trained on rows, the model tells unseen digits."""
    check_accuracy(trained("rows"), rng, "rows", thresholds, measure)


@pytest.mark.task(
    "4.5", points=1, tier="outstanding", limit_s=90, hint="Make all layers' weights before `@tf.function` sees the call"
)
def test_training_moves_every_weight(student, rng):
    """Without help from the kit, `train` changes every weight of the model, and its predictions with them."""
    # One step an epoch: where a graph is frozen, XLA may compile at each.
    x = rng.uniform(size=(16, 5, 3)).astype(np.float32)
    y = rng.integers(0, 10, size=16).astype(np.int32)
    found = student.still_weights(x=x, y=y, batch_size=16, learning_rate=0.01)
    found = as_dict(found, "the weights", ["variables", "still", "predictions"])
    still = [str(path) for path in as_items(found["still"], "the answer")]
    count = as_number(found["variables"], "the number")
    expect(count > 0, "the model has no trainable variables.")
    such_as = still[0] if still else ""
    text = f"{len(still)} of {count:.0f} weights never change, such as {such_as}: such a train.py trains nothing there."
    why = "the prediction does not depend on them, or a `@tf.function` traced before its layers were built froze them."
    expect(not still, f"{text} Either {why}")
    answers = as_items(found["predictions"], "the predictions", length=2)
    first, second = (as_array(part, "the predictions", shape=(16, 10)) for part in answers)
    text = "the second epoch changed every weight, but not the model's predictions outside of training."
    why = "a `@tf.function` traced before its layers were built keeps their first values."
    expect(not np.array_equal(first, second), f"{text} One cause: {why}")


@pytest.mark.task("4.6", points=3, limit_s=60, hint="What helps a GRU to remember 196 steps? See the README")
def test_pixels(trained, thresholds, measure, rng):
    """Trained on 196 pixels in their order, the model tells unseen digits."""
    check_accuracy(trained("pixels"), rng, "pixels", thresholds, measure)


@pytest.mark.task("4.6", points=3, limit_s=60, hint="The same settings as for pixels may do")
def test_permuted(trained, thresholds, measure, rng):
    """Trained on 196 permuted pixels, the model tells unseen digits."""
    check_accuracy(trained("permuted"), rng, "permuted", thresholds, measure)
