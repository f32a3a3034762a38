"""Task 2: back through a step, through time, through pieces of time; clipping and descent.

Gradients are held against central differences of the loss in float64. A step back is judged at the activations that
the submission's own step forward gave; `bptt` may also agree with its own steps back, added up here: so a wrong
step costs no points in the tasks that are built on it.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.errors import StudentRaised
from grader.oracles import rnn
from grader.oracles.compare import (
    Mismatch,
    as_array,
    as_dict,
    as_items,
    as_number,
    assert_close,
    expect,
    same,
)

NAMES = rnn.NAMES
MILD = 4.0  # where no entry of a gradient is larger, a `bptt` that always clips at 5 fails the test of clipping alone


def tolerance(value):
    """Central differences are exact to some 1e-9 here; float32 to 1e-5 after a sum over steps."""
    is_single = isinstance(value, np.ndarray) and value.dtype.itemsize < 8
    return {"rtol": 1e-3, "atol": 1e-4} if is_single else {"rtol": 1e-6, "atol": 1e-7}


def drawn(rng, steps, sizes, scale=0.6):
    """A model, inputs, labels and an initial state, with mild gradients; B, D, H, C."""
    batch, size, units, classes = sizes
    for _ in range(60):
        model = rnn.random_model(rng, size, units, classes, scale)
        x, labels = rng.normal(size=(steps, batch, size)), rng.integers(0, classes, size=(steps, batch))
        problem = model, x, labels, 0.5 * rng.normal(size=(batch, units))
        if max(float(np.abs(grad).max()) for grad in rnn.loss_gradient(*problem).values()) < MILD:
            break
    return problem


def checked_grads(value, model, what):
    """The gradients as arrays, of the shapes of the model's entries."""
    found = as_dict(value, f"the gradients of `{what}`", NAMES)
    return {
        name: as_array(found[name], f"the gradient of {name} from `{what}`", shape=model[name].shape) for name in NAMES
    }


# -- 2.1 --------------------------------------------------------------------------------------------------------------


def step_back(student, model, x, h, labels, dh_next, scores=None):
    """What `cell_fn_backward` answered, and what the chain rule gives at the same activations."""
    scores = rnn.step(model, x, h)[0] if scores is None else scores
    answer = student.cell_backward(X=x, h=h, model=model, y_pred=scores, y_train=labels, dh_next=dh_next)
    answer = as_dict(answer, "the answer", ["h", "grads", "dh"])
    new_h = as_array(answer["h"], "the h of `cell_fn_forward`", shape=h.shape).astype(np.float64)
    return answer, rnn.backward_step(model, x, h, new_h, scores, np.atleast_1d(labels), dh_next)


def drawn_step_back(student, rng, batch, as_integer=False):
    model, x, labels, h = drawn(rng, 1, (batch, 4, 5, 3))
    labels = int(labels[0, 0]) if as_integer else labels[0]
    return model, step_back(student, model, x[0], h, labels, rng.normal(size=h.shape))


HINTS = {
    "Wxh": "X transposed times the gradient of what is inside of the tanh",
    "Whh": "It belongs to the old state h, not to the new one",
    "Why": "It belongs to the new state: `fc_backward` does it",
    "bh": "Of shape (1, H)",
    "by": "Of shape (1, C)",
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.task("2.1", points=0.8, hint=HINTS[name]), id=name) for name in NAMES]
)
def test_cell_gradient(student, rng, name):
    """One step's gradient is right (one sequence)."""
    for _ in range(2):
        model, (answer, (expected, _)) = drawn_step_back(student, rng, 1)
        found = as_dict(answer["grads"], "the gradients of `cell_fn_backward`", [name])[name]
        found = as_array(found, f"the gradient of {name}", shape=model[name].shape)
        assert_close(found, expected[name], f"the gradient of {name}", **tolerance(found))


@pytest.mark.task("2.1", points=1.5, hint="Through the tanh, then times Whh transposed")
def test_gradient_of_the_old_state(student, rng):
    """The gradient that goes on to the step before is right (one sequence, whose label may be a plain integer)."""
    for as_integer in (False, True):
        _, (answer, (_, expected)) = drawn_step_back(student, rng, 1, as_integer)
        assert_close(answer["dh"], expected, "the dh_next that is returned", **tolerance(answer["dh"]))


