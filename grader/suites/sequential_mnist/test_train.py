"""Tasks 4.3 and 4.4: the training loop, on a model of the kit's; see `_kit_model` in adapters.py."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_dict, as_items, as_number, as_numbers, assert_close, expect, same
from grader.oracles.tfevents import Events, read_events

NAMES = ("loss", "accuracy", "val_loss", "val_accuracy")
NO_RATE = 1e-9  # a learning rate at which weights stay where they are
EPSILON = 1e-3  # of Keras' batch normalization

# -- 4.3 --------------------------------------------------------------------------------------------------------------


def problem(rng, count, turn=0, offset=0.0):
    """x whose mean over time points to a digit, y that digit plus `turn`; one in ten has another digit."""
    digits = rng.integers(0, 10, size=count)
    x = 1.5 * np.eye(10)[digits][:, None] + rng.normal(scale=0.3, size=(count, 3, 10)) + offset
    other = np.where(rng.permutation(count) < count // 10, rng.integers(0, 10, size=count), digits + turn)
    return [x.astype(np.float32), (other % 10).astype(np.int32)]


def beginning(rng):
    """Weights of the kit's model: the memory passes everything on, the readout knows nothing."""
    return {"memory": np.eye(10, dtype=np.float32), "readout": rng.normal(scale=0.1, size=(10, 10)).astype(np.float32)}


def knowing(shift=0):
    """Weights of the kit's model that tell digits plus `shift`."""
    readout = np.roll(np.eye(10, dtype=np.float32), shift, axis=1)
    return {"memory": np.eye(10, dtype=np.float32), "readout": 3 * readout}


def some_turned(count):
    """A `turn` of two digits in three: with all, the best accuracy could be 0, which is no better than `best = 0`."""
    return (np.arange(count) % 3 > 0).astype(int)


def logits_of(state, x):
    """Of the kit's model as for predictions, computed here."""
    keys = ["gamma", "beta", "mean", "variance", "memory", "readout"]
    state = as_dict(state, "the weights", keys)
    gamma, beta, mean, variance = (as_array(state[key], key, shape=(10,)).astype(np.float64) for key in keys[:4])
    memory, readout = (as_array(state[key], key, shape=(10, 10)).astype(np.float64) for key in keys[4:])
    h = x.astype(np.float64).mean(axis=1) @ memory
    return ((h - mean) / np.sqrt(variance + EPSILON) * gamma + beta) @ readout


def accuracy(state, data):
    x, y = data
    return float(np.mean(logits_of(state, x).argmax(axis=1) == y))


def cross_entropy(state, data):
    x, y = data
    logits = logits_of(state, x)
    logits -= logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y]))


def in_training(start, data, batch_size):
    """Loss and accuracy over all batches with weights that stay: as they should be, and without training mode."""
    x, y = data
    fresh = {**start, "gamma": np.ones(10), "beta": np.zeros(10), "mean": np.zeros(10), "variance": np.ones(10)}
    values = []
    for i in range(0, len(y), batch_size):
        part = x[i : i + batch_size], y[i : i + batch_size]
        h = part[0].astype(np.float64).mean(axis=1) @ start["memory"]
        state = {**fresh, "mean": h.mean(axis=0), "variance": h.var(axis=0)}
        values.append([(cross_entropy(one, part), accuracy(one, part)) for one in (state, fresh)])
    return np.mean(values, axis=0)


def run_training(student, data, validation, start, **options):
    """What the adapter saw of `train`."""
    arguments = {"data": data, "validation": validation, "start": start, "batch_size": 20, **options}
    return as_dict(student.train_kit_model(**arguments), "the answer", ["history", "calls", "states", "saved", "last"])


def history_of(found, epochs):
    """The history as lists of floats, one an epoch."""
    history = as_dict(found["history"], "what `train` returned", NAMES)
    for name in NAMES:
        count = len(as_items(history[name], f"history[{name!r}]"))
        text = f"history[{name!r}] has {count} entries after a training of {epochs} epochs"
        expect(count == epochs, f"{text}; expected {epochs}.")
    return {name: as_numbers(history[name], f"history[{name!r}]") for name in NAMES}


