"""Task 1: a step forward, and forward through sequences.

The pass over sequences is held against steps of the submission's own cell: a wrong cell costs no points here again.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import rnn
from grader.oracles.compare import as_array, as_dict, as_items, as_number, assert_close, expect, same

SIZES = ((1, 3, 4, 2), (5, 2, 3, 4), (3, 6, 1, 3))  # B, D, H, C


def tolerance(value):
    """Rounding makes errors of some 1e-15 in float64, and of 1e-6 in float32, for who prefers that."""
    is_single = isinstance(value, np.ndarray) and value.dtype.itemsize < 8
    return {"rtol": 1e-4, "atol": 1e-5} if is_single else {"rtol": 1e-9, "atol": 1e-11}


def drawn_step(rng, sizes, scale=0.6):
    """A model, an input and a state."""
    batch, size, units, classes = sizes
    model = rnn.random_model(rng, size, units, classes, scale)
    return model, rng.normal(size=(batch, size)), rng.normal(size=(batch, units))


def checked_cell(student, model, x, h, **options):
    """What `cell_fn_forward` answered: scores and new state, with their shapes checked."""
    answer = as_dict(student.cell_forward(X=x, h=h, model=model, **options), "the answer", ["y", "h", "changed"])
    scores = as_array(
        answer["y"], "the y of `cell_fn_forward`", shape=(len(x), model["Why"].shape[1]), axes="batch x classes"
    )
    state = as_array(answer["h"], "the h of `cell_fn_forward`", shape=h.shape, axes="batch x hidden units")
    return scores, state, [str(name) for name in as_items(answer["changed"], "the names")]


# -- 1.1 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("1.1", points=1.5, hint="tanh of X Wxh + h Whh + bh: three terms")
def test_state(student, rng):
    """The new state is tanh(X Wxh + h Whh + bh), for any sizes."""
    for sizes in SIZES:
        model, x, h = drawn_step(rng, sizes)
        _, state, _ = checked_cell(student, model, x, h)
        assert_close(state, rnn.step(model, x, h)[1], f"the state for B, D, H, C = {sizes}", **tolerance(state))


@pytest.mark.task("1.1", points=1.5, hint="The readout looks at the new state, not at the old one")
def test_scores(student, rng):
    """The scores are a weighted sum of the new state plus the bias: h' Why + by, before any softmax."""
    for sizes in SIZES:
        model, x, h = drawn_step(rng, sizes)
        scores, state, _ = checked_cell(student, model, x, h)
        expected = state.astype(np.float64) @ model["Why"] + model["by"]
        assert_close(scores, expected, f"the scores for B, D, H, C = {sizes}", **tolerance(scores))


@pytest.mark.task("1.1", points=1, hint="`return scores if train else softmax(scores)`, in one way or another")
def test_probabilities(student, rng):
    """With `train=False` there are probabilities: the softmax of the scores, row by row."""
    model, x, h = drawn_step(rng, (6, 3, 4, 5))
    model["Why"] = 400 * model["Why"]  # scores of some hundreds must not overflow
    scores, _, _ = checked_cell(student, model, x, h)
    found, state, _ = checked_cell(student, model, x, h, train=False)
    expect(not same(found, scores, atol=1e-6), "with train=False the scores come back as they are.")
    expected = rnn.softmax(scores.astype(np.float64))
    assert_close(found, expected, "the probabilities", rtol=1e-4, atol=1e-6)
    _, again, _ = checked_cell(student, model, x, h)
    expect(same(state, again, atol=1e-6), "with train=False the new state is another one.")


@pytest.mark.task("1.1", points=1, hint="`h += ...` changes the array of whoever called you; make a new one")
def test_cell_changes_nothing(student, rng):
    """The cell leaves its arguments as they are, and keeps nothing from one call to the next."""
    model, x, h = drawn_step(rng, (4, 3, 5, 2))
    scores, state, changed = checked_cell(student, model, x, h)
    expect(not changed, f"`cell_fn_forward` changes {', '.join(changed)}, which it was given.")
    checked_cell(student, model, 2 * x, h - 1)
    again = checked_cell(student, model, x, h)
    for name, first, second in (("scores", scores, again[0]), ("state", state, again[1])):
        expect(same(first, second, atol=0), f"called again with the same arguments, it gives another {name}.")


# -- 1.2 --------------------------------------------------------------------------------------------------------------