@pytest.mark.task(
    "2.1", points=1.5, tier="outstanding", hint="A bias is added to every row: sum its gradient over them"
)
def test_cell_gradients_of_batches(student, rng):
    """One step's gradients are right for batches, too."""
    for batch in (3, 6):
        model, (answer, (expected, dh)) = drawn_step_back(student, rng, batch)
        for name, found in checked_grads(answer["grads"], model, "cell_fn_backward").items():
            assert_close(found, expected[name], f"the gradient of {name} for B = {batch}", **tolerance(found))
        assert_close(answer["dh"], dh, f"the dh_next for B = {batch}", **tolerance(answer["dh"]))


# -- 2.2 --------------------------------------------------------------------------------------------------------------


def run_bptt(student, model, x, labels, h, **options):
    """What `bptt` answered, its gradients checked for their shapes."""
    answer = student.bptt(X=x, y=labels, model=model, initial_state=h, options=options)
    answer = as_dict(answer, "the answer", ["grads", "loss", "last", "changed"])
    return {**answer, "grads": checked_grads(answer["grads"], model, "bptt")}


def own_steps_back(student, model, x, labels, h):
    """The gradient that the submission's own steps give, added up in reverse."""
    states, scores = [h], []
    for x_t in x:
        answer = student.cell_forward(X=x_t, h=states[-1], model=model)
        scores.append(as_array(answer["y"], "the scores", shape=(len(h), model["Why"].shape[1])))
        states.append(as_array(answer["h"], "the state", shape=h.shape))
    total = {name: np.zeros_like(value) for name, value in model.items()}
    dh = np.zeros_like(h)
    for t in reversed(range(len(x))):
        answer = student.cell_backward(
            X=x[t], h=states[t], model=model, y_pred=scores[t], y_train=labels[t], dh_next=dh
        )
        for name, grad in checked_grads(answer["grads"], model, "cell_fn_backward").items():
            total[name] += grad
        dh = as_array(answer["dh"], "the dh_next", shape=h.shape)
    return total


def check_gradient(student, model, x, labels, h):
    """`bptt` gives the true gradient, or at least the one that follows from the submission's own steps."""
    found = run_bptt(student, model, x, labels, h, clip=None)["grads"]
    try:
        expected = rnn.loss_gradient(model, x, labels, h)
        for name, grad in found.items():
            assert_close(grad, expected[name], f"the gradient of {name}", **tolerance(grad))
    except Mismatch as mismatch:
        try:
            own = own_steps_back(student, model, x, labels, h)
        except Mismatch:
            raise mismatch from None
        for name, grad in found.items():
            if not same(grad, own[name], atol=1e-6 * (1 + float(np.abs(own[name]).max()))):
                raise mismatch


SEQUENCES = [(1, (1, 3, 4, 2)), (5, (1, 8, 4, 2)), (8, (1, 2, 6, 5))]
BATCHES = [(4, (3, 5, 4, 3)), (6, (7, 2, 5, 4))]


def sized(cases, **mark):
    """A case for each pair of T and (B, D, H, C)."""
    for steps, sizes in cases:
        name = f"T={steps}, B={sizes[0]}, D={sizes[1]}, H={sizes[2]}, C={sizes[3]}"
        yield pytest.param(steps, sizes, marks=pytest.mark.task("2.2", points=1, **mark), id=name)


@pytest.mark.parametrize(
    ("steps", "sizes"),
    sized(SEQUENCES, hint="Add up what all steps contribute, and hand dh_next on to the step before"),
)
def test_gradient(student, rng, steps, sizes):
    """The gradient of the loss is the one that differences of the loss give (one sequence)."""
    check_gradient(student, *drawn(rng, steps, sizes))


@pytest.mark.parametrize(
    ("steps", "sizes"), sized(BATCHES, tier="outstanding", hint="dh_next starts as zeros of shape (B, H)")
)
def test_gradient_of_batches(student, rng, steps, sizes):
    """The gradient of the loss is the one that differences of the loss give (a batch)."""
    check_gradient(student, *drawn(rng, steps, sizes))