@pytest.mark.task("4.3", points=2, limit_s=60, hint="Gradients of the loss on `train_dataset`, given to an optimizer")
def test_training_learns(student, rng):
    """`train` fits the training data, and reports its loss and accuracy."""
    # The validation data has other digits: a training that looks at it learns the wrong thing.
    data, validation = problem(rng, 200), problem(rng, 60, turn=some_turned(60))
    found = run_training(student, data, validation, beginning(rng), epochs=5, learning_rate=0.03)
    history = history_of(found, 5)
    losses = history["loss"]
    expect(losses[-1] < 0.8 * losses[0], f"the training loss went from {losses[0]:.3g} to {losses[-1]:.3g}.")
    reached = accuracy(found["last"], data)
    # Nine in ten can be learnt.
    expect(reached > 0.7, f"after 5 epochs {reached:.0%} of the training data are told rightly; expected over 70 %.")
    claimed = history["accuracy"][-1]
    text = f"the training accuracy of the last epoch is given as {claimed:.3g}; at the end it is {reached:.3g}."
    expect(abs(claimed - reached) < 0.15, text)
    # Weights that stay. The last batch has other digits than those before, the second epoch others than the first.
    data = problem(rng, 100, turn=(np.arange(100) >= 80).astype(int))
    turned = ((data[1] + 1) % 10).astype(np.int32)
    options = {"epochs": 2, "learning_rate": NO_RATE, "turn_after": 1, "turned": turned}
    found = run_training(student, data, validation, knowing(), **options)
    history = history_of(found, 2)
    # Whether the callback, which turns the labels, is called, and what training mode does, is other tests' matter.
    for epoch, labels in enumerate((data[1], turned if found["calls"] else data[1])):
        ways = in_training(knowing(), [data[0], labels], 20)
        for name, trues in zip(("loss", "accuracy"), ways.T, strict=True):
            value = history[name][epoch]
            text = f"{name} of epoch {epoch + 1} is given as {value:.4g}; over all its samples it is {trues[0]:.4g}."
            good = any(abs(value - true) < 0.015 + 0.01 * true for true in trues)
            expect(good, f"{text} It is a mean over this epoch's batches.")


@pytest.mark.task("4.3", points=2, limit_s=40, hint="After each epoch, over `validation_dataset`, with training=False")
def test_validation_is_true(student, rng):
    """`val_loss` and `val_accuracy` are those of the validation data."""
    data, validation = problem(rng, 200), problem(rng, 119, turn=some_turned(119), offset=0.5)
    found = run_training(student, data, validation, knowing(), epochs=1, learning_rate=NO_RATE)
    history = history_of(found, 1)
    true = {
        "val_loss": cross_entropy(found["last"], validation),
        "val_accuracy": accuracy(found["last"], validation),
    }
    for name, value in true.items():
        off = abs(history[name][0] - value)
        text = f"{name} is given as {history[name][0]:.4g}; computed from the weights it is {value:.4g}."
        # One in 119 may lie on the border. The batches are nearly of one size, so that a plain mean of theirs will do.
        expect(off < 0.01 + 1e-3 * abs(value), text)


@pytest.mark.task("4.3", points=2, limit_s=40, hint="model(x, training=True) in a step, training=False for validation")
def test_normalization_is_trained(student, rng):
    """Batch normalization runs in training mode while training, and learns nothing from validation data."""
    data, validation = problem(rng, 400), problem(rng, 200, offset=5.0)
    options = {"epochs": 4, "learning_rate": NO_RATE, "clip_norm": 0.0}
    last = as_dict(run_training(student, data, validation, knowing(), **options)["last"], "the weights", ["mean"])
    found = float(as_array(last["mean"], "the moving mean", shape=(10,)).mean())
    expected = float(data[0].mean())
    # 20 batches an epoch: after one epoch 0.9^20 = 12 % of the start, 0, is left; the best epoch may be the first.
    text = f"the moving average of batch normalization is {found:.3g} at the end"
    expect(found > 0.7 * expected, f"{text}, close to where it began; the training data has {expected:.3g}.")
    expect(found < 1.5 * expected, f"{text}; the training data has {expected:.3g}. Has it seen the validation data?")


@pytest.mark.task("4.3", points=1, limit_s=40, hint="`if callback is not None and callback(epoch, logs): break`")
def test_callback(student, rng):
    """The callback is called after each epoch with its number and values, and ends the training by returning True."""
    options = {"epochs": 5, "learning_rate": 0.01, "stop_after": 2}
    found = run_training(student, problem(rng, 60), problem(rng, 40), beginning(rng), **options)
    calls = as_items(found["calls"], "the calls of the callback")
    expect(len(calls) == 2, f"it was called {len(calls)} times, though it returned True at the second.")
    history = history_of(found, 2)
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
    expect(numbers == [0, 1], f"the epochs have the numbers {numbers[0]:g} and {numbers[1]:g}; expected 0 and 1.")


