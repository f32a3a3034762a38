"""The public tests: run `pytest` in this folder. Grading runs them too, and hidden ones beside them.

`student.<name>(...)` calls the function of that name in adapters.py, which calls your code.
"""

from __future__ import annotations

import numpy as np
import pytest

NAMES = ("Wxh", "Whh", "Why", "bh", "by")


def array(value, what, shape):
    """The value as an array, once it is known to have that shape; None in it stands for any size."""
    try:
        found = np.asarray(value)
    except ValueError:  # a ragged list
        found = np.asarray(None)
    assert found.dtype.kind in "fiu", f"{what} is {type(value).__name__}, not an array of numbers of shape {shape}."
    fits = found.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, found.shape, strict=True))
    assert fits, f"{what} has shape {found.shape}; expected {str(shape).replace('None', 'any')}."
    assert np.isfinite(found).all(), f"{what} holds NaN or infinity."
    return found


def entries(value, what, names):
    """The dictionary, once it is known to have these keys."""
    assert isinstance(value, dict), f"{what} is {type(value).__name__}, not a dictionary."
    missing = [name for name in names if name not in value]
    assert not missing, f"{what} has no entry {', '.join(missing)}."
    return value


def number(value, what):
    """The value as a float."""
    return float(array(value, what, ()))


def small_model(rng, size=3, units=4, classes=2):
    """A model for D, H, C."""
    shapes = {
        "Wxh": (size, units),
        "Whh": (units, units),
        "Why": (units, classes),
        "bh": (1, units),
        "by": (1, classes),
    }
    return {name: 0.6 * rng.normal(size=shape) for name, shape in shapes.items()}


# -- 1: forward -------------------------------------------------------------------------------------------------------


@pytest.mark.task("1.1", points=0.5, visibility="visible", hint="First the state, then the scores")
def test_public_cell_shapes(student, rng):
    """`cell_fn_forward` returns scores (B, C) and a state (B, H)."""
    found = student.cell_forward(X=rng.normal(size=(5, 3)), h=rng.normal(size=(5, 4)), model=small_model(rng))
    array(found["y"], "y", (5, 2))
    array(found["h"], "h", (5, 4))


@pytest.mark.task("1.1", points=0.5, visibility="visible", hint="tanh(X Wxh + h Whh + bh), then h' Why + by")
def test_public_cell_values(student):
    """One unit, by hand: X = 2, h = -1, all weights 0.5, biases 0.25 and 1."""
    half = np.full((1, 1), 0.5)
    model = {"Wxh": half, "Whh": half, "Why": np.full((1, 2), 0.5), "bh": np.full((1, 1), 0.25), "by": np.ones((1, 2))}
    found = student.cell_forward(X=np.full((1, 1), 2.0), h=np.full((1, 1), -1.0), model=model)
    state = array(found["h"], "h", (1, 1)).item()
    assert abs(state - 0.6351490) < 1e-6, f"h' = tanh(2 * 0.5 - 1 * 0.5 + 0.25) = 0.63515; yours is {state:.5f}."
    score = array(found["y"], "y", (1, 2))[0, 0]
    assert abs(score - 1.3175745) < 1e-6, f"y = 0.63515 * 0.5 + 1 = 1.31757; yours is {score:.5f}."


