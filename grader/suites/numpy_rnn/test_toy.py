"""Task 5: the echo task and what learns it; norms of gradients on their way back."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import differences, gru, lstm, rnn
from grader.oracles.compare import Mismatch, as_array, as_dict, as_items, as_numbers, assert_close, expect, same

SYMBOLS, DELAY = 4, 2


def checked_batch(student, steps, batch, symbols, delay, seed):
    """Symbols and what is asked for, `(T, B)` each."""
    answer = student.echo_batch(num_steps=steps, batch_size=batch, num_symbols=symbols, delay=delay, seed=seed)
    x, y = as_items(answer, "what `echo_batch` returned", length=2, names="X and y")
    x = as_array(x, "X", shape=(steps, batch, symbols), axes="steps x batch x symbols")
    y = as_array(y, "y", shape=(steps, batch), axes="steps x batch", kind="integer")
    one_hot = ((x == 0) | (x == 1)).all() and (x.sum(axis=2) == 1).all()
    expect(one_hot, "the vectors in X are not one-hot: a single 1, and zeros.")
    return x.argmax(axis=2), y


@pytest.mark.task("5.1", points=1, hint="Shift along the axis of time; fill with 0")
def test_echo_targets(student):
    """What is asked for is the symbol `delay` steps before, or 0 where there is none."""
    for steps, batch, symbols, delay in ((9, 3, 5, 2), (6, 4, 3, 1), (4, 2, 3, 0), (3, 2, 4, 5)):
        seen, asked = checked_batch(student, steps, batch, symbols, delay, seed=steps)
        expected = np.zeros_like(seen)
        if delay < steps:
            expected[delay:] = seen[: steps - delay]
        wrong = int((asked != expected).sum())
        text = (
            f"T = {steps}, delay {delay}: {wrong} of {asked.size} entries of y are not the symbol of that step before."
        )
        expect(wrong == 0, text)


@pytest.mark.task("5.1", points=0.5, hint="`rng.integers(0, num_symbols, size=...)`")
def test_symbols_are_random(student):
    """All symbols are equally frequent, and independent from step to step and row to row."""
    seen, _ = checked_batch(student, 200, 50, SYMBOLS, DELAY, seed=1)
    shares = np.bincount(seen.reshape(-1), minlength=SYMBOLS) / seen.size
    # 10,000 symbols: a share of 1/4 has a standard deviation of 0.4 %.
    expect(np.abs(shares - 1 / SYMBOLS).max() < 0.03, f"the symbols have the shares {np.round(shares, 3).tolist()}.")
    for what, stays in (("step to step", seen[1:] == seen[:-1]), ("row to row", seen[:, 1:] == seen[:, :-1])):
        share = float(stays.mean())
        expect(abs(share - 1 / SYMBOLS) < 0.03, f"from {what} the symbol stays in {share:.0%} of cases; expected 25 %.")
    other, _ = checked_batch(student, 200, 50, SYMBOLS, DELAY, seed=2)
    expect((other != seen).any(), "another generator `rng` gives the same symbols.")
    again, _ = checked_batch(student, 200, 50, SYMBOLS, DELAY, seed=2)
    expect((other == again).all(), "a generator in the same state gives other symbols; draw them from `rng` alone.")


def trained_echo(student, symbols, delay, seed):
    """Model and losses that `train_echo` returned."""
    answer = student.train_echo(num_symbols=symbols, delay=delay, seed=seed)
    answer = as_dict(answer, "the answer", ["model", "losses"])
    model = as_dict(answer["model"], "the model that `train_echo` returned", rnn.NAMES)
    model = {name: as_array(model[name], name).astype(np.float64) for name in rnn.NAMES}
    units = len(model["Whh"])
    shapes = {"Wxh": (symbols, units), "Whh": (units, units), "Why": (units, symbols), "bh": (1, units)}
    for name, shape in {**shapes, "by": (1, symbols)}.items():
        expect(model[name].shape == shape, f"{name} has shape {model[name].shape}; expected {shape}.")
    return model, as_numbers(answer["losses"], "the losses")


def new_echo(rng, symbols, delay):
    """300 sequences of 15 symbols, and what is asked for."""
    drawn = rng.integers(0, symbols, size=(15, 300))
    asked = np.zeros_like(drawn)
    asked[delay:] = drawn[:-delay]
    return drawn, asked


def mean_loss(rng, model, symbols, delay):
    """The model's loss a step on new sequences."""
    drawn, asked = new_echo(rng, symbols, delay)
    state = np.zeros((drawn.shape[1], len(model["Whh"])))
    return float(rnn.forward(model, np.eye(symbols)[drawn], asked, state).loss) / len(drawn)


