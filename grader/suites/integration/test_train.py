"""Task 4: the training loop, apart from the model and with it."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_dict, as_items, as_number, as_numbers, expect

NAMES = ("loss", "accuracy", "val_loss", "val_accuracy")
NO_RATE = 1e-9  # a learning rate at which weights stay where they are


def problem(rng, count, sign=1.0):
    """Signals around +2 and -2 with their class; `sign` -1 swaps the classes. One in ten is labelled wrongly."""
    y = rng.integers(0, 2, size=(count, 1)).astype(np.int32)
    x = rng.normal(scale=0.5, size=(count, 6, 1)) + sign * 2.0 * (2 * y[:, :, None] - 1)
    flipped = rng.permutation(count) < count // 10
    return x.astype(np.float32), np.where(flipped[:, None], 1 - y, y)


def accuracy(weights, x, y):
    """Of the kit's model, sigmoid(w * mean + b), computed here."""
    w, b = as_numbers(weights, "the weights", length=2)
    return float(np.mean(((w * x.mean(axis=1) + b) > 0) == (y > 0)))


def arrays(data, validation):
    return dict(zip(("x", "y", "x_val", "y_val"), (*data, *validation), strict=True))


def run_training(student, data, validation, epochs, learning_rate, stop_after=None, **more):
    """What the adapter saw of `train`."""
    options = {"epochs": epochs, "learning_rate": learning_rate, "stop_after": stop_after, "batch_size": 20}
    found = student.train_mean_model(**arrays(data, validation), **options, **more)
    return as_dict(found, "the answer", ["history", "calls", "before", "after", "ready_made"])


def has_history(found):
    """Whether `train` returned lists with something in them under all four names."""
    history = found["history"]
    lists = [history.get(name) for name in NAMES] if isinstance(history, dict) else [None]
    are_lists = all(isinstance(values, (list, tuple)) or np.ndim(values) == 1 for values in lists)
    return are_lists and all(map(len, lists))


def checked_history(found, epochs):
    """The history as lists of floats, one an epoch; two tests alone ask for that."""
    history = as_dict(found["history"], "what `train` returned", NAMES)
    numbers = {name: as_numbers(history[name], f"history[{name!r}]") for name in NAMES}
    for name, values in numbers.items():
        many = f"history[{name!r}] has {len(values)} entries after a training of {epochs} epochs"
        expect(len(values) == epochs, f"{many}; expected {epochs}.")
    return numbers


def values_of(found):
    """The last values that were reported: by the history or, where that is not as it should be, to the callback."""
    if has_history(found):
        return {name: as_numbers(found["history"][name], f"history[{name!r}]")[-1] for name in NAMES}
    calls = as_items(found["calls"], "the calls of the callback")
    expect(calls, f"`train` returned no dict with lists {', '.join(NAMES)}, and called no callback.")
    _, logs = as_items(calls[-1], "a call of the callback", length=2, names="epoch and logs")
    logs = as_dict(logs, "the callback's logs", NAMES)
    return {name: as_number(logs[name], f"logs[{name!r}]") for name in NAMES}


@pytest.mark.task("4.1", points=2, hint="Gradients of the loss on `train_dataset`, applied by an optimizer")
def test_training_learns(student, rng):
    """`train` fits the training data: the loss falls, and the accuracy that it reports is true."""
    # The validation data has its classes swapped: a training that looks at it learns the opposite.
    data, validation = problem(rng, 200, sign=-1), problem(rng, 200)
    found = run_training(student, data, validation, epochs=4, learning_rate=0.2, with_callback=False)
    ready_made = ", ".join(str(name) for name in as_items(found["ready_made"], "the answer"))
    expect(not ready_made, f"`train` calls `model.{ready_made}`; write the loop yourself, with `tf.GradientTape`.")
    history = checked_history(found, 4)
    moved = np.subtract(*(as_numbers(found[key], "the weights", length=2) for key in ("before", "after")))
    expect(moved.any(), "the weights of the model did not change.")
    expect(
        history["loss"][-1] < 0.8 * history["loss"][0],
        f"the loss went from {history['loss'][0]:.3g} to {history['loss'][-1]:.3g}.",
    )
    reached = accuracy(found["after"], *data)
    # Nine in ten labels can be learnt, and a linear model learns them.
    expect(reached > 0.8, f"after 4 epochs {reached:.0%} of the training signals are told rightly; expected 90 %.")
    claimed = history["accuracy"][-1]
    expect(
        abs(claimed - reached) < 0.1, f"the accuracy of the last epoch is given as {claimed:.3g}; it is {reached:.3g}."
    )


@pytest.mark.task("4.1", points=2, hint="After each epoch, over `validation_dataset`, without changing weights")
def test_validation_is_true(student, rng):
    """`val_loss` and `val_accuracy` are those of the validation data."""
    data, validation = problem(rng, 100), problem(rng, 60, sign=-1)
    found = run_training(student, data, validation, epochs=1, learning_rate=NO_RATE)
    values = values_of(found)
    for name, (x, y) in (("accuracy", data), ("val_accuracy", validation)):
        true = accuracy(found["after"], x, y)
        # One signal in 60 may lie on the threshold.
        off = abs(values[name] - true)
        expect(off < 0.02, f"{name} is given as {values[name]:.3g}; computed from the weights it is {true:.3g}.")
    expect(values["val_loss"] > values["loss"], "val_loss is not the loss on the validation data.")
    before, after = (as_numbers(found[key], "the weights", length=2) for key in ("before", "after"))
    if np.allclose(before, after, atol=1e-3):  # that they move is another test's matter
        check_means(student, data, validation, values)
        check_each_epoch(student, rng)