# Dummy data with a known result. The source of this assignment draws them with np.random.seed(1234), in an order of its
# own; here they are.
KNOWN_WXH = [
    [0.23571758, -0.59548785, 0.71635348, -0.15632595],
    [-0.36029437, 0.44358147, 0.42979421, -0.31826175],
    [0.00784819, -1.12134248, 0.57501786, 0.49597301],
    [0.47666206, -1.01062741, -0.16703868, 0.00105918],
    [0.20272671, 0.14454597, 0.6605791, -0.77345278],
    [-0.10132316, -0.32798467, 0.09671069, 0.27671946],
    [0.65907578, -0.23465264, 0.33777704, -0.90851361],
    [-0.09155427, 0.52948459, -0.19892011, 0.16871883],
]
KNOWN_WHH = [
    [0.74074991, 0.73959003, 0.61074035, -0.08633178],
    [0.08818538, -0.2282504, 0.5951539, 1.69066439],
    [0.05388125, -0.40053776, 0.02555621, -1.46723073],
    [0.17521554, -0.63438565, -0.09672855, 0.01293241],
]
KNOWN_X = [
    [0.46439233, -3.56351666, 1.32110562, 0.15263055, 0.16452954, -0.43009569, 0.76736874, 0.98491984],
    [0.27083585, 1.39198619, 0.07984231, -0.39996458, -1.02785056, -0.58471821, 0.81659393, -0.08194705],
    [-0.34476601, 0.52828815, -1.06898878, -0.51188131, 0.29120536, 0.5665337, 0.50359176, 0.28529568],
    [0.48428811, 1.36348151, -0.78110528, -0.46801767, 1.22457436, -1.28110828, 0.8754755, -1.71071532],
    [-0.4507651, 0.74916381, -0.20393287, -0.18217541, 0.680656, -1.81849899, 0.04707164, 0.39484421],
]
KNOWN_STATE = [0.19868001, 0.98286478, 0.76491549, -0.91578737]


def known_data():
    model = {"Wxh": np.array(KNOWN_WXH), "Whh": np.array(KNOWN_WHH), "Why": np.zeros((4, 2))}
    model |= {"bh": np.zeros((1, 4)), "by": np.zeros((1, 2))}
    x, y = np.array(KNOWN_X).reshape(5, 1, 8), np.array([1, 0, 0, 1, 0]).reshape(5, 1)
    return {"X": x, "y": y, "model": model, "initial_state": np.zeros((1, 4))}


@pytest.mark.task("1.2", points=1, visibility="visible", hint="Each step starts from the state of the step before")
def test_public_known_state(student):
    """On dummy data the last state is 0.19868, 0.98286, 0.76492, -0.91579, and the loss 5 log 2."""
    found = student.forward(**known_data())
    state = array(found["last"], "the last state", (1, 4))[0]
    off = float(np.abs(state - KNOWN_STATE).max())
    assert off < 1e-6, f"the last state is {np.round(state, 5).tolist()}, off by {off:.2g}."
    loss = number(found["loss"], "the loss")
    assert abs(loss - 3.4657359) < 1e-6, (
        f"with scores of 0 each of 5 steps costs log 2, in all 3.46574; yours {loss:.5f}."
    )


# -- 2: backward ------------------------------------------------------------------------------------------------------


@pytest.mark.task("2.1", points=1, visibility="visible", hint="Shapes are those of the model's entries")
def test_public_cell_backward(student, rng):
    """`cell_fn_backward` gives a gradient for each entry of the model, and one for the old state."""
    model = small_model(rng)
    arguments = {"X": rng.normal(size=(1, 3)), "h": rng.normal(size=(1, 4)), "model": model}
    arguments |= {"y_pred": np.zeros((1, 2)), "y_train": np.array([1]), "dh_next": np.zeros((1, 4))}
    found = student.cell_backward(**arguments)
    grads = entries(found["grads"], "the gradients", NAMES)
    for name in NAMES:
        array(grads[name], f"the gradient of {name}", model[name].shape)
    array(found["dh"], "the gradient of the old state", (1, 4))
    by = array(grads["by"], "the gradient of by", (1, 2))
    assert np.allclose(by, [[0.5, -0.5]], atol=1e-6), (
        f"two scores of 0, and class 1 is right: the gradient of by is 0.5 and -0.5; yours is {by.round(4).tolist()}."
    )


def sequences(rng):
    model = small_model(rng)
    x, y = rng.normal(size=(4, 1, 3)), rng.integers(0, 2, size=(4, 1))
    return model, {"X": x, "y": y, "initial_state": np.zeros((1, 4))}