def drawn_sequences(rng, steps, sizes, scale=0.6):
    """A model, inputs, labels and an initial state."""
    batch, size, units, classes = sizes
    model = rnn.random_model(rng, size, units, classes, scale)
    x, labels = rng.normal(size=(steps, batch, size)), rng.integers(0, classes, size=(steps, batch))
    return model, x, labels, rng.normal(size=(batch, units))


def as_lists(x, labels):
    """One sequence as lists: an array `(1, D)` and an integer for each step."""
    return list(x), [int(label) for label in labels[:, 0]]


def own_steps(student, model, x, h):
    """The last state after steps of the submission's own cell."""
    for x_t in x:
        h = checked_cell(student, model, x_t, h)[1].astype(np.float64)
    return h


def checked_scores(found, x, model):
    """The scores that `rnn_forward` returned, in float64."""
    ys = as_items(found["ys"], "the list of scores", length=len(x), names="scores of each step")
    shape = (x.shape[1], model["Why"].shape[1])
    return [as_array(y, f"the scores of step {t}", shape=shape).astype(np.float64) for t, y in enumerate(ys)]


def checked_forward(student, model, x, labels, h, **options):
    answer = student.forward(X=x, y=labels, model=model, initial_state=h, **options)
    return as_dict(answer, "the answer", ["last", "ys", "loss", "caches", "printed"])


@pytest.mark.task("1.2", points=1, hint="The state that a step returns goes into the next step")
def test_states_are_passed_on(student, rng):
    """The state goes from step to step, from the initial one to the last, which is returned."""
    for steps, sizes in ((1, (1, 3, 4, 2)), (5, (1, 2, 3, 3)), (4, (3, 2, 5, 2))):
        model, x, labels, h = drawn_sequences(rng, steps, sizes)
        last = as_array(checked_forward(student, model, x, labels, h)["last"], "the last state", shape=h.shape)
        assert_close(
            last, own_steps(student, model, x, h), f"the state after {steps} steps of your cell", **tolerance(last)
        )


@pytest.mark.task("1.2", points=1, hint="Append the scores of each step, and its cache")
def test_scores_of_all_steps(student, rng):
    """There are scores and a cache for each step, for lists of arrays and integers, too."""
    for batch in (3, 1):
        model, x, labels, h = drawn_sequences(rng, 4, (batch, 2, 5, 3))
        found = checked_forward(student, model, *(as_lists(x, labels) if batch == 1 else (x, labels)), h)
        ys = checked_scores(found, x, model)
        for t in range(3):
            expect(not same(ys[t], ys[t + 1], atol=1e-9), f"the scores of steps {t} and {t + 1} are the same.")
        expect(as_number(found["caches"], "the number") == 4, f"there are {found['caches']} caches after 4 steps.")


@pytest.mark.task("1.2", points=2, hint="`loss += cross_entropy(scores, y)`, and nothing is divided")
def test_loss_is_a_sum_over_steps(student, rng):
    """The loss is the sum over the steps of the cross-entropy, which is a mean over the batch."""
    for steps, sizes in ((1, (1, 3, 4, 2)), (6, (1, 2, 3, 3)), (5, (4, 2, 5, 3))):
        model, x, labels, h = drawn_sequences(rng, steps, sizes)
        found = checked_forward(student, model, x, labels, h)
        loss, scores = as_number(found["loss"], "the loss"), checked_scores(found, x, model)
        total = sum(rnn.cross_entropy(y, labels_t) for y, labels_t in zip(scores, labels, strict=True))
        text = f"for T = {steps}, B = {sizes[0]} the loss is {loss:.6g}; expected {total:.6g}"
        for factor, what in ((1 / steps, "the mean over the steps"), (sizes[0], "a sum over the batch, too")):
            text += f". Yours is {what}" if abs(loss - total * factor) < 1e-6 * total and factor != 1 else ""
        expect(abs(loss - total) <= 1e-5 * total, f"{text}.")


@pytest.mark.task("1.2", points=1, hint="`if verbose: print(...)`")
def test_verbose(student, rng):
    """It prints something with `verbose=True`, and nothing without."""
    model, x, labels, h = drawn_sequences(rng, 2, (1, 2, 3, 2))
    quiet = checked_forward(student, model, x, labels, h)["printed"]
    expect(quiet == "", "without verbose it prints all the same, which slows down every training.")
    expect(checked_forward(student, model, x, labels, h, verbose=True)["printed"], "with verbose=True nothing is said.")
