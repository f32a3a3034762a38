"""Task 7: the model's loops, and the sequential model."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import differences
from grader.oracles.compare import (
    as_array,
    as_dict,
    as_items,
    as_number,
    as_numbers,
    assert_close,
    describe,
    expect,
    same,
)


def data(rng, count):
    """Inputs that can be told apart (their first entry is their number), and labels that go with them."""
    x = rng.normal(size=(count, 3))
    x[:, 0] = np.arange(count)
    y = np.stack([x[:, 0] + 0.5, rng.normal(size=count)], axis=1)
    return x, y


def batches_of(found, what):
    """The batches that the kit's `batch_step` was given: inputs, labels and whether to train."""
    batches = []
    for batch in as_items(as_dict(found, "the answer", ["batches"])["batches"], "the batches"):
        batch = as_dict(batch, "a batch", ["x", "y", "training"])
        x = as_array(batch["x"], f"x of a batch of {what}", shape=(None, 3), axes="batch x inputs", kind="float")
        y = as_array(batch["y"], f"y of a batch of {what}", shape=(None, 2), axes="batch x outputs", kind="float")
        expect(len(x) == len(y), f"a batch of {what} has {len(x)} inputs and {len(y)} labels.")
        expect(len(x) > 0, f"a batch of {what} is empty.")
        batches.append((x, y, batch["training"]))
    expect(batches, f"{what} calls no `batch_step`.")
    return batches


def in_epochs(batches, count, epochs):
    """The numbers of the samples in each epoch, in the order in which they came."""
    numbers = np.concatenate([x[:, 0] for x, _, _ in batches])
    expect(
        len(numbers) == count * epochs,
        f"in {epochs} epochs of {count} samples `fit` handed out {len(numbers)}; expected {count * epochs}.",
    )
    return numbers.reshape(epochs, count)


# -- 7.1 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("7.1", points=2, hint="range(0, len(x), batch_size): the last batch may be smaller")
def test_fit_takes_every_sample(student, rng):
    """Each epoch takes every sample once, with its own label, and trains."""
    for count, batch_size, epochs in ((24, 8, 2), (23, 5, 3), (4, 10, 1), (21, 10, 2)):
        x, y = data(rng, count)
        found = student.run_model(x=x, y=y, epochs=epochs, batch_size=batch_size)
        batches = batches_of(found, "`fit`")
        what = f"{count} samples, batch size {batch_size}"
        for numbers in in_epochs(batches, count, epochs):
            missing = count - len(np.unique(numbers))
            expect(missing == 0, f"{what}: an epoch leaves out {missing} samples and takes others twice.")
        wrong = sum(int((np.abs(by[:, 0] - bx[:, 0] - 0.5) > 1e-6).sum()) for bx, by, _ in batches)
        expect(wrong == 0, f"{what}: {wrong} samples have the label of another.")
        expect(all(training is True for _, _, training in batches), "`fit` calls `batch_step` without training=True.")
        after = as_dict(found, "the answer", ["x", "y"])
        unwritten = same(after["x"], x, atol=0) and same(after["y"], y, atol=0)
        expect(unwritten, "`fit` writes to the inputs or labels that it is given: does it shuffle them in place?")


@pytest.mark.task("7.1", points=1, hint="`x[start : start + batch_size]`")
def test_fit_batch_sizes(student, rng):
    """Batches have the size that was asked for, apart from the last of an epoch."""
    for count, batch_size in ((24, 8), (23, 5)):
        x, y = data(rng, count)
        batches = batches_of(student.run_model(x=x, y=y, epochs=2, batch_size=batch_size), "`fit`")
        sizes = {len(bx) for bx, _, _ in batches}
        allowed = {batch_size, count % batch_size} - {0}
        most = ", ".join(str(size) for size in sorted(sizes - allowed))
        expect(sizes <= allowed, f"at batch size {batch_size} there are batches of {most} samples.")


def check_history(value, what, batches):
    """Holds a history against the batches: a value for each, in their order."""
    history = as_dict(value, what, ["loss", "acc"])
    for name, part in (("loss", 0), ("acc", 1)):
        expected = [float(batch[part].mean()) for batch in batches]
        values = as_numbers(history[name], f"{what}[{name!r}]", length=len(expected))
        assert_close(values, expected, f"{what}[{name!r}]", rtol=1e-5, atol=1e-6)