@pytest.mark.task("2.2", points=1, visibility="visible", hint="Start from what `rnn_forward` returns")
def test_public_bptt_shapes(student, rng):
    """`bptt` returns gradients, the loss and the last state of `rnn_forward`."""
    model, data = sequences(rng)
    found, forward = student.bptt(model=model, options={}, **data), student.forward(model=model, **data)
    for name, grad in entries(found["grads"], "the gradients", NAMES).items():
        array(grad, f"the gradient of {name}", model[name].shape)
    array(found["last"], "the last state", (1, 4))
    loss, other = number(found["loss"], "the loss of `bptt`"), number(forward["loss"], "the loss of `rnn_forward`")
    assert abs(loss - other) < 1e-6, f"`bptt` returns the loss {loss:.5f}, `rnn_forward` {other:.5f}."


@pytest.mark.task("2.2", points=1, visibility="visible", hint="Add up over all steps; `cell_fn_backward` does the rest")
def test_public_bptt_values(student):
    """On the dummy data class 0 is right 3 times, class 1 twice: the gradient of by is -0.5 and 0.5, that of Whh 0."""
    # With Why = 0 both classes have a probability of 1/2 throughout, and no loss depends on a state.
    grads = entries(student.bptt(options={"clip": None}, **known_data())["grads"], "the gradients", NAMES)
    by = array(grads["by"], "the gradient of by", (1, 2))
    assert np.allclose(by, [[-0.5, 0.5]], atol=1e-6), f"the gradient of by is {by.round(4).tolist()}."
    off = float(np.abs(array(grads["Whh"], "the gradient of Whh", (4, 4))).max())
    assert off < 1e-9, f"the gradient of Whh has an entry of {off:.3g}. Your gradient check (task 3.1) tells you more."


@pytest.mark.task("2.4", points=0.5, visibility="visible", hint="The root of the sum of all squares is 5 here")
def test_public_clip_by_norm(student):
    """Gradients 3 and 4 have the norm 5; with a limit of 1 they become 0.6 and 0.8."""
    found = student.clip_by_norm(grads={"Wxh": np.full((1, 1), 3.0), "bh": np.full((1, 1), 4.0)}, max_norm=1.0)
    found = entries(found, "what `clip_by_norm` returned", ("Wxh", "bh"))
    got = [array(found[name], name, (1, 1)).item() for name in ("Wxh", "bh")]
    assert np.allclose(got, [0.6, 0.8], atol=1e-6), f"yours are {got[0]:.4g} and {got[1]:.4g}."


@pytest.mark.task("2.4", points=0.5, visibility="visible", hint="`array -= rate * grad` changes the array itself")
def test_public_descent(student, rng):
    """`sgd_step` takes the learning rate times the gradient off every entry of the model."""
    model = small_model(rng)
    grads = {name: np.ones_like(value) for name, value in model.items()}
    found = entries(student.sgd_step(model=model, grads=grads, learning_rate=0.25)["entries"], "the model", NAMES)
    for name in NAMES:
        off = float(np.abs(array(found[name], name, model[name].shape) - model[name] + 0.25).max())
        assert off < 1e-6, f"{name} is off by up to {off:.3g}."


# -- 3: the gradient check --------------------------------------------------------------------------------------------


@pytest.mark.task("3.1", points=1, visibility="visible", hint="Return {name: the largest error}")
def test_public_gradient_check(student, rng):
    """`rnn_gradient_check` returns the largest error of each entry of the model; a made-up gradient is an error."""
    model, data = sequences(rng)
    made_up = {name: np.full_like(value, 7.0) for name, value in model.items()}
    errors = student.gradient_check(model=model, grads=made_up, **data)["errors"]
    errors = entries(errors, "what `rnn_gradient_check` returned", NAMES)
    for name in NAMES:
        error = number(errors[name], f"the error of {name}")
        assert error > 0.1, f"each entry of the gradient of {name} was given as 7; the error reported is {error:.2g}."


# -- 4: gated cells ---------------------------------------------------------------------------------------------------