@pytest.mark.task("2.2", points=2, hint="Loss and gradient belong to the same sum over steps: divide neither, or both")
def test_loss_fits_gradient(student, rng):
    """The loss that is returned is the one whose gradient is returned, and the one of `rnn_forward`."""
    model, x, labels, h = drawn(rng, 6, (1, 3, 4, 3))
    found = run_bptt(student, model, x, labels, h, clip=None)
    loss = as_number(found["loss"], "the loss of `bptt`")
    forward = as_dict(student.forward(X=x, y=labels, model=model, initial_state=h), "the answer", ["loss", "last"])
    own = as_number(forward["loss"], "the loss of `rnn_forward`")
    text = f"`bptt` returns the loss {loss:.6g}, `rnn_forward` {own:.6g} for the same sequences."
    expect(abs(loss - own) <= 1e-5 * abs(own), text)
    last = as_array(found["last"], "the state from `bptt`", shape=h.shape)
    assert_close(last, as_array(forward["last"], "the state", shape=h.shape), "the last state", rtol=1e-5, atol=1e-6)
    # The readout's bias has the simplest gradient, enough to tell a factor of T. A loss of `rnn_forward`
    # that is off by such a factor is charged there.
    step = 1e-4
    grad = found["grads"]["by"].astype(np.float64)
    direction = grad / max(float(np.linalg.norm(grad)), 1e-12)
    losses = []
    for sign in (1, -1):
        moved = {**model, "by": model["by"] + sign * step * direction}
        losses.append(as_number(run_bptt(student, moved, x, labels, h, clip=None)["loss"], "the loss of `bptt`"))
    slope, said = (losses[0] - losses[1]) / (2 * step), float(np.sum(grad * direction))
    true = float(np.sum(rnn.loss_gradient(model, x, labels, h)["by"] * direction))
    text = f"along the gradient of by the loss that `bptt` returns rises by {slope:.4g}, the gradient says {said:.4g}."
    expect(min(abs(slope - said), abs(true - said)) <= 1e-2 * max(abs(said), 1e-3), text)


@pytest.mark.task(
    "2.2", points=2, hint="`np.clip(grad, -clip, clip)` on the finished sums; `clip=None` leaves them alone"
)
def test_clipping(student, rng):
    """Each entry is cut off at plus and minus `clip`, 5 unless it is given; None switches that off."""
    model, x, labels, h = drawn(rng, 12, (1, 4, 5, 3))
    model["Why"] = 40 * model["Why"]  # makes gradients of some hundreds
    whole = run_bptt(student, model, x, labels, h, clip=None)["grads"]
    largest = max(float(np.abs(grad).max()) for grad in whole.values())
    expect(largest > 6, f"with clip=None no entry of the gradient exceeds {largest:.3g}; is it clipped all the same?")
    for options, limit in (({}, 5.0), ({"clip": 1.5}, 1.5)):
        found = run_bptt(student, model, x, labels, h, **options)["grads"]
        for name, grad in found.items():
            expected = np.clip(whole[name].astype(np.float64), -limit, limit)
            text = f"the gradient of {name}, clipped at {limit}"
            assert_close(grad, expected, text, rtol=1e-5, atol=1e-6)


@pytest.mark.task("2.2", points=1, hint="Make new arrays for the sums: `np.zeros_like`")
def test_bptt_changes_nothing(student, rng):
    """The model and the other arguments, arrays or lists, are the same afterwards."""
    model, x, labels, h = drawn(rng, 4, (1, 3, 4, 2))
    # Lists: an array (1, D) and an integer for each step.
    for given in ((x, labels), (list(x), [int(label) for label in labels[:, 0]])):
        changed = [str(name) for name in as_items(run_bptt(student, model, *given, h)["changed"], "the names")]
        expect(not changed, f"`bptt` changes {', '.join(changed)}, which it was given.")


# -- 2.3 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("2.3", points=2, hint="After the first step of a piece (t % k == 0) nothing is handed on to the left")
def test_truncation(student, rng):
    """With `truncate=k` gradients stay inside pieces of k steps, counted from the start."""
    for k, batch in ((1, 3), (2, 3), (3, 1)):
        problem = drawn(rng, 7, (batch, 3, 4, 3), scale=0.8)
        try:
            run_bptt(student, *problem, clip=None)
        except (Mismatch, StudentRaised):
            if batch == 1:
                raise
            continue  # gradients of batches are another test's matter
        total = sum_of_pieces(student, *problem, k)
        for name, grad in run_bptt(student, *problem, clip=None, truncate=k)["grads"].items():
            text = f"T = 7, B = {batch}, truncate={k}: the gradient of {name}, against that of pieces one by one"
            assert_close(grad, total[name], text, rtol=1e-5, atol=1e-6)
    check_clip_of_the_whole(student, drawn(rng, 7, (1, 3, 4, 3), scale=0.8), k=3)


def sum_of_pieces(student, model, x, labels, h, k):
    """What `truncate=k` should give, by the submission itself, a piece at a time."""
    total = {name: np.zeros_like(value) for name, value in model.items()}
    state = h
    for first in range(0, len(x), k):
        piece = run_bptt(student, model, x[first : first + k], labels[first : first + k], state, clip=None)
        state = as_array(piece["last"], "the last state", shape=h.shape).astype(np.float64)
        for name, grad in piece["grads"].items():
            total[name] += grad
    return total