def check_echo(student, rng, model, symbols, delay, least):
    """The model echoes so many new symbols rightly."""
    drawn, asked = new_echo(rng, symbols, delay)
    # By the equations, or by the submission's own `rnn_forward`, whose faults are charged elsewhere.
    state = np.zeros((300, len(model["Whh"])))
    problem = {"X": np.eye(symbols)[drawn], "y": asked, "model": model, "initial_state": state}
    own = as_items(as_dict(student.forward(**problem), "the answer", ["ys"])["ys"], "the scores")
    scores = [rnn.forward(model, problem["X"], asked, state).scores]
    scores.append(np.stack([as_array(y, "the scores", shape=(300, symbols)) for y in own]))
    right = max(float(np.mean(found.argmax(axis=2) == asked)) for found in scores)
    text = f"{right:.1%} of the echoes of new sequences are right; expected at least {least:.0%}"
    expect(right >= least, f"{text} for {symbols} symbols and a delay of {delay}.")


@pytest.mark.task("5.1", points=1, limit_s=60, hint="More updates, another learning rate; is the gradient too long?")
def test_toy_is_learnt(student, rng, thresholds):
    """The model that `train_echo` returns echoes new sequences."""
    model, _ = trained_echo(student, SYMBOLS, DELAY, seed=5)
    check_echo(student, rng, model, SYMBOLS, DELAY, thresholds["echo"])


@pytest.mark.task("5.1", points=0.5, limit_s=200, hint="One `default_rng(seed)` for all; append loss / steps each time")
def test_toy_follows_its_arguments(student, rng):
    """`train_echo` does what its arguments say, the same for the same seed; its losses are means over the steps."""
    model, losses = trained_echo(student, 3, 1, seed=6)
    check_echo(student, rng, model, 3, 1, 0.75)  # the echo of another delay is right in a third of cases
    chance = float(np.log(3))
    first, last = losses[0] if losses else 0.0, float(np.mean(losses[-3:])) if losses else 0.0
    text = f"of {len(losses)} losses the first is {first:.3g}; expected, for 3 symbols, about log 3 = {chance:.3g}"
    # Random weights of a usual size start at 1 to 3 times that; a sum over 12 steps, or so, is far above, and so is a
    # mean where weights are large at first: then the last losses tell which it is. What is far below comes from a loss
    # of `rnn_forward` that is a mean already, which is charged there.
    is_mean = first < 4 * chance or last < 4 * mean_loss(rng, model, 3, 1)
    expect(first > 0 and is_mean, f"{text}, a mean over the steps.")
    expect(last < 0.7 * first, f"the losses of the last updates are {last:.3g}, the first was {first:.3g}.")
    # Rounding may differ, and its effect grows from update to update; the first ones show what is meant.
    _, again = trained_echo(student, 3, 1, seed=6)
    expect(same(losses[:3], again[:3], atol=1e-6), "a second training with the same seed starts with other losses.")
    _, other = trained_echo(student, 3, 1, seed=7)
    expect(not same(losses[:3], other[:3], atol=1e-9), "a training with another seed has the same losses.")


# -- 5.2 --------------------------------------------------------------------------------------------------------------


