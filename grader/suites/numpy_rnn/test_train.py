"""Task 7: the training loop on a model of the kit's, and the whole on digits."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import mnist, rnn
from grader.oracles.compare import as_array, as_dict, as_items, as_number, expect

CURVES = ("train_losses", "train_accs", "val_losses", "val_accs")
CLASSES = 3
BATCH = 10
RATE = 0.1
NO_RATE = 1e-9  # a learning rate at which weights stay where they are
NOISE = 0.02  # standard deviation of the noise on pixels in [0, 1]
FIRST_VALIDATION = 1000  # number of the first validation image


def problem(rng, count, first=0, turn=0):
    """Pixels 0 to 4 of some images and their labels; pixel 0 is the image's number.

    The label is the brightest of pixels 1 to 3, counted on by `turn`.
    """
    pixels = rng.uniform(size=(count, 5)).astype(np.float32)
    labels = (pixels[:, 1:4].argmax(axis=1) + turn) % CLASSES
    pixels[:, 0] = first + np.arange(count)
    return [pixels, labels]


def clear_problem(rng, count, first=0, turn=0):
    """The like, but soon learnt by any optimizer: one of pixels 1 to 3 is far brighter. Every tenth label is wrong."""
    pixels, _ = problem(rng, count, first)
    labels, numbers = rng.integers(0, CLASSES, size=count), np.arange(count)
    pixels[:, 1:4] *= 0.2
    pixels[numbers, 1 + labels] += 0.8
    return [pixels, (labels + turn + (numbers % 10 == 0)) % CLASSES]


def scores_of(weights, pixels):
    kernel, bias, _ = as_items(weights, "the weights", length=3)
    return pixels[:, 1:5].astype(np.float64) @ as_array(kernel, "the kernel") + as_array(bias, "the bias")


def accuracy(weights, data):
    return float(np.mean(scores_of(weights, data[0]).argmax(axis=1) == data[1]))


def run_training(student, data, validation, epochs, more=None, **arguments):
    """What the adapter saw of `train`; without early stopping, unless `more` says so."""
    options = {"num_epochs": epochs, "batch_size": BATCH, "learning_rate": RATE, "patience": None, **(more or {})}
    answer = student.train_kit_model(data=data, validation=validation, options=options, **arguments)
    return as_dict(answer, "the answer", ["results", "calls", "weights", "trained", "validated", "batches"])


def curve(found, name):
    """One curve of the results, as two lists: epochs and values."""
    results = as_dict(found["results"], "what `train` returned", CURVES)
    epochs, values = [], []
    for point in as_items(results[name], f"results[{name!r}]"):
        epoch, value = as_items(point, f"an entry of results[{name!r}]", length=2, names="epoch and value")
        epochs.append(as_number(epoch, f"an epoch in results[{name!r}]"))
        values.append(as_number(value, f"a value in results[{name!r}]"))
    return epochs, values


def epochs_run(found):
    return len(curve(found, "train_losses")[0])


def numbers_learnt(found):
    """Numbers of the images that were learnt from, in their order; who forgets training=True is charged elsewhere."""
    trained = as_array(found["trained"], "the numbers", shape=(None,), kind="integer")
    validated = as_array(found["validated"], "the numbers", shape=(None,), kind="integer")
    numbers = trained if len(trained) else validated
    return numbers[numbers < FIRST_VALIDATION]


# -- 7.1 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task(
    "7.1", points=1, limit_s=40, hint="Gradients of the cross-entropy on the training data, applied by an optimizer"
)
def test_training_learns(student, rng):
    """`train` fits the training data: the loss falls, and the accuracies that it reports are true."""
    # The validation data has other labels: a training that looks at it learns the opposite.
    data, validation = clear_problem(rng, 100), clear_problem(rng, 60, FIRST_VALIDATION, turn=1)
    # Plain descent, momentum, Adam and RMSprop, at constant and gently falling rates, over 4,000 seeds: at least 75 %,
    # at most 7 % from the accuracy during the epoch; the loss goes to 73 % or less. Plain descent at rates that are a
    # third from epoch to epoch, over 60 seeds: 62 %, and a loss of 91 %. Chance is 33 %.
    found = run_training(student, data, validation, epochs=8)
    epochs, losses = curve(found, "train_losses")
    expect(epochs == list(range(8)), f"results['train_losses'] has the epochs {epochs[:9]}; expected 0 to 7.")
    expect(losses[-1] < 0.95 * losses[0], f"the loss went from {losses[0]:.3g} to {losses[-1]:.3g}.")
    reached = accuracy(found["weights"], data)
    text = f"after 8 epochs {reached:.0%} of the training images are told rightly; expected over 55 %."
    expect(reached > 0.55, text)
    claimed = curve(found, "train_accs")[1][-1]
    text = f"the accuracy in the last epoch is given as {claimed:.3g}; it is {reached:.3g}."
    expect(abs(claimed - reached) < 0.15, text)


@pytest.mark.task(
    "7.1", points=1, limit_s=40, hint="After an epoch, over all of `validation_data`, without changing weights"
)
def test_validation_is_true(student, rng):
    """The validation curves are those of the validation data, after the epoch."""
    count = 999  # more than one batch
    # The last 299 have other labels, so that no part stands for all, and shifted labels cost something else.
    data, validation = problem(rng, 60), problem(rng, count, FIRST_VALIDATION, turn=np.arange(count) // 700)
    found = run_training(student, data, validation, epochs=3)
    numbers = np.concatenate([as_array(found[name], "the numbers") for name in ("validated", "trained")])
    seen = len(set(numbers[numbers >= FIRST_VALIDATION].tolist()))
    expect(seen == count, f"{seen} of the {count} validation images were looked at.")
    true = accuracy(found["weights"], validation)
    claimed = curve(found, "val_accs")[1][-1]
    text = f"the last validation accuracy is given as {claimed:.4g}; computed from the weights it is {true:.4g}."
    # A plain mean of batches that are not all of one size is off by 1 %.
    expect(abs(claimed - true) < 0.03, text)
    loss = rnn.cross_entropy(scores_of(found["weights"], validation[0]), validation[1])
    claimed = curve(found, "val_losses")[1][-1]
    text = f"the last validation loss is given as {claimed:.4g}; computed from the weights it is {loss:.4g}."
    expect(abs(claimed - loss) < 0.08 * loss, text)


@pytest.mark.task("7.1", points=1, limit_s=40, hint="`model(x, training=True)` in a training step alone")
def test_training_flag(student, rng):
    """The model is told `training=True` when it learns, and not when it is validated."""
    data, validation = problem(rng, 30), problem(rng, 20, FIRST_VALIDATION)
    found = run_training(student, data, validation, epochs=2)
    trained = as_array(found["trained"], "the numbers", shape=(None,), kind="integer")
    expect(len(trained), "the model was never called with training=True, so that dropout would never be on.")
    expect((trained < FIRST_VALIDATION).all(), "validation images were shown to the model with training=True.")


@pytest.mark.task("7.1", points=1, limit_s=40, hint="A new `np.random.permutation` for each epoch, cut into batches")
def test_every_image_once_an_epoch(student, rng):
    """Each epoch shows every training image once, in a new order, in batches of `batch_size`."""
    count, epochs = 45, 3
    batch = 8  # not the 10 of the other tests
    more = {"batch_size": batch}
    found = run_training(student, problem(rng, count), problem(rng, 10, FIRST_VALIDATION), epochs, more)
    numbers = numbers_learnt(found)
    text = f"{epochs} epochs of {count} images showed {len(numbers)} images to the model."
    expect(len(numbers) == epochs * count, text)
    rows = numbers.reshape(epochs, count)
    for row in rows:
        missing = count - len(set(row.tolist()))
        expect(missing == 0, f"an epoch left out {missing} of {count} images, and showed others twice.")
    ordered = [np.array_equal(row, np.sort(row)) for row in rows]
    expect(not any(ordered), "the images come in the order in which they lie in the array.")
    alike = np.array_equal(rows[0], rows[1]) or np.array_equal(rows[1], rows[2])
    expect(not alike, "two epochs have the same order.")
    sizes = [as_number(size, "a size") for size in as_items(found["batches"], "the sizes of batches")]
    wrong = [size for size in sizes if size > batch]
    expect(not wrong, f"with batch_size={batch} there was a batch of {wrong[0] if wrong else 0:.0f}.")
    wanted = -(-count // batch)
    text = f"{count} images in batches of {batch} are {wanted} an epoch; in {epochs} epochs there were {len(sizes)}."
    expect(len(sizes) in (0, epochs * wanted), text)  # 0: without training=True, which is charged elsewhere


@pytest.mark.task("7.1", points=0.5, limit_s=40, hint="`images[: int(fraction * len(images))]`")
def test_fraction(student, rng):
    """With `fraction` it is the first part of the training images that is learnt from."""
    found = run_training(student, problem(rng, 40), problem(rng, 10, FIRST_VALIDATION), 2, {"fraction": 0.25})
    seen = sorted(set(numbers_learnt(found).tolist()))
    text = (
        f"fraction=0.25 of 40 images: {len(seen)} were learnt from, up to number {max(seen, default=0)}; expected the "
    )
    expect(seen and max(seen) < 10 and len(seen) > 4, f"{text}first 10, which have the numbers 0 to 9.")
    numbers = np.concatenate([as_array(found[name], "the numbers") for name in ("validated", "trained")])
    validated = len(set(numbers[numbers >= FIRST_VALIDATION].tolist()))
    # None: it validates with other data, which is charged elsewhere.
    expect(validated in (0, 10), f"fraction=0.25: {validated} of 10 validation images were looked at; expected all.")


@pytest.mark.task(
    "7.1", points=0.5, limit_s=40, hint="`if epoch % eval_every == 0`; entries are pairs of epoch and value"
)
def test_eval_every(student, rng):
    """With `eval_every=2` there is a validation after the epochs 0, 2 and 4."""
    found = run_training(student, problem(rng, 20), problem(rng, 10, FIRST_VALIDATION), 6, {"eval_every": 2})
    for name in ("val_losses", "val_accs"):
        epochs = curve(found, name)[0]
        expect(epochs == [0, 2, 4], f"results[{name!r}] has the epochs {epochs[:9]}; expected 0, 2, 4.")
    epochs = curve(found, "train_losses")[0]
    expect(epochs == list(range(6)), f"results['train_losses'] has the epochs {epochs[:9]}; expected 0 to 5.")


def scripted(student, rng, margins, patience, eval_every=1, **arguments):
    """A training whose validation losses fall where these numbers rise."""
    more = {"patience": patience, "eval_every": eval_every}
    return run_training(
        student,
        problem(rng, 20),
        problem(rng, 20, FIRST_VALIDATION),
        eval_every * len(margins),
        more,
        script=list(map(float, margins)),
        **arguments,
    )


@pytest.mark.task("7.1", points=1, limit_s=40, hint="Compare with the lowest loss so far; None never stops")
def test_early_stopping(student, rng):
    """Training ends when the validation loss stops falling, and not before."""
    cases = (
        ([1, 2, 3, 4], 0, 4, "it falls all the time"),
        ([1, 3, 2, 4, 5], 0, 3, "it rises at the third validation"),
        ([1, 2, 2, 3, 4], 0, 3, "it stays the same at the third validation"),
        ([3, 2, 1, 0.5, 0.2], None, 5, "it rises all the time"),
    )
    for margins, patience, expected, what in cases:
        epochs = epochs_run(scripted(student, rng, margins, patience))
        text = f"patience={patience}, and the validation loss is such that {what}: training took {epochs} epochs"
        expect(epochs == expected, f"{text}; expected {expected} of {len(margins)}.")


@pytest.mark.task(
    "7.1", points=0.5, limit_s=40, hint="Count how many validations in a row have not been below the lowest"
)
def test_patience(student, rng):
    """With patience some validations in a row may fail to be the lowest so far; a new lowest starts the count anew."""
    cases = (
        ([3, 2, 1, 0.5, 0.2, 0.1], 2, 1, 4, "at the third in a row that is not the lowest"),
        ([1, 3, 2, 2.5, 2, 4], 1, 1, 4, "2.5 is better than the one before, but not the best"),
        ([3, 2, 4, 3, 3.5, 5], 1, 1, 5, "the third is a new best"),
        ([3, 2, 1, 0.5], 1, 2, 5, "the third validation comes after the fifth epoch"),
    )
    for margins, patience, eval_every, expected, what in cases:
        found = scripted(student, rng, margins, patience, eval_every)
        epochs = epochs_run(found)
        if any(epoch % eval_every for epoch in curve(found, "val_losses")[0]):
            continue  # it validates more often, which is another test's matter
        text = f"patience={patience}, eval_every={eval_every}, validations as good as {margins}: {epochs} epochs"
        expect(epochs == expected, f"{text}; expected {expected} ({what}).")


@pytest.mark.task("7.1", points=0.5, limit_s=40, hint="loss = cross-entropy + model.l2_loss()")
def test_l2_loss_is_minimised(student, rng):
    """`l2_loss` of the model is part of what is minimised."""
    data, validation = problem(rng, 100), problem(rng, 10, FIRST_VALIDATION)
    weights = as_items(run_training(student, data, validation, 3, l2_lambda=1.0)["weights"], "the weights", length=3)
    spare = as_number(weights[2], "the weight")
    # 30 steps of Adam at a rate of 0.1 bring it close to 0; plain descent takes it to 0.9 ** 30 = 0.04, at rates that
    # fall to a third from epoch to epoch to 0.22. One step an epoch leaves 0.7.
    text = f"a weight on which nothing but `l2_loss` depends went from 1 to {spare:.3f}; expected nearly 0."
    expect(abs(spare) < 0.5, text)


@pytest.mark.task("7.1", points=0.5, limit_s=40, hint="`if callback is not None and callback(epoch, logs): break`")
def test_callback(student, rng):
    """The callback is called after each epoch with its number and values, and ends the training by returning True."""
    found = run_training(student, problem(rng, 20), problem(rng, 10, FIRST_VALIDATION), 5, stop_after=2)
    calls = as_items(found["calls"], "the calls of the callback")
    expect(len(calls) == 2, f"it was called {len(calls)} times, though it returned True at the second.")
    expect(epochs_run(found) == 2, f"there were {epochs_run(found)} epochs, though it returned True after the second.")
    names = {"train_loss": "train_losses", "train_acc": "train_accs", "val_loss": "val_losses", "val_acc": "val_accs"}
    for position, call in enumerate(calls):
        epoch, logs = as_items(call, "a call of the callback", length=2, names="epoch and logs")
        expect(as_number(epoch, "the epoch") == position, f"epoch {position} was called {epoch}.")
        logs = as_dict(logs, "the callback's logs", list(names))
        for name, column in names.items():
            value = curve(found, column)[1][position]
            off = abs(as_number(logs[name], f"logs[{name!r}]") - value)
            # Values rounded for a progress bar are fine.
            expect(off <= 0.006 + 0.01 * abs(value), f"logs[{name!r}] is not what results[{column!r}] has.")
    found = scripted(student, rng, [3, 2, 1], 0, eval_every=2, stop_after=0)  # stops early, after epoch 2
    calls = [as_items(call, "a call", length=2) for call in as_items(found["calls"], "the calls of the callback")]
    epochs = epochs_run(found)
    expect(len(calls) == epochs, f"{epochs} epochs, then early stopping: the callback was called {len(calls)} times.")
    between = as_dict(calls[1][1], "the callback's logs", ["train_loss"]).get("val_loss") if len(calls) > 1 else None
    # None or NaN, for those who keep the key.
    empty = between is None or bool(np.isnan(as_array(between, "logs['val_loss']", finite=False)).all())
    is_new = 1 in curve(found, "val_losses")[0]  # it validates more often, which is another test's matter
    expect(empty or is_new, "after an epoch without a validation logs['val_loss'] is a number; expected none.")


@pytest.mark.task("7.1", points=0.25, limit_s=40, hint="The optimizer takes `learning_rate`")
def test_learning_rate(student, rng):
    """The learning rate is the one that `train` was given; `train_losses` has means over the epoch."""
    data, validation = problem(rng, 60), problem(rng, 10, FIRST_VALIDATION)
    found = run_training(student, data, validation, 1, {"learning_rate": NO_RATE})
    kernel = as_array(as_items(found["weights"], "the weights", length=3)[0], "the kernel")
    moved = float(np.abs(kernel).max())
    expect(moved < 1e-3, f"at a learning rate of {NO_RATE} weights moved by {moved:.3g}; is another rate in use?")
    loss, expected = curve(found, "train_losses")[1][0], float(np.log(CLASSES))
    text = f"with weights of 0 the mean cross-entropy over the epoch is log 3 = {expected:.4g}; results['train_losses']"
    expect(abs(loss - expected) < 0.02 * expected, f"{text} has {loss:.4g}.")


@pytest.mark.task("7.1", points=0.25, limit_s=40, hint="After the training, on `test_data`")
def test_test_accuracy(student, rng):
    """`test_acc` is the accuracy on the test data, after the training."""
    count = 60
    test = problem(rng, count, 2 * FIRST_VALIDATION, turn=2)
    for stop_after in (None, 1):  # 1: the callback ends the training
        data, validation = problem(rng, 60), problem(rng, 10, FIRST_VALIDATION)
        found = run_training(student, data, validation, 4, test=test, stop_after=stop_after)
        results = as_dict(found["results"], "what `train` returned", ["test_acc"])
        claimed, true = as_number(results["test_acc"], "test_acc"), accuracy(found["weights"], test)
        text = f"test_acc is given as {claimed:.4g}; computed from the weights it is {true:.4g}."
        expect(abs(claimed - true) < 0.01, text)
        numbers = np.concatenate([as_array(found[name], "the numbers") for name in ("validated", "trained")])
        looks = int((numbers >= 2 * FIRST_VALIDATION).sum()) / count
        # Twice would do for loss and accuracy.
        expect(looks <= 2, f"the test data was looked at {looks:.0f} times; expected once, after the training.")
    found = run_training(student, data, validation, 1)
    results = as_dict(found["results"], "what `train` returned", ["test_acc"])
    expect(results["test_acc"] is None, "without test data `test_acc` is not None.")


# -- 7.2, 7.3 ---------------------------------------------------------------------------------------------------------


def share_right(model, rng):
    """Share of right answers on test digits in random order with noise on their pixels; at most 5,000."""
    digits = mnist.load()
    order = rng.permutation(len(digits.test_labels))[:5000]
    images = digits.test_images[order] + 255 * NOISE * rng.standard_normal((len(order), 28, 28))
    images = np.clip(np.rint(images), 0, 255).astype(np.uint8)
    found = as_array(model.predict(images=images), "the scores", shape=(len(order), 10), kind="float")
    return float(np.mean(found.argmax(axis=1) == digits.test_labels[order]))


def check_share(reached, least):
    expect(reached >= least, f"{reached:.1%} of unseen digits are told rightly; expected at least {least:.0%}.")


@pytest.mark.task("7.2", points=1, hint="Look at the learning rate, and at what the loss compares")
def test_loss_falls(trained, thresholds):
    """After the training the cross-entropy on held-out digits is a small part of what it was before."""
    losses = as_items(as_dict(trained("vanilla").result, "the training", ["losses"])["losses"], "the losses")
    expect(len(losses) > 1, "the training ended before its first epoch.")
    first, lowest = as_number(losses[0], "the first loss"), min(as_number(loss, "a loss") for loss in losses[1:])
    text = f"the loss went from {first:.3g} to {lowest:.3g} at its lowest; expected less than "
    expect(lowest <= thresholds["loss_ratio"] * first, f"{text}{thresholds['loss_ratio'] * first:.3g}.")


@pytest.mark.task("7.2", points=3, limit_s=60, hint="Train longer or at another rate (`CONFIG`)")
def test_vanilla_accuracy(trained, thresholds, rng):
    """The vanilla classifier tells enough unseen digits."""
    check_share(share_right(trained("vanilla"), rng), thresholds["vanilla"])


@pytest.mark.task("7.3", points=2, limit_s=60, hint="`CONFIG` again: its cell, epochs and learning rate")
def test_gated_accuracy(trained, thresholds, rng, measure):
    """The classifier with gated cells tells more of them."""
    reached = share_right(trained("gated"), rng)
    measure("accuracy", reached)
    check_share(reached, thresholds["gated"])


@pytest.mark.task("7.3", points=1, limit_s=60, hint="Call the model once eagerly before `@tf.function` sees it")
def test_training_moves_every_weight(student, rng):
    """Without help from the kit, `train` changes every weight of a classifier with two layers of GRUs."""
    images = rng.uniform(size=(30, 28, 28)).astype(np.float32)
    labels = rng.integers(0, 10, size=30)
    found = as_dict(student.still_weights(images=images, labels=labels), "the weights", ["variables", "still"])
    still = [str(path) for path in as_items(found["still"], "the answer")]
    count = as_number(found["variables"], "the number")
    expect(count > 0, "the model has no trainable variables.")
    such_as = still[0] if still else ""
    text = f"{len(still)} of {count:.0f} weights never change, such as {such_as}: such a train.py trains nothing there."
    why = "the scores do not depend on them, or a `@tf.function` traced before its layers were built froze them."
    expect(not still, f"{text} Either {why}")