def moved(start, found, name):
    """How far a weight of the kit's model went from its start; its diagonal, on which weights decay, is left out."""
    last = as_array(as_dict(found["last"], "the weights", [name])[name], name, shape=(10, 10))
    return float(np.abs((last.astype(np.float64) - start[name])[~np.eye(10, dtype=bool)]).max())


@pytest.mark.task("4.3", points=1, limit_s=60, hint="`optimizer_for(model, learning_rate, ...)` takes care of both")
def test_learning_rate(student, rng):
    """The learning rate is the one that `train` was given, unless the model brings its optimizer along."""
    data, validation, start = problem(rng, 100), problem(rng, 40), knowing()
    options = {"epochs": 2, "learning_rate": NO_RATE}
    found = run_training(student, data, validation, start, **options)
    distance = moved(start, found, "readout")
    # 10 steps of Adam at 1e-9 move a weight by 1e-8, at a rate of 1e-3 by 1e-2.
    expect(distance < 1e-4, f"at a learning rate of {NO_RATE} weights moved by {distance:.3g}; is another one in use?")
    found = run_training(student, data, validation, start, attached_rate=0.01, **options)
    steps = as_number(found["attached_steps"], "the number of steps")
    text = f"the optimizer that was attached to the model made {steps:.0f} of 10 steps"
    expect(steps > 0, f"{text}; `optimizer_for` finds it, and a resumed training needs its momenta.")


@pytest.mark.task("4.3", points=1, limit_s=60, hint="Apply what `clip_gradients` returns, with the given `clip_norm`")
def test_gradients_are_clipped(student, rng):
    """Gradients pass `clip_gradients`, with the norm that `train` was given, before they are applied."""
    data, validation, start = problem(rng, 100), problem(rng, 40), knowing()
    options = {"epochs": 2, "learning_rate": 0.03}
    still = moved(start, run_training(student, data, validation, start, clip_norm=0.0, **options), "memory")
    expect(still < 1e-6, f"with clip_norm=0 a weight that is not the readout's moved by {still:.3g}; expected 0.")
    free = moved(start, run_training(student, data, validation, start, clip_norm=1.0, **options), "memory")
    expect(free > 0, "with clip_norm=1 the weights before the readout do not move.")


def turning(student, rng, **options):
    """A training whose labels change after the second of six epochs, so that this one is the best for validation data.

    The new labels are without errors, so the last epochs are the best for training data.

    Returns:
        What the adapter saw, the validation data, and the accuracy on it after each epoch: computed from the weights at
        each call of the callback; where there was none, as `train` reports it.
    """
    data, validation = problem(rng, 200), problem(rng, 150)
    turned = (data[0].mean(axis=1).argmax(axis=1) + 1) % 10
    options = {"epochs": 6, "learning_rate": 0.05, "turn_after": 2, "turned": turned, **options}
    found = run_training(student, data, validation, beginning(rng), **options)
    reported = history_of(found, 6)["val_accuracy"]
    states = as_items(found["states"], "the calls of the callback")
    return found, validation, [accuracy(state, validation) for state in states] if len(states) == 6 else reported


@pytest.mark.task("4.3", points=1, limit_s=60, hint="Keep the weights of the best epoch; put them back at the end")
def test_best_epoch_is_chosen(student, rng):
    """At the end the model has the weights of the epoch with the highest validation accuracy."""
    found, validation, reached = turning(student, rng)
    final = accuracy(found["last"], validation)
    text = f"after its epochs the validation accuracy was {', '.join(f'{value:.2f}' for value in reached)}"
    expect(abs(final - max(reached)) < 1e-6, f"{text}; with the weights at the end it is {final:.2f}.")
    check_first_of_equals(student, rng)


