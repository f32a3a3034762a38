"""Task 4: the training loop, apart from the model and with it."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import mnist
from grader.oracles.compare import as_array, as_dict, as_items, as_number, as_numbers, assert_close, expect
from grader.oracles.tfevents import Events, read_events

NAMES = ("loss", "exact", "val_loss", "val_exact")
NO_RATE = 1e-9  # a learning rate at which weights stay where they are
NOISE = 0.02  # standard deviation of the noise on pixels in [0, 1]
BATCH = 10


def problem(rng, count, sign=1.0):
    """Greys `(N, 3)` and totals that are 4 times as large, of the given sign; one in ten sequences has other totals."""
    totals = rng.integers(-3, 4, size=(count, 3))
    other = np.where(rng.permutation(count)[:, None] < count // 10, rng.integers(-3, 4, size=(count, 3)), totals)
    return [(totals / 4).astype(np.float32), (sign * other).astype(np.float32)]


def running_totals(rng, count, steps):
    """Totals `(N, T, 1)` of random digits: a model may count on it that each differs from the one before by a digit."""
    signed = rng.integers(0, 10, size=(count, steps, 1)) * (-1) ** np.arange(steps)[:, None]
    return np.cumsum(signed, axis=1).astype(np.float32)


def exact(weights, greys, totals):
    """Share of exact totals of the kit's model, w * grey + b, computed here."""
    w, b = as_numbers(weights, "the weights", length=2)
    return float(np.mean(np.abs(w * greys.astype(np.float64) + b - totals) < 0.5))


def run_training(student, data, validation, epochs, learning_rate, start=(1.0, 0.0), **options):
    """What the adapter saw of `train`."""
    answer = student.train_kit_model(
        data=data,
        validation=validation,
        batch_size=BATCH,
        start=list(start),
        epochs=epochs,
        learning_rate=learning_rate,
        **options,
    )
    return as_dict(answer, "the answer", ["history", "calls", "weights", "drawn"])


def history_of(found, lengths):
    """The history as lists of floats, one entry an epoch; `lengths` are the numbers of epochs that may be in it."""
    history = as_dict(found["history"], "what `train` returned", NAMES)
    for name in NAMES:
        values = as_items(history[name], f"history[{name!r}]")
        text = f"history[{name!r}] has {len(values)} entries after a training of {lengths[0]} epochs"
        expect(len(values) in lengths, f"{text}; expected {' or '.join(map(str, lengths))}.")
    return {name: as_numbers(history[name], f"history[{name!r}]") for name in NAMES}


# -- 4.1 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("4.1", points=2, hint="Gradients of the loss on `train_dataset`, applied by an optimizer")
def test_training_learns(student, rng):
    """`train` fits the training data: the loss falls, and the share of exact totals that it reports is true."""
    # The validation data has its signs swapped: a training that looks at it learns the opposite.
    data, validation = problem(rng, 150), problem(rng, 150, sign=-1)
    found = run_training(student, data, validation, epochs=6, learning_rate=0.2)
    expect(as_numbers(found["weights"], "the weights", length=2) != [1.0, 0.0], "the model's weights did not change.")
    history = history_of(found, [6])
    first, last = history["loss"][0], history["loss"][-1]
    expect(last < 0.8 * first, f"the loss went from {first:.3g} to {last:.3g}.")
    reached = exact(found["weights"], *data)
    # Nine in ten totals can be learnt, and the kit's model learns them.
    expect(reached > 0.8, f"after 6 epochs {reached:.0%} of the training totals are exact; expected 90 %.")
    claimed = history["exact"][-1]
    text = f"the share of exact totals in the last epoch is given as {claimed:.3g}; it is {reached:.3g}."
    expect(abs(claimed - reached) < 0.1, text)


