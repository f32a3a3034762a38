"""Task 2: the plain model and plain gradient descent."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_dict, as_items, as_number, assert_close, expect

UNITS = 12


def sequences(rng, batch, steps, features=5):
    return rng.normal(size=(batch, steps, features)).astype(np.float32)


def shown_units():
    """A readout that shows the first ten units."""
    return np.eye(UNITS, 10, dtype=np.float32)


def logits_of(answer, rows, length):
    """Arrays `(rows, 10)`, as many as there were calls."""
    found = as_items(answer, "the answer", length=length)
    return [as_array(one, "the logits", shape=(rows, 10), axes="batch x classes", kind="float") for one in found]


def read_out(student, x, readouts):
    """The logits with each readout, once it is known that W and b are there to train."""
    found = as_dict(student.plain_readouts(units=UNITS, x=x, readouts=readouts), "the answer", ["found", "logits"])
    kernels, biases = (as_number(count, "the number") for count in as_items(found["found"], "the numbers", length=2))
    text = f"there are {kernels:.0f} weights of shape (units, 10) and {biases:.0f} of shape (10,) to train"
    expect(kernels == 1 and biases == 1, f"{text}; expected one each: W and b.")
    return logits_of(found["logits"], len(x), len(readouts))


@pytest.mark.task("2.1", points=3, hint="tf.matmul(h, W) + b, and nothing after that")
def test_readout_is_linear(student, rng):
    """The logits are h_T W + b, with W and b to be trained."""
    x = sequences(rng, 6, 5)
    kernel, bias = rng.normal(size=(UNITS, 10)).astype(np.float32), rng.normal(size=10).astype(np.float32)
    rest = np.zeros((UNITS, 10), np.float32)
    rest[10:, :2] = np.eye(2)
    none = np.zeros(10, np.float32)
    readouts = [
        {"kernel": shown_units(), "bias": none},
        {"kernel": rest, "bias": none},
        {"kernel": kernel, "bias": bias},
    ]
    first, last, mixed = read_out(student, x, readouts)
    h = np.concatenate([first, last[:, :2]], axis=1).astype(np.float64)
    expect(np.abs(h).max() <= 1, "what W is multiplied with lies outside of [-1, 1], so it is no state of an LSTM.")
    assert_close(mixed, h @ kernel + bias, "the logits, against h_T W + b", rtol=1e-4, atol=1e-4)


@pytest.mark.task("2.1", points=2, hint="The state after the last step alone; Keras' layers return it by default")
def test_last_state_is_read(student, rng):
    """What is read out is the LSTM's hidden state after the last step."""
    bias, lengths = 0.7, (1, 2, 7)
    calls = [sequences(rng, 3, steps) for steps in lengths]
    answer = student.plain_constant(units=UNITS, bias=bias, kernel=shown_units(), calls=calls)
    gate, candidate = 1 / (1 + np.exp(-bias)), np.tanh(bias)
    for steps, logits in zip(lengths, logits_of(answer, 3, len(lengths)), strict=True):
        c = sum(gate**k for k in range(steps)) * gate * candidate
        expected = np.full((3, 10), gate * np.tanh(c))
        text = f"with all gates open by the same number, the state after {steps} steps"
        assert_close(logits, expected, text, rtol=1e-4, atol=1e-4)


@pytest.mark.task("2.1", points=1, hint="`cell` says which of two layers reads the sequence")
def test_kinds_of_cells(student):
    """`cell` chooses between an LSTM and a GRU."""
    for cell, gates in (("lstm", 4), ("gru", 3)):
        answer = student.recurrent_sizes(which="plain", cell=cell, units=UNITS, num_steps=5, num_features=6)
        matrices = as_number(as_dict(answer, "the sizes", ["matrices"])["matrices"], "the number of weights")
        # Keras' GRU keeps its two biases in one matrix.
        expected = [gates * UNITS * (6 + UNITS), gates * UNITS * (6 + UNITS + 2)]
        text = f"with cell={cell!r}, 6 features and {UNITS} units the matrices to train hold {matrices:.0f} numbers"
        expect(matrices in expected, f"{text}; expected {expected[0]}: {gates} x units x (features + units).")


@pytest.mark.task("2.1", points=1, behind="2.1", hint="`self.add_weight` and tf.matmul")
def test_readout_is_made_by_hand(student, rng):
    """The readout is no Dense layer."""
    runs = as_number(student.dense_layers_in_plain(units=UNITS, x=sequences(rng, 2, 3)), "the number")
    expect(runs == 0, "a keras.layers.Dense runs in `PlainClassifier`; here its weights are made by hand.")


class Descent:
    """Gradient descent of the kit's model, logits = mean over time @ kernel + bias, in float64."""

    def __init__(self, rng, rates, scale=1):
        self.kernel, self.bias = rng.normal(scale=0.5, size=(6, 10)).astype(np.float32), np.zeros(10, np.float32)
        self.batches = [
            {
                "x": rng.normal(scale=scale, size=(15, 4, 6)).astype(np.float32),
                "y": rng.integers(0, 10, size=15).astype(np.int32),
                "learning_rate": rate,
            }
            for rate in rates
        ]

    def answer(self, student):
        found = student.sgd_steps(kernel=self.kernel, bias=self.bias, batches=self.batches)
        return as_dict(found, "the answer", ["losses", "kernels", "biases"])

    def expected(self):
        """Losses, kernels and biases after each batch."""
        kernel, bias = self.kernel.astype(np.float64), self.bias.astype(np.float64)
        found = []
        for batch in self.batches:
            inputs, y = batch["x"].astype(np.float64).mean(axis=1), batch["y"]
            logits = inputs @ kernel + bias
            logits -= logits.max(axis=1, keepdims=True)
            logarithms = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            loss = -logarithms[np.arange(len(y)), y].mean()
            error = (np.exp(logarithms) - np.eye(10)[y]) / len(y)
            kernel = kernel - batch["learning_rate"] * inputs.T @ error
            bias = bias - batch["learning_rate"] * error.sum(axis=0)
            found.append((loss, kernel, bias))
        return found


@pytest.mark.task("2.2", points=2.5, hint="w - learning_rate * gradient of the mean cross-entropy of softmax(logits)")
def test_one_step(student, rng):
    """A step returns the mean cross-entropy, and moves every weight by -learning_rate times its gradient."""
    descent = Descent(rng, [0.3])
    found, ((loss, kernel, bias),) = descent.answer(student), descent.expected()
    moved = [as_items(found[name], "the weights", length=1)[0] for name in ("kernels", "biases")]
    assert_close(moved[0], kernel, "the matrix after one step", rtol=1e-4, atol=1e-5)
    assert_close(moved[1], bias, "the bias after one step", rtol=1e-4, atol=1e-5)
    (given,) = as_items(found["losses"], "the losses", length=1)
    claimed = as_number(given, "what `sgd_step` returned")
    expect(abs(claimed - loss) < 1e-3, f"`sgd_step` returned {claimed:.5g}; the loss before the step is {loss:.5g}.")


@pytest.mark.task("2.2", points=1.5, hint="No momentum, no clipping: the gradient as it is")
def test_steps_are_plain(student, rng):
    """Each step depends on its own gradient and its own learning rate alone."""
    descent = Descent(rng, [0.5, 0.1, 0.8], scale=8)  # gradients of norms from 1.5 to 6
    found = as_items(descent.answer(student)["kernels"], "the matrices", length=3)
    for number, (kernel, (_, expected, _)) in enumerate(zip(found, descent.expected(), strict=True), 1):
        assert_close(kernel, expected, f"the matrix after step {number} of 3", rtol=1e-4, atol=2e-5)