def check_first_of_equals(student, rng):
    """The weights of the first epoch are kept where all are equally accurate, though `val_loss` falls.

    Weights stay, but the moving variance climbs from 1 to some 7. So logits shrink and keep their order, and a wrong
    label costs less and less.
    """
    data, validation = problem(rng, 200), problem(rng, 150)
    data[0], validation[0] = 6 * data[0], 6 * validation[0]
    found = run_training(student, data, validation, knowing(), epochs=4, learning_rate=NO_RATE)
    reported = history_of(found, 4)["val_accuracy"]
    states = as_items(found["states"], "the calls of the callback")
    if len(states) != 4:  # another test's matter
        return
    last, first = found["last"], int(np.argmax(reported))
    equal = [number for number, state in enumerate(states) if same_state(state, last)]
    text = f"the weights at the end are those of {f'epoch {equal[-1] + 1}' if equal else 'no epoch'}"
    why = "the first one with the highest val_accuracy. Moving averages of the normalization are weights, too"
    expect(first in equal, f"{text}; expected those of epoch {first + 1}: {why}.")


def same_state(state, other):
    names = ["gamma", "beta", "mean", "variance", "memory", "readout"]
    state, other = as_dict(state, "the weights", names), as_dict(other, "the weights", names)
    return all(same(state[name], other[name], atol=1e-5) for name in names)


# -- 4.4 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("4.4", points=3, limit_s=60, hint="`model.save_weights(run_dir / 'best.weights.h5')`, best so far")
def test_best_checkpoint(student, rng):
    """`best.weights.h5`, loaded into a new model, has the best accuracy; it is there before the training ends."""
    found, validation, reached = turning(student, rng, run_dir="runs/turning")
    reported = max(history_of(found, 6)["val_accuracy"])
    saved = as_items(found["saved"], "the calls of the callback")
    text = "in a training of 6 epochs there is no best.weights.h5 in run_dir before the end"
    # Whether there are calls is another test's matter.
    expect(any(saved) or not saved, f"{text}; expected one as soon as an epoch is the best so far.")
    student.restart(keep_scratch=True)
    state = student.restored(run_dir="runs/turning", start=beginning(rng))
    expect(state is not None, "there is no file best.weights.h5 in run_dir after a training.")
    restored = accuracy(state, validation)
    text = f"with the weights of best.weights.h5 the validation accuracy is {restored:.3f}"
    expect(abs(restored - reported) < 0.01, f"{text}; the best that `train` reported is {reported:.3f}.")
    expect(abs(restored - max(reached)) < 0.01, f"{text}; the best epoch had {max(reached):.3f}.")


def events_of(student, run_dir):
    """All event files of a folder, read here."""
    files = as_items(student.event_files(run_dir=run_dir), "the event files")
    expect(files, "there is no event file of TensorBoard below run_dir after a training.")
    events = Events()
    for content in files:
        read_events(as_array(content, "an event file", kind="integer").astype(np.uint8).tobytes(), into=events)
    return events


def find(found, name, count):
    """The values of the tag with this name, by step; else of one that ends with it, such as `epoch/val_loss`."""
    tags = [tag for tag in found if tag.rpartition("/")[2] == name]
    # `batch/loss` may be there, too, with other values.
    tags.sort(key=lambda tag: (tag != name, len(found[tag]) != count))
    return found[tags[0]] if tags else {}


@pytest.mark.task("4.4", points=1, limit_s=40, hint="tf.summary.scalar(name, value, step=...) after each epoch")
def test_scalars_in_the_event_file(student, rng):
    """TensorBoard gets loss and accuracy of every epoch."""
    options = {"epochs": 3, "learning_rate": 0.01, "run_dir": "runs/scalars"}
    history = history_of(run_training(student, problem(rng, 60), problem(rng, 40), beginning(rng), **options), 3)
    events = events_of(student, "runs/scalars")
    for name in NAMES:
        by_step = find(events.scalars, name, 3)
        values = [by_step[step] for step in sorted(by_step)]
        text = f"the event file has {len(values)} values of {name!r}"
        expect(len(values) == 3, f"{text} after 3 epochs; expected one an epoch, each at a step of its own.")
        assert_close(values, history[name], f"{name} in the event file", rtol=1e-4, atol=1e-5)


