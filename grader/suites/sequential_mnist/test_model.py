"""Task 3: the tuned model."""

from __future__ import annotations

import numpy as np
import pytest

from grader.errors import StudentRaised
from grader.oracles.compare import as_array, as_dict, as_items, as_number, assert_close, expect, same

UNITS, CELLS = 12, ("lstm", "gru")
EPSILON = 1e-3  # of Keras' batch normalization


def sequences(rng, batch, steps, features=3):
    return rng.normal(size=(batch, steps, features)).astype(np.float32)


def outputs(student, cell, calls):
    """The logits of one model for each call."""
    found = as_items(student.model_outputs(cell=cell, units=UNITS, calls=calls), "the answer", length=len(calls))
    return [
        as_array(one, f"the output of the {cell} model", shape=(len(x), 10), axes="batch x classes", kind="float")
        for x, one in zip(calls, found, strict=True)
    ]


def read_out(student, cell, x, readouts, training):
    """The logits with each readout, once it is known that there is a layer called readout."""
    found = student.model_readouts(cell=cell, units=UNITS, x=x, readouts=readouts, training=training)
    found = as_dict(found, "the answer", ["found", "logits"])
    kernels, biases = (as_number(count, "the number") for count in as_items(found["found"], "the numbers", length=2))
    text = f'{kernels:.0f} weights of shape (units, 10) and {biases:.0f} of shape (10,) have "readout" in their path'
    expect(kernels == 1 and biases == 1, f"{text}; expected one each, those of a layer with the name readout.")
    answers = as_items(found["logits"], "the answer", length=len(readouts))
    return [as_array(one, "the logits", shape=(len(x), 10), kind="float").astype(np.float64) for one in answers]


@pytest.mark.task("3.1", points=2, limit_s=40, hint='Dense(10, name="readout"), without an activation')
def test_readout_is_linear(student, rng):
    """The logits are linear in the weights of the layer `readout`."""
    x = sequences(rng, 6, 5)
    kernel, bias = rng.normal(size=(UNITS, 10)).astype(np.float32), rng.normal(size=10).astype(np.float32)
    readouts = [{"kernel": scale * kernel, "bias": scale * bias} for scale in (1, -3)]
    for cell in CELLS:
        once, scaled = read_out(student, cell, x, readouts, training=[False, False])
        expect(once.std() > 1e-3, f"the logits of the {cell} model are all alike, whatever the readout's weights are.")
        what = f"the logits of the {cell} model, with weights of the readout times -3"
        assert_close(scaled, -3 * once, what, rtol=1e-4, atol=1e-4)


@pytest.mark.task("3.1", points=3, limit_s=40, hint="Last state -> BatchNormalization -> readout")
def test_normalization_before_readout(student, rng):
    """In training mode the readout gets states that are normalized over the batch."""
    x = sequences(rng, 64, 5) + 0.5
    bias = rng.normal(size=10).astype(np.float32)
    readouts = [{"kernel": np.eye(UNITS, 10, dtype=np.float32), "bias": bias}] * 2
    for cell in CELLS:
        # Of the readout: the first ten units. Outside of training a fresh normalization changes next to nothing.
        states, inputs = (logits - bias for logits in read_out(student, cell, x, readouts, training=[False, True]))
        what = f"the mean over the batch of what the readout of the {cell} model gets"
        assert_close(inputs.mean(axis=0), np.zeros(10), what, rtol=0, atol=2e-3)
        spread, variance = inputs.std(axis=0), states.var(axis=0)
        # The epsilon inside the root leaves a state that hardly moves, as where gates remember long, smaller than 1.
        least = np.sqrt(variance / (variance + EPSILON))
        text = f"over a batch, what the readout of the {cell} model gets has standard deviations from"
        good = (spread > 0.9 * least).all() and spread.max() < 1.05
        expect(good, f"{text} {spread.min():.3g} to {spread.max():.3g}; expected close to 1.")


@pytest.mark.task("3.1", points=1, limit_s=40, hint="What keras.layers.LSTM returns by default, or `outputs[:, -1]`")
def test_last_hidden_state_is_read(student):
    """What is normalized is the LSTM's hidden state after the last step."""
    bias, lengths = 0.7, (2, 3, 4, 5)
    kernel = np.eye(UNITS, 10, dtype=np.float32)
    answer = student.model_constant(cell="lstm", units=UNITS, bias=bias, kernel=kernel, lengths=lengths)
    found = as_items(answer, "the answer", length=len(lengths))
    logits = np.array([as_array(one, "the logits", shape=(1, 10), kind="float")[0].mean() for one in found], np.float64)
    gate, candidate = 1 / (1 + np.exp(-bias)), np.tanh(bias)
    c = np.array([sum(gate**k for k in range(steps)) * gate * candidate for steps in lengths])
    # The fresh normalization only scales and shifts, so how far one more step moves the state is told by ratios.
    steps, expected = np.diff(logits), np.diff(gate * np.tanh(c))
    expect(abs(steps[0]) > 1e-3, "with all gates open by the same number, two steps or three lead to the same logits.")
    text = "with all gates open by the same number, how far the logits go with steps 4 and 5, against step 3"
    hint = "Is it h after the last step that is normalized, neither c nor a mean over the steps?"
    assert_close(steps[1:] / steps[0], expected[1:] / expected[0], text, rtol=0.02, atol=0, hint=hint)