@pytest.mark.task("4.1", points=2, hint="After each epoch, over `validation_dataset`, without changing weights")
def test_validation_is_true(student, rng):
    """`val_loss` and `val_exact` are those of the validation data."""
    data, validation = problem(rng, 100), problem(rng, 60, sign=-1)
    found = run_training(student, data, validation, epochs=1, learning_rate=NO_RATE, start=(4.0, 0.0))
    history = history_of(found, [1])
    shares = {"exact": data, "val_exact": validation}
    stays = np.allclose(as_numbers(found["weights"], "the weights", length=2), (4, 0), atol=1e-3)
    if not stays:
        del shares["exact"]  # that of moving weights; that they move is another test's matter
    for name, (greys, totals) in shares.items():
        true = exact(found["weights"], greys, totals)
        off = abs(history[name][0] - true)
        expect(off < 0.02, f"{name} is given as {history[name][0]:.3g}; computed from the weights it is {true:.3g}.")
    expect(history["val_loss"][0] > history["loss"][0], "val_loss is not the loss on the validation data.")
    if stays:
        check_mean(student, data, validation, history["val_loss"][0])


def check_mean(student, data, validation, val_loss):
    """The same sequences twice over, in another order, have the same mean loss."""
    twice = [[np.concatenate([part, part[::-1]]) for part in pair] for pair in (data, validation)]
    found = run_training(student, *twice, epochs=1, learning_rate=NO_RATE, start=(4.0, 0.0))
    again = history_of(found, [1])["val_loss"][0]
    text = f"val_loss is {val_loss:.4g} for some sequences and {again:.4g} for the same ones twice over"
    expect(abs(again - val_loss) <= 0.01 * abs(val_loss), f"{text}; expected their mean both times.")


@pytest.mark.task("4.1", points=1, hint="`if callback is not None and callback(epoch, logs): break`")
def test_callback(student, rng):
    """The callback is called after each epoch with its number and values, and ends the training by returning True."""
    found = run_training(student, problem(rng, 40), problem(rng, 20), 5, 0.01, stop_after=2)
    calls = as_items(found["calls"], "the calls of the callback")
    expect(len(calls) == 2, f"it was called {len(calls)} times, though it returned True at the second.")
    history = history_of(found, [2])
    numbers = []
    for position, call in enumerate(calls):
        epoch, logs = as_items(call, "a call of the callback", length=2, names="epoch and logs")
        numbers.append(as_number(epoch, "the epoch's number", low=0))
        logs = as_dict(logs, "the callback's logs", NAMES)
        for name in NAMES:
            value = history[name][position]
            off = abs(as_number(logs[name], f"logs[{name!r}]") - value)
            # Values rounded for a progress bar are fine.
            expect(off <= 0.006 + 0.01 * abs(value), f"logs[{name!r}] is not what the history holds for that epoch.")
    expect(numbers[1] == numbers[0] + 1, f"the epochs have the numbers {numbers[0]:g} and {numbers[1]:g}.")


@pytest.mark.task("4.1", points=2, hint="The optimizer takes `learning_rate`")
def test_learning_rate(student, rng):
    """The learning rate is the one that `train` was given."""
    found = run_training(student, problem(rng, 100), problem(rng, 20), epochs=1, learning_rate=NO_RATE)
    moved = float(np.abs(np.subtract(as_numbers(found["weights"], "the weights", length=2), (1.0, 0.0))).max())
    # 10 steps of Adam at 1e-9 move a weight by 1e-8, at a rate of 1e-3 by 1e-2.
    expect(moved < 1e-3, f"at a learning rate of {NO_RATE} weights moved by {moved:.3g}; is another rate in use?")


# -- 4.2 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("4.2", points=2, limit_s=40, hint="Write what `SumModel` was made with to config.json, `units` first")
def test_config_rebuilds_the_model(student, rng):
    """config.json holds what it takes to make the trained model again."""
    x = rng.uniform(size=(4, 2, 28, 28, 1)).astype(np.float32)
    y = running_totals(rng, 4, 2)
    trained = as_items(student.train_in_folder(units=13, x=x, y=y, run_dir="run"), "the shapes of the weights")
    student.restart(keep_scratch=True)
    rebuilt = student.rebuilt_model(run_dir="run", x=x)
    expect(rebuilt is not None, "there is no config.json with a JSON object in run_dir.")
    text = "`SumModel`, made with those entries of config.json that it knows, has weights of other shapes than before."
    expect(as_items(rebuilt, "the shapes of the weights") == trained, text)