def check_means(student, data, validation, values):
    """The same signals twice over, in another order, have the same mean loss."""
    twice = [tuple(np.concatenate([part, part[::-1]]) for part in pair) for pair in (data, validation)]
    again = values_of(run_training(student, *twice, epochs=1, learning_rate=NO_RATE))
    for name in ("loss", "val_loss"):
        text = f"{name} is {values[name]:.4g} for some signals and {again[name]:.4g} for the same ones twice over"
        expect(abs(again[name] - values[name]) <= 0.01 * abs(values[name]), f"{text}; expected their mean both times.")


def check_each_epoch(student, rng):
    """Signals of a second epoch that are told the other way round: its values are not mixed with those of the first."""
    first, later = ([problem(rng, 60, sign=sign), problem(rng, 40, sign=-sign)] for sign in (1, -1))
    found = run_training(student, *first, epochs=2, learning_rate=NO_RATE, later=arrays(*later))
    if len(as_items(found["calls"], "the calls of the callback")) < 2:
        return  # the callback is another test's matter
    values = values_of(found)
    for name, (x, y) in zip(("accuracy", "val_accuracy"), later, strict=True):
        true = accuracy(found["after"], x, y)
        text = f"{name} of the second epoch is given as {values[name]:.3g}; computed from the weights it is {true:.3g}."
        expect(abs(values[name] - true) < 0.03, f"{text} Are means reset at the start of an epoch?")


@pytest.mark.task("4.1", points=1, hint="`if callback is not None and callback(epoch, logs): break`")
def test_callback(student, rng):
    """The callback is called after each epoch with its number and values, and ends the training by returning True."""
    found = run_training(student, problem(rng, 40), problem(rng, 20), 5, 0.01, stop_after=2)
    calls = as_items(found["calls"], "the calls of the callback")
    expect(len(calls) == 2, f"it was called {len(calls)} times in two epochs.")
    history = checked_history(found, 2) if has_history(found) else None
    numbers = []
    for position, call in enumerate(calls):
        epoch, logs = as_items(call, "a call of the callback", length=2, names="epoch and logs")
        numbers.append(as_number(epoch, "the epoch's number", low=0))
        logs = as_dict(logs, "the callback's logs", NAMES)
        for name in NAMES:
            logged = as_number(logs[name], f"logs[{name!r}]")
            value = logged if history is None else history[name][position]
            off = abs(logged - value)
            # Values rounded for a progress bar are fine.
            expect(off <= 0.006 + 0.01 * abs(value), f"logs[{name!r}] is not what the history holds for that epoch.")
    expect(numbers[1] == numbers[0] + 1, f"the epochs have the numbers {numbers[0]:g} and {numbers[1]:g}.")


@pytest.mark.task("4.1", points=1, hint="The optimizer takes `learning_rate`")
def test_learning_rate(student, rng):
    """The learning rate is the one that `train` was given."""
    found = run_training(student, problem(rng, 100), problem(rng, 20), epochs=1, learning_rate=NO_RATE)
    before, after = (as_numbers(found[key], "the weights", length=2) for key in ("before", "after"))
    moved = float(np.abs(np.subtract(before, after)).max())
    # 5 steps of Adam at 1e-9 move a weight by 5e-9; of gradient descent by less.
    expect(moved < 1e-5, f"at a learning rate of {NO_RATE} weights moved by {moved:.3g}; is another rate in use?")


# -- 4.2 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task(
    "4.2", points=2, tier="outstanding", limit_s=60, hint="Call the model once eagerly before `@tf.function` sees it"
)
def test_training_moves_every_weight(student, rng):
    """Without help from the kit, `train` changes every weight of `IntegrationModel`."""
    x = rng.normal(size=(48, 6, 1)).astype(np.float32)
    y = (x.sum(axis=1) > 0).astype(np.int32)
    found = student.still_weights(x=x, y=y, batch_size=16, learning_rate=0.01)
    found = as_dict(found, "the weights", ["variables", "still"])
    still = [str(path) for path in as_items(found["still"], "the answer")]
    count = as_number(found["variables"], "the number")
    expect(count > 0, "the model has no trainable variables.")
    such_as = still[0] if still else ""
    expect(
        not still,
        f"{len(still)} of {count:.0f} weights never change, such as {such_as}: such a train.py trains nothing there. "
        "Either the prediction does not depend on them, or a `@tf.function` was traced before its layers were built, "
        "and froze their first values.",
    )


@pytest.mark.task("4.2", points=2, hint="Look at the learning rate, the readout, and what the loss compares")
def test_loss_falls_in_two_epochs(trained, thresholds):
    """After the second epoch the loss is clearly below the start."""
    result = as_dict(trained("main").result, "the training", ["losses"])
    losses = as_numbers(result["losses"], "the losses")
    expect(len(losses) > 1, "the training ended before its first epoch.")
    ratio, most = losses[min(2, len(losses) - 1)] / max(losses[0], 1e-9), thresholds["loss_ratio"]
    expect(
        ratio <= most, f"after epoch 2 the loss is {ratio:.2f} times that at the start; expected at most {most:.2f}."
    )


@pytest.mark.task(
    "4.2", points=3, hint="Train longer or at another rate (`CONFIG`), or look for a fault in cell and layer"
)
def test_accuracy(trained, thresholds, measure, rng):
    """The trained model tells the sign of at least 80 % of new signals."""
    x = rng.normal(size=(2000, 25, 1)).astype(np.float32)
    prediction = as_array(trained("main").predict(x=x), "the predictions", shape=(2000, 1), kind="float")
    reached = float(np.mean((prediction > 0.5) == (x.sum(axis=1) > 0)))
    measure("accuracy", reached)
    least = thresholds["accuracy"]
    expect(reached >= least, f"{reached:.1%} of 2000 new signals are told rightly; expected at least {least:.0%}.")