def check_clip_of_the_whole(student, problem, k):
    """It is the finished gradient that is clipped, not those of pieces."""
    total = sum_of_pieces(student, *problem, k)
    limit = 0.5 * max(float(np.abs(grad).max()) for grad in total.values())
    free, whole = (run_bptt(student, *problem, clip=clip)["grads"] for clip in (None, limit))
    if any(np.abs(grad - np.clip(free[name], -limit, limit)).max() > 1e-4 for name, grad in whole.items()):
        return  # it clips nothing, or too early, which is another test's matter
    for name, grad in run_bptt(student, *problem, clip=limit, truncate=k)["grads"].items():
        text = f"truncate={k}, clip={limit:.3g}: the gradient of {name}"
        assert_close(grad, np.clip(total[name], -limit, limit), text, rtol=1e-5, atol=1e-6)


@pytest.mark.task("2.3", points=1, hint="Truncation is a matter of the way back alone")
def test_truncation_leaves_the_loss(student, rng):
    """Loss and last state are those without truncation; a piece as long as the sequence changes nothing at all."""
    model, x, labels, h = drawn(rng, 5, (1, 3, 4, 3), scale=0.8)
    whole = run_bptt(student, model, x, labels, h, clip=None)
    cut = run_bptt(student, model, x, labels, h, clip=None, truncate=2)
    long = run_bptt(student, model, x, labels, h, clip=None, truncate=5)
    for name in ("loss", "last"):
        expected = np.asarray(as_array(whole[name], f"the {name}"), np.float64)
        assert_close(cut[name], expected, f"the {name} with truncate=2, against that without", rtol=1e-6, atol=1e-7)
    for name, grad in long["grads"].items():
        expected = whole["grads"][name].astype(np.float64)
        assert_close(grad, expected, f"T = 5, truncate=5: the gradient of {name}", rtol=1e-6, atol=1e-7)


# -- 2.4 --------------------------------------------------------------------------------------------------------------


def norm(grads):
    return float(np.sqrt(sum(np.sum(np.square(grad, dtype=np.float64)) for grad in grads.values())))


def clipped(student, grads, max_norm):
    found = as_dict(student.clip_by_norm(grads=grads, max_norm=max_norm), "what `clip_by_norm` returned", list(grads))
    return {name: as_array(found[name], f"{name}, clipped", shape=grad.shape) for name, grad in grads.items()}


@pytest.mark.task("2.4", points=1, hint="One norm for all arrays together, one factor for all")
def test_clip_by_norm(student, rng):
    """Gradients that are too long together are all multiplied by one number, so that their common norm fits."""
    grads = {"Wxh": rng.normal(size=(3, 4)), "bh": 30 * rng.normal(size=(1, 4)), "any": rng.normal(size=5)}
    length = norm(grads)
    for most in (length / 50, length * 0.999):
        for name, grad in clipped(student, grads, most).items():
            assert_close(grad, grads[name] * most / length, f"{name} after clipping by norm", rtol=1e-5, atol=1e-7)


@pytest.mark.task("2.4", points=1, hint="Only what exceeds `max_norm` is rescaled")
def test_short_gradients_stay(student, rng):
    """Gradients that are short enough stay as they are, zeros as well."""
    grads = {"Wxh": rng.normal(size=(3, 4)), "bh": rng.normal(size=(1, 4))}
    for given in (grads, {name: np.zeros_like(grad) for name, grad in grads.items()}):
        for name, grad in clipped(student, given, 1.01 * norm(grads)).items():
            assert_close(grad, given[name], f"{name}, whose norm is small enough", rtol=1e-12, atol=1e-12)


@pytest.mark.task("2.4", points=1, hint="`array -= rate * grad` changes the array itself")
def test_descent_in_place(student, rng):
    """Each array of the model itself is changed by minus the learning rate times its gradient."""
    model = rnn.random_model(rng, 3, 4, 2)
    grads = {name: rng.normal(size=value.shape) for name, value in model.items()}
    answer = as_dict(student.sgd_step(model=model, grads=grads, learning_rate=0.3), "the answer", ["model", "entries"])
    entries = as_dict(answer["entries"], "the model afterwards", NAMES)
    for name in NAMES:
        assert_close(entries[name], model[name] - 0.3 * grads[name], f"{name} after the step", rtol=1e-6, atol=1e-9)
    arrays = as_dict(answer["model"], "the arrays of the model", NAMES)
    still = [name for name in NAMES if same(arrays[name], model[name], atol=1e-12)]
    expect(not still, f"{', '.join(still)}: the model has a new array in place of the old one, which is not changed.")