@pytest.mark.task(
    "4.4", points=3, limit_s=60, hint="tf.summary.histogram of raw and clipped gradients, outside the graph"
)
def test_histograms_in_the_event_file(student, rng):
    """TensorBoard gets histograms of raw and of clipped gradients every 250 steps."""
    # 250 and 500 of the 600 steps lie inside of an epoch.
    data = problem(rng, 400)
    options = {"epochs": 3, "learning_rate": 0.003, "clip_norm": 0.125, "batch_size": 2, "run_dir": "runs/histograms"}
    run_training(student, data, problem(rng, 40), beginning(rng), **options)
    kinds = {"raw": {}, "clipped": {}}
    for tag, by_step in events_of(student, "runs/histograms").histograms.items():
        for kind, found in kinds.items():
            if kind in tag.lower():
                found[tag.lower().partition(kind)[2]] = by_step
    for kind, found in kinds.items():
        # Memory, readout, and two of the normalization.
        text = f"the event file has histograms of {len(found)} variables with {kind!r} in their tag"
        expect(len(found) >= 4, f"{text}; expected one for each of the 4 variables of this model.")
        for by_step in found.values():
            steps = sorted(by_step)
            expect(len(steps) >= 2, f"in 600 steps there are {len(steps)} histograms of {kind} gradients; expected 2.")
            # Steps count from 0 or 1, and the first may be there, too.
            apart = len({round(step / 250) for step in steps}) == len(steps)
            spaced = apart and all(step % 250 in (0, 1, 249) for step in steps)
            text = f"histograms of {kind} gradients are at the steps {', '.join(map(str, steps[:4]))}"
            expect(spaced, f"{text}; expected every 250, counted over all epochs.")
    for part in ("memory", "readout"):
        name = next((name for name in kinds["raw"] if part in name and name in kinds["clipped"]), None)
        expect(name is not None, "the tags of the histograms do not hold the paths of the variables.")
        steps = sorted(set(kinds["raw"][name]) & set(kinds["clipped"][name]))
        expect(steps, "histograms of raw and clipped gradients are at different steps.")
        raw, clipped = (np.array([np.abs(kinds[kind][name][step][:, :2]).max() for step in steps]) for kind in kinds)
        # The kit's stand-in for `clip_gradients` makes all an eighth; edges of older buckets are off by up to a tenth.
        expect((clipped < 0.9 * raw).any(), "the histograms of clipped gradients are as wide as those of raw ones.")
        expect((clipped < 1.1 * raw).all(), "the histograms of clipped gradients are wider than those of raw ones.")
        good = (np.abs(clipped / raw / 0.125 - 1) < 0.25).all()
        expect(good, "the histograms are not of gradients before and after `clip_gradients`, of the same step.")


@pytest.mark.task("4.4", points=1, limit_s=60, hint="Begin at epoch len(history['loss']), with the best so far")
def test_goes_on_with_a_history(student, rng):
    """With the history of earlier epochs, `train` counts on from there, and an earlier best stays the best."""
    before = {"loss": [0.5, 0.4], "accuracy": [0.9, 0.9], "val_loss": [0.3, 0.9], "val_accuracy": [0.97, 0.4]}
    student.save_best(run_dir="runs/earlier", start=knowing())
    options = {"epochs": 3, "learning_rate": 0.01, "run_dir": "runs/earlier", "history": before}
    # Other digits to learn, so that the one epoch that is left does badly on the validation data.
    found = run_training(student, problem(rng, 60, turn=1), problem(rng, 40), knowing(shift=1), **options)
    history = history_of(found, 3)
    for name in NAMES:
        assert_close(history[name][:2], before[name], f"history[{name!r}] of earlier epochs", rtol=1e-6, atol=1e-6)
    calls = as_items(found["calls"], "the calls of the callback")
    expect(len(calls) < 2, f"after two of three epochs {len(calls)} were trained; expected the one that was left.")
    for call, state in zip(calls, as_items(found["states"], "the calls of the callback"), strict=True):
        number = as_number(as_items(call, "a call of the callback", length=2, names="epoch and logs")[0], "the number")
        # Whether epochs count from 0 is another test's matter.
        expect(number in (2, 3), f"the third epoch in all has the number {number:g}; expected 2: it counts on.")
        readout = as_array(as_dict(state, "the weights", ["readout"])["readout"], "the readout", shape=(10, 10))
        off, other = (float(np.abs(readout - knowing(shift)["readout"]).max()) for shift in (1, 0))
        expect(off < other, "training went on with the weights in best.weights.h5; expected those that the model had.")
    last = as_dict(found["last"], "the weights", ["readout"])
    text = "the model does not end with the weights in best.weights.h5, though an earlier epoch was the best."
    expect(same(last["readout"], knowing()["readout"], atol=1e-4), text)