def step_of(cell, params):
    """The true step, on states that are stacked along the last axis: h, or h and c."""
    if cell == "rnn":
        return lambda x, state: np.tanh(x @ params["Wxh"] + state @ params["Whh"] + params["bh"])
    if cell == "gru":
        return lambda x, state: gru.step(params, x, state)
    gates = {gate: lstm.Affine(params[f"U{gate}"], params[f"W{gate}"], params[f"b{gate}"][0]) for gate in "ifog"}
    return lambda x, state: np.hstack(lstm.LSTM(**gates).step(x, *np.hsplit(state, 2)))


def true_norms(cell, params, x, dh_last):
    step, units = step_of(cell, params), dh_last.shape[1]
    states = [np.zeros((len(dh_last), units * (2 if cell == "lstm" else 1)))]
    for x_t in x:
        states.append(step(x_t, states[-1]))

    def loss(state, first):
        for x_t in x[first:]:
            state = step(x_t, state)
        return float(np.sum(dh_last * state[:, :units]))

    gradients = [differences.gradient(lambda value, t=t: loss(value, t), state) for t, state in enumerate(states)]
    return np.array([np.linalg.norm(gradient) for gradient in gradients])


def own_norms(student, params, x, dh_last):
    """The norms that follow from the submission's own steps of a gated cell, forward and back."""
    is_lstm = "Wi" in params
    state = [np.zeros_like(dh_last) for _ in range(2 if is_lstm else 1)]
    states = []
    for x_t in x:
        states.append({"X": x_t, **dict(zip("hc", state, strict=False))})
        answer = as_items(student.gated_forward(states=states[-1], params=params), "the states", length=len(state))
        state = [as_array(value, "a state", shape=dh_last.shape).astype(np.float64) for value in answer]
    gradient = [dh_last, np.zeros_like(dh_last)][: len(state)]
    norms = [np.linalg.norm(gradient)]
    for given in reversed(states):
        answer = student.gated_backward(states=given, params=params, upstream=gradient)
        answer = as_dict(answer, "the gradients", list("hc")[: len(state)])
        gradient = [
            as_array(answer[name], "a gradient", shape=dh_last.shape).astype(np.float64) for name in "hc"[: len(state)]
        ]
        norms.append(np.linalg.norm(gradient))
    return np.array(norms[::-1])


def check_norms(student, rng, cell, steps=6, batch=2, size=3, units=4):
    params = rnn.random_model(rng, size, units, 2, 0.8)
    if cell != "rnn":
        params = {}
        for gate in "rzh" if cell == "gru" else "ifog":
            params |= {f"W{gate}": rng.normal(size=(units, units)), f"U{gate}": rng.normal(size=(size, units))}
            params |= {f"b{gate}": rng.normal(size=(1, units))}
    x, dh_last = rng.normal(size=(steps, batch, size)), rng.normal(size=(batch, units))
    found = student.gradient_norms(cell=cell, params=params, X=x, dh_last=dh_last)
    expected = true_norms(cell, params, x, dh_last)
    found = as_array(found, "what `gradient_norms` returned", shape=(steps + 1,), axes="one norm for each state")
    try:
        assert_close(found, expected, f"the norms for {steps} steps of the cell {cell!r}", rtol=1e-4, atol=1e-6)
    except Mismatch:
        # They may follow from steps whose faults are charged in part 4.
        own = expected if cell == "rnn" else own_norms(student, params, x, dh_last)
        if not same(found, own, atol=1e-6 + 1e-4 * float(np.abs(own).max())):
            raise


@pytest.mark.task("5.2", points=1, hint="dh (1 - h'^2), then times Whh transposed, and its norm")
def test_norms_of_rnn(student, rng):
    """The norms for the vanilla RNN are those of the gradient with respect to each state."""
    check_norms(student, rng, "rnn")


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(cell, marks=pytest.mark.task("5.2", points=0.75, hint=hint), id=cell)
        for cell, hint in (("gru", "`gru_cell_backward`, again and again"), ("lstm", "The root of |dh|^2 + |dc|^2"))
    ],
)
def test_norms_of_gated_cells(student, rng, cell):
    """The norms for gated cells are those of the gradient with respect to each state."""
    check_norms(student, rng, cell)