@pytest.mark.task("4.2", points=1, hint="tf.summary.create_file_writer, tf.train.CheckpointManager")
def test_run_folder(student, rng):
    """`run_dir` receives the config, logs for TensorBoard and checkpoints."""
    run_training(student, problem(rng, 20), problem(rng, 10), 1, 0.01, run_dir="runs/first")
    found = as_dict(student.run_folder(run_dir="runs/first"), "the folder", ["config", "events", "checkpoints"])
    config = as_dict(found["config"], "the JSON object in config.json", ["epochs", "learning_rate"])
    missing = [name for name, value in config.items() if value is None]
    expect(not missing, f"config.json has no {' and no '.join(map(repr, missing))}.")
    for name, given in (("epochs", 1), ("learning_rate", 0.01)):
        value = as_number(config[name], f"{name!r} in config.json")
        expect(np.isclose(value, given), f"config.json says {name} = {value:g} of a training with {given:g}.")
    place = "in run_dir after a training."
    expect(as_number(found["checkpoints"], "the number of files") > 0, f"there is no checkpoint {place}")
    files = as_items(found["events"], "the event files")
    expect(files, f"there is no event file of TensorBoard {place}")
    events = Events()
    for content in files:
        read_events(as_array(content, "an event file", kind="integer").astype(np.uint8).tobytes(), into=events)
    expect(events.scalars, f"there are no scalars in the event files of TensorBoard {place}")


class Resumed:
    """A training of 4 epochs that ends after 2, and its second part, in another process and from other weights."""

    def __init__(self, student, rng, crash=False):
        self.student = student
        self.arguments = {"data": problem(rng, 60), "validation": problem(rng, 30), "epochs": 4, "learning_rate": 0.05}
        self.first = run_training(student, **self.arguments, run_dir="run", stop_after=2, crash=crash)
        student.restart(keep_scratch=True)
        self.second = run_training(student, **self.arguments, run_dir="run", start=(-2.0, 1.0))

    def batches(self):
        """How many batches of training data the two parts drew."""
        return [as_number(part["drawn"], "the number of batches") for part in (self.first, self.second)]

    def check_curve(self):
        """The last epochs and the weights are those of an uninterrupted training."""
        uninterrupted = run_training(self.student, **self.arguments)
        whole, resumed = history_of(uninterrupted, [4]), history_of(self.second, [4, 2, 3])
        for name in NAMES:
            # The same operations in the same order; 1e-4 leaves room for another order of summation.
            what = f"history[{name!r}] of the last epochs, resumed against uninterrupted"
            assert_close(resumed[name][-2:], whole[name][-2:], what, rtol=1e-3, atol=1e-4)
        weights = as_numbers(uninterrupted["weights"], "the weights", length=2)
        what = "the weights [w, b], resumed against uninterrupted"
        assert_close(self.second["weights"], weights, what, rtol=1e-3, atol=1e-4)


@pytest.mark.task("4.2", points=3, limit_s=40, hint="Save and restore weights, optimizer and epoch together")
def test_resumes_to_the_same_curve(student, rng):
    """A training that was stopped goes on in another process to the curve and weights of an uninterrupted one."""
    Resumed(student, rng).check_curve()


@pytest.mark.task("4.2", points=1, limit_s=40, hint="Save the number of the epoch, too, and start from there")
def test_epochs_are_not_repeated(student, rng):
    """A resumed training does only what is left, and its epochs are numbered on."""
    found = Resumed(student, rng)
    first, second = found.batches()
    # Two epochs each. A look at the first batch, and what a pipeline draws ahead, may come on top.
    text = f"the first 2 of 4 epochs took {first:.0f} batches, what was left of them {second:.0f}"
    expect(second <= first + 5, f"{text}; expected as many.")
    numbers = []
    for call in [*as_items(found.first["calls"], "the calls"), *as_items(found.second["calls"], "the calls")]:
        numbers.append(as_number(as_items(call, "a call of the callback", length=2)[0], "the epoch's number"))
    text = f"the epochs had the numbers {', '.join(f'{number:g}' for number in numbers)}; expected each once, in order."
    expect(len(numbers) == 4 and (np.diff(numbers) == 1).all(), text)


@pytest.mark.task("4.2", points=1, limit_s=40, hint="Save after every epoch, and read what is there at the start")
def test_resumes_after_a_crash(student, rng):
    """A training that an error ended goes on to the same curve, too."""
    found = Resumed(student, rng, crash=True)
    first, second = found.batches()
    # Six batches an epoch: after a crash in the callback the second epoch may not have been saved yet.
    expect(second <= first + 9, "after the crash it started anew, as if nothing had been saved.")
    found.check_curve()