@pytest.mark.task("3.1", points=2, hint="`momentum=0.9`; Keras takes 0.99 by default")
def test_momentum(student, rng):
    """The moving averages keep 0.9 of themselves at each step."""
    x = sequences(rng, 64, 5) + 0.5
    calls = as_items(student.moving_averages(cell="lstm", units=UNITS, x=x, calls=3), "the averages", length=4)
    count = len(as_items(calls[0], "the averages"))
    expect(count > 0, "the model has no moving averages of U entries: is there a BatchNormalization of the last state?")
    for i in range(count):
        values = [as_array(as_items(call, "the averages")[i], "an average", shape=(UNITS,)) for call in calls]
        first, second = (values[n + 1].astype(np.float64) - values[n] for n in (0, 1))
        ratio = float((second @ first) / max(first @ first, 1e-12))
        expect(first.any(), "a moving average stays where it is in training mode.")
        # The same batch again: what is left of the way to its mean shrinks by the momentum.
        expect(abs(ratio - 0.9) < 0.02, f"the moving averages have a momentum of {ratio:.2f}; expected 0.9.")


@pytest.mark.task("3.1", points=2, hint='`recurrent_initializer="orthogonal"`, or none: it is the default')
def test_orthogonal_start(student):
    """Recurrent kernels start orthogonal."""
    for cell in CELLS:
        answer = student.model_weights(cell=cell, units=UNITS, num_steps=5, num_features=3)
        weights = [as_dict(one, "a weight", ["path", "value"]) for one in as_items(answer, "the weights")]
        recurrent = []
        for weight in weights:
            value = as_array(weight["value"], "a weight")
            gates = value.shape[1] // UNITS if value.ndim == 2 and value.shape[0] == UNITS else 0
            if gates and value.shape[1] % UNITS == 0 and "readout" not in str(weight["path"]):
                recurrent.append(value.astype(np.float64))
        expect(recurrent, f"the {cell} model has no recurrent kernel of shape (units, k x units).")
        for kernel in recurrent:
            # Orthogonal as a whole, or gate by gate: either way the rows are orthogonal and of one length.
            gram = kernel @ kernel.T
            text = f"the rows of a recurrent kernel of the {cell} model are not orthogonal and of one length"
            off = np.abs(gram / gram.trace() * UNITS - np.eye(UNITS)).max()
            expect(off < 1e-3, f"{text}: their products are off by up to {off:.2g}.")


@pytest.mark.task("3.1", points=1, hint="The state after the last step knows of all steps before")
def test_every_step_counts(student, rng):
    """The logits depend on the input of every step, and on nothing but the own sequence."""
    x = sequences(rng, 8, 6)
    changed = [x.copy() for _ in range(6)]
    for t, one in enumerate(changed):
        one[:, t] += 2
    for cell in CELLS:
        plain, *moved = outputs(student, cell, [x, *changed])
        blind = [str(t + 1) for t, logits in enumerate(moved) if same(logits, plain, atol=1e-7)]
        expect(not blind, f"the {cell} model does not depend on the input of step {', '.join(blind)} of 6.")
        whole, part = outputs(student, cell, [x, x[3:4]])
        what = f"the logits of the {cell} model for a sequence alone, against those in a batch"
        assert_close(part[0], whole[3], what, rtol=1e-4, atol=1e-5)


@pytest.mark.task("3.1", points=1, hint="keras.layers.LSTM or keras.layers.GRU")
def test_kinds_of_cells(student):
    """`cell` chooses between an LSTM and a GRU."""
    for cell, gates in (("lstm", 4), ("gru", 3)):
        answer = student.recurrent_sizes(which="tuned", cell=cell, units=UNITS, num_steps=5, num_features=6)
        matrices = as_number(as_dict(answer, "the sizes", ["matrices"])["matrices"], "the number of weights")
        # Keras' GRU keeps its two biases in one matrix.
        expected = [gates * UNITS * (6 + UNITS), gates * UNITS * (6 + UNITS + 2)]
        text = f"with cell={cell!r}, 6 features and {UNITS} units the matrices to train hold {matrices:.0f} numbers"
        expect(matrices in expected, f"{text}; expected {expected[0]}: {gates} x units x (features + units).")


