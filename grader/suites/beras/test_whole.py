"""Task 8: trainings and the whole program."""

from __future__ import annotations

import re

import numpy as np
import pytest

from grader.oracles import mnist
from grader.oracles.compare import as_array, as_dict, as_items, as_number, as_numbers, expect

NOISE = 0.02  # of a pixel between 0 and 1


def noisy_digits(rng):
    """The test digits in random order, with noise, and their labels; the labels stay here."""
    data = mnist.load()
    order = rng.permutation(len(data.test_images))
    noise = rng.normal(scale=255 * NOISE, size=data.test_images.shape)
    images = np.clip(np.rint(data.test_images + noise), 0, 255).astype(np.uint8)
    return images[order], data.test_labels[order]


def reached(trained, which, rng):
    """The share of test digits that a trained model tells rightly."""
    images, labels = noisy_digits(rng)
    prediction = trained(which).predict(which=which, images=images)
    what = f"the output of the {which} model"
    prediction = as_array(prediction, what, shape=(len(images), 10), axes="images x classes", kind="float")
    return float(np.mean(prediction.argmax(axis=1) == labels))


@pytest.mark.task("8.1", points=2, limit_s=60, hint="Does each part pass its own tests?")
def test_simple_loss_falls(trained):
    """The loss of the simple model falls."""
    result = as_dict(trained("simple").result, "the training", ["losses"])
    values = as_numbers(result["losses"], "the losses", length=10)
    expect(
        values[-1] < 0.9 * values[0],
        f"the loss went from {values[0]:.3g} in the first tenth of the training to {values[-1]:.3g} in the last.",
    )


@pytest.mark.task("8.1", points=4, limit_s=60, hint="Does each part pass its own tests?")
def test_simple_accuracy(trained, thresholds, measure, rng):
    """The simple model, as given, tells enough test digits."""
    share, least = reached(trained, "simple", rng), thresholds["simple_accuracy"]
    measure("simple_accuracy", share)
    expect(share >= least, f"{share:.2%} of the test digits are told rightly; expected at least {least:.0%}.")


@pytest.mark.task("8.2", points=1, hint="`SimpleNamespace(model=..., epochs=..., batch_size=...)`")
def test_advanced_components(student):
    """The advanced model is compiled, and has two or more Dense layers and two or more activations."""
    keys = ["with_weights", "others", "epochs", "batch_size", "compiled", "is_model"]
    found = as_dict(student.advanced_parts(), "the answer", keys)
    for key, what in (("with_weights", "layers with weights"), ("others", "layers without, such as activations")):
        count = as_number(found[key], "the number")
        expect(count >= 2, f"the advanced model has {count:.0f} {what}; expected two or more.")
    for key in ("epochs", "batch_size"):
        expect(as_number(found[key], key) >= 1, f"{key} is less than 1.")
    expect(found["is_model"] is True, "`model` is no Model.")
    expect(found["compiled"] is True, "the model is not compiled: it lacks an optimizer, a loss or an accuracy.")


@pytest.mark.task("8.2", points=9, limit_s=60, hint="More units, a lower learning rate, more epochs")
def test_advanced_accuracy(trained, thresholds, measure, rng):
    """The advanced model tells enough test digits."""
    share, least = reached(trained, "advanced", rng), thresholds["advanced_accuracy"]
    measure("advanced_accuracy", share)
    expect(share > least, f"{share:.2%} of the test digits are told rightly; expected more than {least:.0%}.")


# -- 8.3 --------------------------------------------------------------------------------------------------------------

TRAIN, TEST = 2000, 500


def strokes(rng):
    """Easy images of ten classes, strokes at random places with noise: any model that learns knows them all."""
    shapes = rng.random((10, 28, 28)) < 0.1

    def draw(count):
        labels = rng.permutation(np.arange(count) % 10)
        images = 190 * shapes[labels] + rng.integers(0, 50, size=(count, 28, 28))
        return images.astype(np.uint8), labels.astype(np.uint8)

    train, test = draw(TRAIN), draw(TEST)
    return {"train_images": train[0], "train_labels": train[1], "test_images": test[0], "test_labels": test[1]}


def answers(rng, data, shares):
    """What the kit's model says of these images, so that these shares of both sets are right."""
    labels = np.concatenate([data["train_labels"], data["test_labels"]]).astype(int)
    counts = (TRAIN, TEST)
    right = np.concatenate(
        [rng.permutation(count) < round(share * count) for count, share in zip(counts, shares, strict=True)]
    )
    scores = np.eye(10)[np.where(right, labels, (labels + 1) % 10)]
    return {"scores": scores, "right": right}


def numbers_in(line):
    """Every number of a line, as a share: percentages too."""
    found = []
    for text, percent in re.findall(r"(\d+(?:\.\d+)?(?:e-?\d+)?)\s*(%?)", line):
        value = float(text)
        found.append(value / 100 if percent or value > 1 else value)
    return found


@pytest.mark.task("8.3", points=2, hint="Evaluate on the test data, and print that accuracy last")
def test_main_prints_test_accuracy(student, measure, rng):
    """`main()` trains on the training data alone, and the last line that it prints holds the test accuracy."""
    data, tested, learnt = strokes(rng), round(rng.uniform(0.55, 0.8), 3), 0.934
    found = student.run_main(**data, made_up=answers(rng, data, (learnt, tested)))
    found = as_dict(found, "the answer", ["printed", "lines", "rows", "test_rows"])
    measure("printed_lines", as_number(found["lines"], "the number of lines"))
    for rows in as_items(found["rows"], "the calls of `fit`"):
        count = as_number(rows, "the number of samples")
        expect(count <= TRAIN, f"`fit` is given {count:.0f} samples; there are {TRAIN} to train on.")
    leaked = sum(as_numbers(found["test_rows"], "the test images in calls of `fit`"))
    expect(leaked == 0, f"`fit` is given {leaked:.0f} of the test images; train on the training images alone.")
    lines = [str(line) for line in as_items(found["printed"], "the output")]
    expect(lines, "`main()` prints nothing.")
    values = numbers_in(lines[-1])
    expect(values, f"the last line that `main()` prints has no number: {lines[-1][:80]!r}.")
    words = "In this test a model of the kit stands in for yours"
    if not is_among(values, tested):
        earlier = any(is_among(numbers_in(line), tested) for line in lines[:-1])
        hint = " It stands in an earlier line." if earlier else ""
        hint = hint or (" It is that on the training images." if is_among(values, learnt) else "")
        raise AssertionError(f"{words}, and the last line does not hold its accuracy on the test images.{hint}")
    expect(as_items(found["rows"], "the calls of `fit`"), f"{words}, and `main()` never calls its `fit`.")


def is_among(values, share):
    """Whether a printed number is that share, at two decimals or more."""
    return any(abs(value - share) < 0.006 for value in values)


@pytest.mark.task("8.3", points=1, behind="8.3", limit_s=90, hint="Vectorize: no loop over samples")
def test_main_in_time(student, rng, thresholds):
    """On all training images the program would end within ten minutes."""
    found = as_dict(student.run_main(**strokes(rng)), "the answer", ["seconds"])
    seconds = as_number(found["seconds"], "the time") * 60_000 / TRAIN
    most = thresholds["program_s"]
    expect(seconds <= most, f"on 60,000 images `main()` would take {seconds:.0f} s; at most {most:.0f} s are allowed.")