def one_unit(gates, **biases):
    """Parameters for D = H = 1: weights of 0.5, biases of 0 but for these."""
    params = {f"{kind}{gate}": np.full((1, 1), 0.0 if kind == "b" else 0.5) for gate in gates for kind in "WUb"}
    return params | {name: np.full((1, 1), value) for name, value in biases.items()}


def one(value):
    return np.full((1, 1), float(value))


@pytest.mark.task("4.1", points=0.5, visibility="visible", hint="r = z = sigmoid(1.5) = 0.81757")
def test_public_gru(student):
    """One unit of a GRU, by hand: X = 1, h = 2, all weights 0.5."""
    found = student.gated_forward(states={"X": one(1), "h": one(2)}, params=one_unit("rzh"))
    state = array(found[0], "h", (1, 1)).item()
    # h~ = tanh(0.81757 * 2 * 0.5 + 0.5) = 0.86618
    assert abs(state - 1.7931622) < 1e-5, f"h' = 0.81757 * 2 + 0.18243 * 0.86618 = 1.79316; yours is {state:.5f}."


@pytest.mark.task("4.2", points=0.5, visibility="visible", hint="i = f = o = sigmoid(1.5) = 0.81757, g = tanh(1.5)")
def test_public_lstm(student):
    """One unit of an LSTM, by hand: X = 1, h = 2, c = -1, all weights 0.5."""
    found = student.gated_forward(states={"X": one(1), "h": one(2), "c": one(-1)}, params=one_unit("ifog"))
    assert len(found) == 2, "an LSTM has two states, h and c."
    state, memory = (array(value, name, (1, 1)).item() for name, value in zip("hc", found, strict=True))
    expected_c, expected_h = -0.0775484, -0.0632748
    assert abs(memory - expected_c) < 1e-5, f"c' = 0.81757 * -1 + 0.81757 * 0.90515 = -0.07755; yours is {memory:.5f}."
    assert abs(state - expected_h) < 1e-5, f"h' = 0.81757 * tanh(-0.07755) = -0.06327; yours is {state:.5f}."


# One unit again, all weights 0.5: the gradients of h' for the GRU, of h' + c' / 2 for the LSTM.
GRU_GRADIENTS = {
    "X": 0.110729,
    "h": 0.924148,
    "Wr": 0.01359,
    "Ur": 0.006795,
    "br": 0.006795,
    "Wz": 0.338211,
    "Uz": 0.169105,
    "bz": 0.169105,
    "Wh": 0.074494,
    "Uh": 0.045558,
    "bh": 0.045558,
}
LSTM_GRADIENTS = {
    "X": 0.081912,
    "h": 0.081912,
    "c": 1.073212,
    "Wi": 0.354422,
    "Ui": 0.177211,
    "bi": 0.177211,
    "Wf": -0.391562,
    "Uf": -0.195781,
    "bf": -0.195781,
    "Wo": -0.023086,
    "Uo": -0.011543,
    "bo": -0.011543,
    "Wg": 0.387873,
    "Ug": 0.193936,
    "bg": 0.193936,
}


def check_one_unit_back(student, states, gates, upstream, expected):
    answer = student.gated_backward(states=states, params=one_unit(gates), upstream=[one(value) for value in upstream])
    grads = entries(answer["grads"], "the gradients", [name for name in expected if name not in states])
    for name, value in expected.items():
        got = array(answer[name] if name in states else grads[name], f"the gradient of {name}", (1, 1)).item()
        assert abs(got - value) < 1e-5, f"the gradient of {name} is {value:.5f}; yours is {got:.5f}."


@pytest.mark.task("4.3", points=0.75, visibility="visible", hint="From the last forward equation to the first")
def test_public_gru_back(student):
    """One unit of a GRU, backward: X = 1, h = 2, all weights 0.5."""
    check_one_unit_back(student, {"X": one(1), "h": one(2)}, "rzh", [1], GRU_GRADIENTS)