@pytest.mark.task("3.1", points=1, hint="`raise ValueError(...)`")
def test_other_cells_are_refused(student):
    """Another name for a cell is refused."""
    found = str(student.refuses_cell(cell="grue"))
    expect(found == "ValueError", f'cell="grue" leads to {found or "no error"}; expected a ValueError.')


# -- 3.2 --------------------------------------------------------------------------------------------------------------


def shown(student, cell, rates, training, calls=1, x=None):
    """The first ten units, where units don't see one another, by default for equal sequences; see `dropout_logits`."""
    x = np.ones((150, 9, 1), np.float32) if x is None else x
    options = {"cell": cell, "units": UNITS, "x": x, "rates": rates, "weight": 0.8, "training": training}
    found = as_items(student.dropout_logits(**options, calls=calls), "the answer", length=calls)
    return [as_array(one, "the logits", shape=(len(x), 10), kind="float").astype(np.float64) for one in found]


def levels(values):
    """How many different values there are."""
    ordered = np.sort(values)
    # Float32 differs in the sixth digit; another mask in one of nine steps moves a state by more.
    return 1 + int((np.diff(ordered) > 1e-4 * max(np.ptp(ordered), 1e-3)).sum())


@pytest.mark.task("3.2", points=3, limit_s=60, hint="One mask for all steps: Keras' `recurrent_dropout` does that")
def test_mask_holds_for_all_steps(student):
    """A unit that recurrent dropout leaves out is left out at every step of its sequence."""
    # Each gate may have a mask of its own. Masks drawn at each of nine steps lead to some hundred states.
    for cell, gates in (("lstm", 4), ("gru", 3)):
        (logits,) = shown(student, cell, {"recurrent_dropout": 0.5}, training=True)
        most = max(levels(column) for column in logits.T)
        expect(most > 1, f"recurrent_dropout has no effect on the states of the {cell} model in training.")
        text = f"in equal sequences a unit of the {cell} model ends in up to {most} different states"
        few = f"expected two for each of {gates} gates, {2**gates} in all"
        expect(most <= 2**gates, f"{text}; {few}: left out at all steps or at none. Is a mask drawn at each step?")
        check_single_step(student, cell)
        # Of ten units, each left out or not, 150 sequences show some 140 patterns; of all or none, two a gate.
        patterns = len(np.unique(np.rint(100 * logits / np.ptp(logits, axis=0).max()), axis=0))
        text = f"150 equal sequences end in {patterns} different states of the {cell} model"
        expect(patterns > 30, f"{text}: does the mask leave out all units of a sequence, or none?")


def check_single_step(student, cell):
    """In a sequence of one step there is no next step that could miss a unit."""
    x = np.linspace(-1, 1, 40, dtype=np.float32).reshape(40, 1, 1)
    try:
        first, second = shown(student, cell, {"recurrent_dropout": 0.5}, training=True, calls=2, x=x)
    except StudentRaised:
        return  # biases drawn between 1 and T, say: nobody asked for sequences of one step
    text = f"recurrent_dropout changes what the {cell} model makes of sequences of a single step"
    expect(same(first, second, atol=1e-4), f"{text}; it leaves out units on their way to the next step alone.")


@pytest.mark.task("3.2", points=1, limit_s=60, hint="Pass `training` on; draw a mask for each sequence of each batch")
def test_masks_are_drawn_anew(student):
    """Each call and each sequence gets a mask of its own."""
    for cell in CELLS:
        first, second = shown(student, cell, {"recurrent_dropout": 0.5}, training=True, calls=2)
        expect(np.ptp(first, axis=0).max() > 0, f"all sequences in a batch of the {cell} model share one mask.")
        expect(not same(first, second, atol=1e-6), f"two calls of the {cell} model in training mode share one mask.")


@pytest.mark.task("3.2", points=1, limit_s=60, hint="Both rates go to the layer; Keras turns them off for predictions")
def test_dropout_is_for_training(student, rng):
    """Both kinds of dropout act in training alone, and only where their rate is above 0."""
    options = {"calls": 2, "x": sequences(rng, 40, 6, features=1)}
    for cell in CELLS:
        for name in ("dropout", "recurrent_dropout"):
            first, second = shown(student, cell, {name: 0.5}, training=False, **options)
            expect(same(first, second, atol=1e-6), f"with {name}=0.5 two predictions of the {cell} model differ.")
            first, second = shown(student, cell, {name: 0.5}, training=True, **options)
            text = f"with {name}=0.5 two outputs of the {cell} model in training are the same"
            expect(not same(first, second, atol=1e-3), f"{text}: it has no effect, or one mask serves all calls.")
        first, second = shown(student, cell, {}, training=True, **options)
        expect(same(first, second, atol=1e-5), f"without dropout two outputs of the {cell} model in training differ.")