@pytest.mark.task("7.1", points=2, hint="`batch_metrics`: last batch; `epoch_metrics`: last epoch; `agg_metrics`: all")
def test_fit_keeps_metrics(student, rng):
    """The metrics of the last batch, of the last epoch and of all epochs are kept, and `fit` returns the latter."""
    x, y = data(rng, 20)
    found = student.run_model(x=x, y=y, epochs=3, batch_size=6)
    batches = batches_of(found, "`fit`")
    found = as_dict(found, "the answer", ["returned", "batch_metrics", "epoch_metrics", "agg_metrics"])
    check_history(found["agg_metrics"], "agg_metrics", batches)
    check_history(found["returned"], "what `fit` returned", batches)
    expect(len(batches) % 3 == 0, f"in 3 epochs there are {len(batches)} batches.")
    check_history(found["epoch_metrics"], "epoch_metrics", batches[-(len(batches) // 3) :])
    last = as_dict(found["batch_metrics"], "batch_metrics", ["loss", "acc"])
    for name, part in (("loss", 0), ("acc", 1)):
        value = as_number(last[name], f"batch_metrics[{name!r}]")
        expect(
            abs(value - float(batches[-1][part].mean())) < 1e-5, f"batch_metrics[{name!r}] is not of the last batch."
        )


@pytest.mark.task("7.1", points=2, hint="A smaller last batch counts for less: weigh each batch by its size")
def test_evaluate(student, rng):
    """`evaluate` trains nothing, and returns means over all samples, whatever the batch size."""
    for count, batch_size in ((20, 5), (23, 10), (7, 50)):
        x, y = data(rng, count)
        found = student.run_model(x=x, y=y, batch_size=batch_size)
        batches = batches_of(found, "`evaluate`")
        numbers = np.sort(np.concatenate([bx[:, 0] for bx, _, _ in batches]))
        what = f"{count} samples, batch size {batch_size}"
        expect(np.array_equal(numbers, np.arange(count)), f"{what}: `evaluate` does not take every sample once.")
        expect(
            all(training is False for _, _, training in batches),
            "`evaluate` calls `batch_step` without training=False.",
        )
        returned = as_dict(
            as_dict(found, "the answer", ["returned"])["returned"], "what `evaluate` returned", ["loss", "acc"]
        )
        per_batch = [float(np.mean([part.mean() for part in parts])) for parts in list(zip(*batches, strict=True))[:2]]
        for name, true, slip in zip(("loss", "acc"), (x.mean(), y.mean()), per_batch, strict=True):
            value = as_number(returned[name], f"{name} of `evaluate`")
            hint = "It is the mean over batches, which are not of one size." if abs(value - slip) < 1e-6 else ""
            assert_close(value, float(true), f"{name} of `evaluate`, {what}", rtol=1e-5, atol=1e-6, hint=hint)


# -- 7.2 --------------------------------------------------------------------------------------------------------------


def wave(rng, d, trainable=(True, True)):
    return {"kind": "wave", "w": rng.uniform(0.5, 1.5, d), "v": rng.normal(size=(1, d)), "trainable": list(trainable)}


FOLD = {"kind": "fold"}


def run(specs, weights, x):
    """The kit's layers (see `kit_parts` in adapters.py) with these weights, two for each wave."""
    rest = iter(weights)
    for spec in specs:
        x = x[:, 0::2] * x[:, 1::2] if spec["kind"] == "fold" else next(rest) * np.sin(x) + next(rest)
    return x


def weights_of(specs):
    return [spec[name] for spec in specs if spec["kind"] == "wave" for name in ("w", "v")]


def kit_loss(prediction, y):
    """That of adapters.py: not the same with its arguments swapped."""
    return float(np.mean(np.sum((prediction - y) ** 4, axis=1) / 4) + np.mean(prediction))


@pytest.mark.task("7.2", points=1, hint="What one layer returns, the next one takes")
def test_sequential_call(student, rng):
    """The model runs its layers in their order, for any batch size."""
    specs = [wave(rng, 8), FOLD, wave(rng, 4), wave(rng, 4), FOLD]
    inputs = [rng.normal(size=(size, 8)) for size in (5, 1)]
    found = as_items(student.sequential_outputs(specs=specs, inputs=inputs), "the answer", length=2)
    for x, output in zip(inputs, found, strict=True):
        assert_close(output, run(specs, weights_of(specs), x), "the output of the model", rtol=1e-5, atol=1e-6)


RATE = 0.1


def stepped(student, specs, batches, training):
    """What the adapter saw of `batch_step`, with its entries checked."""
    found = student.sequential_steps(specs=specs, batches=batches, training=training, rate=RATE)
    found = as_dict(found, "the answer", ["metrics", "recorded", "applied", "weights", "open"])
    count = 2 * sum(spec["kind"] == "wave" for spec in specs)
    found["weights"] = as_items(found["weights"], "the weights", length=count)
    return found


def drawn(rng, specs, sizes=(6, 4, 6)):
    width = specs[0]["w"].size
    outputs = width >> sum(spec["kind"] == "fold" for spec in specs)
    return [
        {"x": rng.uniform(-1, 1, size=(size, width)), "y": rng.normal(scale=0.5, size=(size, outputs))}
        for size in sizes
    ]


def moved(specs, steps):
    """The weights after some steps of the kit's optimizer, whose gradients are 1, 2, 3, ... for the trainable ones."""
    weights, number = [], 0
    for spec in specs:
        if spec["kind"] == "wave":
            for name, trainable in zip(("w", "v"), spec["trainable"], strict=True):
                number += trainable
                weights.append(spec[name] - (steps * RATE * number if trainable else 0.0))
    return weights


@pytest.mark.task("7.2", points=2, hint="Model and loss under `with GradientTape() as tape:`, then `apply_gradients`")
def test_step_applies_gradients(student, rng):
    """In training, each step hands the tape's gradients to the optimizer, once, with the trainable weights."""
    specs = [wave(rng, 4), wave(rng, 4, (True, False)), FOLD]
    batches = drawn(rng, specs)
    found = stepped(student, specs, batches, training=True)
    applied = as_items(found["applied"], "the optimizer's calls")
    expect(len(applied) == 3, f"in 3 training steps the optimizer was called {len(applied)} times.")
    recorded = as_items(found["recorded"], "the tape's operations")
    # Three layers and the loss.
    counts = sorted({int(as_number(count, "the number")) for count in recorded})
    expect(counts == [4], f"on the tape are {counts} operations; expected 4: three layers and the loss.")
    for one in applied:
        one = as_dict(one, "a call of the optimizer", ["own", "gradients"])
        expect(one["own"] is True, "the optimizer gets other weights than the model's `trainable_variables`.")
        gradients = as_items(one["gradients"], "the gradients", length=3)
        for k, gradient in enumerate(gradients, start=1):
            what = f"gradient {k} that the optimizer gets"
            array = as_array(gradient, what, kind="float")
            expect(array.size > 0 and np.allclose(array, k), f"{what} is not what `tape.gradient()` returned for it.")
    for weight, expected in zip(found["weights"], moved(specs, 3), strict=True):
        assert_close(weight, expected, "a weight after 3 steps", rtol=1e-6, atol=1e-6)
    expect(found["open"] is False, "after `batch_step` a tape is still on.")


@pytest.mark.task("7.2", points=2, hint="Loss and accuracy belong to the predictions before the weights change")
def test_step_metrics(student, rng):
    """`batch_step` returns loss and accuracy of its predictions, before the weights change."""
    specs = [wave(rng, 4), FOLD, wave(rng, 2)]
    for training in (True, False):
        batches = drawn(rng, specs)
        found = stepped(student, specs, batches, training)
        metrics = as_items(found["metrics"], "the metrics", length=3)
        for step, (batch, one) in enumerate(zip(batches, metrics, strict=True)):
            one = as_dict(one, "what `batch_step` returned", ["loss", "acc"])
            prediction = run(specs, moved(specs, step if training else 0), batch["x"])
            later = run(specs, moved(specs, step + 1), batch["x"])
            hint = ""
            if training and same(one["loss"], kit_loss(later, batch["y"]), atol=1e-6):
                hint = "It is that of the weights after the step."
            loss = as_number(one["loss"], "the loss")
            assert_close(loss, kit_loss(prediction, batch["y"]), "the loss", rtol=1e-5, atol=1e-6, hint=hint)
            # The kit's accuracy is the mean of the predictions.
            accuracy = as_number(one["acc"], "the accuracy")
            assert_close(accuracy, float(prediction.mean()), "the accuracy", rtol=1e-5, atol=1e-6)


@pytest.mark.task("7.2", points=1, behind="7.2", hint="`if training:`")
def test_step_without_training(student, rng):
    """Without training no weight changes, and the optimizer is left alone."""
    specs = [wave(rng, 4), wave(rng, 4)]
    found = stepped(student, specs, drawn(rng, specs), training=False)
    expect(not as_items(found["applied"], "the calls"), "with training=False the optimizer is called.")
    for weight, expected in zip(found["weights"], weights_of(specs), strict=True):
        assert_close(weight, expected, "a weight after steps without training", rtol=0, atol=1e-12)


@pytest.mark.task("7.2", points=1, behind="7.2", hint="Labels and inputs may be used again")
def test_step_writes_to_weights_alone(student, rng):
    """A batch comes out the same after another: nothing is kept of the steps before."""
    specs = [wave(rng, 4), wave(rng, 4)]
    first, second, _ = drawn(rng, specs)
    found = stepped(student, specs, [first, second, first], training=False)
    metrics = [as_dict(one, "what `batch_step` returned", ["loss", "acc"]) for one in as_items(found["metrics"], "it")]
    expect(len(metrics) == 3, f"there are {len(metrics)} answers to 3 steps.")
    for name in ("loss", "acc"):
        expect(
            same(metrics[0][name], metrics[2][name], atol=1e-9), f"the {name} of a batch is another the second time."
        )


# -- whole models -----------------------------------------------------------------------------------------------------


def dense(rng, s, d):
    w, b = rng.normal(scale=0.7, size=(s, d)), rng.normal(scale=0.3, size=(d,))
    return {"kind": "Dense", "w": w.astype(np.float32).astype(float), "b": b.astype(np.float32).astype(float)}


def forward(parts, weights, x):
    """Layers of yours in float64, as make_part names them, with these weights."""
    rest = iter(weights)
    for part in parts:
        if part["kind"] == "Dense":
            x = x @ next(rest) + next(rest)
        elif part["kind"] == "Softmax":
            x = np.exp(x - x.max(axis=1, keepdims=True))
            x = x / x.sum(axis=1, keepdims=True)
        else:
            x = np.where(x > 0, x, {"ReLU": 0.0}.get(part["kind"], part.get("alpha", 0.3)) * x)
    return x


LOSSES = {
    "MeanSquaredError": lambda p, y: float(np.mean((p - y) ** 2)),
    "CategoricalCrossentropy": lambda p, y: float(-np.mean(np.sum(y * np.log(p), axis=1))),
}


def check_whole(student, rng, parts, loss, batch):
    weights = [part[name] for part in parts if part["kind"] == "Dense" for name in ("w", "b")]
    width = weights[0].shape[0]
    outputs = weights[-1].shape[0]
    x = rng.uniform(0.2, 1.5, size=(batch, width))
    y = np.eye(outputs)[rng.integers(0, outputs, size=batch)]
    found = student.whole_gradients(parts=parts, loss=loss, x=x, y=y)
    found = as_dict(found, "the answer", ["loss", "gradients"])
    gradients = as_items(found["gradients"], "what `tape.gradient()` returned", length=len(weights))
    names = "->".join(part["kind"] for part in parts)
    for k, weight in enumerate(weights):

        def value(moved, k=k):
            return LOSSES[loss](forward(parts, [*weights[:k], moved, *weights[k + 1 :]], x), y)

        expected = differences.gradient(value, weight)
        got = gradients[k]
        expect(isinstance(got, np.ndarray), f"gradient {k + 1} of the model {names} is {describe(got)}.")
        shaped = got.reshape(expected.shape) if got.size == expected.size else got
        # The layers compute in float32 where their weights are.
        assert_close(shaped, expected, f"gradient {k + 1} of the model {names}, B = {batch}", rtol=2e-3, atol=2e-5)


@pytest.mark.task("7.2", points=0, hint="Each part is right by itself? Then look at how they meet")
def test_whole_models(student, rng):
    """The gradients of whole models of your layers are those of central differences."""
    leaky, relu = {"kind": "LeakyReLU"}, {"kind": "ReLU"}
    check_whole(student, rng, [dense(rng, 5, 3)], "MeanSquaredError", 4)
    check_whole(student, rng, [dense(rng, 4, 3), leaky], "MeanSquaredError", 1)
    parts = [dense(rng, 4, 6), {"kind": "LeakyReLU", "alpha": 0.1}, dense(rng, 6, 5), relu, dense(rng, 5, 3)]
    check_whole(student, rng, parts, "MeanSquaredError", 7)


@pytest.mark.task("8.2", points=0, hint="Each part is right by itself? Then look at how they meet")
def test_whole_models_with_softmax(student, rng):
    """The gradients of whole models with Softmax and the cross-entropy are those of central differences."""
    parts = [dense(rng, 4, 6), {"kind": "LeakyReLU"}, dense(rng, 6, 3), {"kind": "Softmax"}]
    check_whole(student, rng, parts, "CategoricalCrossentropy", 6)
    check_whole(student, rng, [dense(rng, 3, 4), {"kind": "Softmax"}], "MeanSquaredError", 3)