@pytest.mark.task("4.3", points=0.75, visibility="visible", hint="From the last forward equation to the first")
def test_public_lstm_back(student):
    """One unit of an LSTM, backward: X = 1, h = 2, c = -1, all weights 0.5."""
    states = {"X": one(1), "h": one(2), "c": one(-1)}
    check_one_unit_back(student, states, "ifog", [1, 0.5], LSTM_GRADIENTS)


# -- 5: the toy -------------------------------------------------------------------------------------------------------


@pytest.mark.task("5.1", points=1, visibility="visible", hint="`np.eye(num_symbols)[symbols]`")
def test_public_echo(student):
    """`echo_batch` gives one-hot symbols, and for each step the symbol of two steps before."""
    answer = student.echo_batch(num_steps=6, batch_size=3, num_symbols=4, delay=2, seed=1)
    assert isinstance(answer, (tuple, list)), "`echo_batch` returns the pair X, y."
    x, y = array(answer[0], "X", (6, 3, 4)), array(answer[1], "y", (6, 3))
    assert (x.sum(axis=2) == 1).all(), "each vector of X has a single 1."
    wrong = int((y[2:] != x.argmax(axis=2)[:-2]).sum() + (y[:2] != 0).sum())
    assert wrong == 0, f"{wrong} of 18 entries of y are wrong."


@pytest.mark.task("5.2", points=0.5, visibility="visible", hint="One norm more than there are steps")
def test_public_norms(student, rng):
    """`gradient_norms` returns a norm for each state; without recurrent weights nothing comes back."""
    model = {**small_model(rng), "Whh": np.zeros((4, 4))}
    dh_last = np.ones((1, 4))
    found = student.gradient_norms(cell="rnn", params=model, X=rng.normal(size=(5, 1, 3)), dh_last=dh_last)
    norms = array(found, "the norms", (6,))
    assert abs(norms[-1] - 2) < 1e-9, f"the last entry is the norm of dh_last, 2; yours is {norms[-1]:.4g}."
    assert np.abs(norms[:-1]).max() < 1e-9, "with Whh = 0 no state depends on the one before."


# -- 6 and 7: classifier and training ---------------------------------------------------------------------------------


@pytest.mark.task("6.1", points=1, visibility="visible", hint="Reshape, recurrent layers, readout")
def test_public_scores(student, rng):
    """The classifier gives a score for each class: (B, 10)."""
    student.make_classifier(arguments={"cell": "rnn", "memory_units": 8})
    scores = student.classify(images=rng.uniform(size=(3, 28, 28)).astype(np.float32))
    array(scores, "the scores", (3, 10))


@pytest.mark.task("6.2", points=0.5, visibility="visible")
def test_public_l2_loss(student):
    """`l2_loss` is a positive number, and 0 with l2_lambda=0."""
    for l2_lambda in (0.0, 1.0):
        student.make_classifier(arguments={"cell": "rnn", "memory_units": 8, "l2_lambda": l2_lambda}, shake=0.1)
        found = number(student.l2_loss(), "the L2 loss")
        assert (found > 0) == (l2_lambda > 0), f"with l2_lambda={l2_lambda} it is {found:.4g}."


@pytest.mark.task("7.1", points=1, visibility="visible", hint="A list of (epoch, value) for each curve")
def test_public_results(student, rng):
    """`train` returns four curves, with a pair of epoch and value for each epoch."""
    data = [rng.uniform(size=(20, 5)).astype(np.float32), rng.integers(0, 3, size=20)]
    options = {"num_epochs": 2, "batch_size": 10, "patience": None}
    results = student.train_kit_model(data=data, validation=data, options=options)["results"]
    names = ("train_losses", "train_accs", "val_losses", "val_accs")
    for name, points in entries(results, "what `train` returned", names).items():
        if name in names:
            curve = array(points, f"results[{name!r}]", (2, 2))
            assert curve[:, 0].tolist() == [0, 1], f"the epochs in results[{name!r}] are not 0 and 1."