# -- 4.3, 4.4 ---------------------------------------------------------------------------------------------------------


@pytest.mark.task("4.3", points=2, hint="Look at the learning rate, the head, and what the loss compares")
def test_error_falls_in_two_epochs(trained, thresholds):
    """After the second epoch the squared error is clearly below that at the start."""
    result = as_dict(trained("main").result, "the training", ["errors"])
    errors = as_numbers(result["errors"], "the errors")
    expect(len(errors) > 1, "the training ended before its first epoch.")
    ratio, most = errors[min(2, len(errors) - 1)] / max(errors[0], 1e-9), thresholds["error_ratio"]
    text = f"after epoch 2 the squared error is {ratio:.2f} times that at the start; expected at most {most:.2f}."
    expect(ratio <= most, text)


def share_exact(model, rng, length):
    """Share of exact totals on test digits in random order with noise on their pixels; at most 1,000 sequences."""
    digits = mnist.load()
    count = min(1000, len(digits.test_labels) // length // 100 * 100)
    order = rng.permutation(len(digits.test_labels))[: count * length]
    images = digits.test_images[order] + 255 * NOISE * rng.standard_normal((len(order), 28, 28))
    images = np.clip(np.rint(images), 0, 255).astype(np.uint8)
    answer = model.predict(images=images, sequence_len=length)
    found = as_array(answer, "the predictions", kind="float")
    text = f"for {count} sequences of {length} the predictions have shape {found.shape}; expected {(count, length, 1)}."
    expect(found.size == count * length, text)
    signed = digits.test_labels[order].reshape(count, length).astype(np.int64) * (-1) ** np.arange(length)
    return float(np.mean(np.rint(found.reshape(count, length)) == np.cumsum(signed, axis=1)))


def check_exact(reached, length, least):
    text = f"{reached:.1%} of the totals of unseen sequences of {length} are exact; expected at least {least:.0%}."
    expect(reached >= least, text)


@pytest.mark.task("4.3", points=6, limit_s=60, hint="Train longer or at another rate (`CONFIG`); look at the head")
def test_exact_totals(trained, thresholds, measure, rng):
    """The trained model gives enough totals of unseen sequences exactly, after rounding."""
    reached = share_exact(trained("main"), rng, 4)
    measure("exact", reached)
    check_exact(reached, 4, thresholds["exact"])


@pytest.mark.task("4.4", points=3, limit_s=60, hint="A better encoder, a schedule of the rate, another loss")
def test_exact_totals_high(trained, thresholds, rng):
    """The trained model gives nearly all totals of unseen sequences exactly."""
    check_exact(share_exact(trained("main"), rng, 4), 4, thresholds["exact_high"])


@pytest.mark.task("4.4", points=2, limit_s=60, hint="Nothing may be bound to the number of time steps")
def test_another_length(trained, thresholds, rng):
    """The trained model works on sequences longer than those that it was trained on."""
    check_exact(share_exact(trained("main"), rng, 6), 6, thresholds["exact_longer"])


@pytest.mark.task("4.4", points=1, limit_s=60, hint="Call the model once eagerly before `@tf.function` sees it")
def test_training_moves_every_weight(student, rng):
    """Without help from the kit, `train` changes every weight of `SumModel`."""
    x = rng.uniform(size=(24, 3, 28, 28, 1)).astype(np.float32)
    y = running_totals(rng, 24, 3)
    found = student.still_weights(x=x, y=y, batch_size=8, learning_rate=0.01)
    found = as_dict(found, "the weights", ["variables", "still"])
    still = [str(path) for path in as_items(found["still"], "the answer")]
    count = as_number(found["variables"], "the number")
    expect(count > 0, "the model has no trainable variables.")
    such_as = still[0] if still else ""
    text = f"{len(still)} of {count:.0f} weights never change, such as {such_as}: such a train.py trains nothing there."
    why = "the prediction does not depend on them, or a `@tf.function` traced before its layers were built froze them."
    expect(not still, f"{text} Either {why}")
