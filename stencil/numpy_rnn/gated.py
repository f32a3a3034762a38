"""Gated cells in NumPy: a step of a GRU and of an LSTM, forward and backward.

Sizes: B sequences in a batch, D features of the input, H hidden units. A gate is a number between 0 and 1 a unit;
each gate, and each candidate, has parameters of its own: `W* (H, H)` for the state, `U* (D, H)` for the input and
`b* (1, H)`. GRU: Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder for statistical machine
translation". LSTM: Hochreiter & Schmidhuber (1997), "Long short-term memory", with the forget gate of Gers,
Schmidhuber & Cummins (2000), "Learning to forget".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from rnn import Arrays


def sigmoid(X: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-X)), element by element, without overflow. Given.

    Args:
        X: Of any shape.
    """
    return 0.5 * (1 + np.tanh(0.5 * X))


def init_gates(gates: str, input_dim: int, hidden_dim: int, rng: np.random.Generator) -> Arrays:
    """Parameters for each of some gates: normal weights, biases of 0. Given.

    Args:
        gates: Their letters: "rzh" for a GRU, "ifog" for an LSTM.
        input_dim: D.
        hidden_dim: H.
        rng: Draws the weights.

    Returns:
        `Wr`, `Ur`, `br`, `Wz` and so on.
    """
    params = {}
    for gate in gates:
        params[f"W{gate}"] = rng.standard_normal((hidden_dim, hidden_dim)) / np.sqrt(hidden_dim)
        params[f"U{gate}"] = rng.standard_normal((input_dim, hidden_dim)) / np.sqrt(input_dim)
        params[f"b{gate}"] = np.zeros((1, hidden_dim))
    return params


def gru_cell_forward(X: np.ndarray, h: np.ndarray, params: Arrays) -> tuple[np.ndarray, Any]:
    """One time step of a GRU:

        r  = sigmoid(h Wr + X Ur + br)          reset gate
        z  = sigmoid(h Wz + X Uz + bz)          update gate
        h~ = tanh((r * h) Wh + X Uh + bh)       candidate; the reset comes before the product with Wh
        h' = z * h + (1 - z) * h~

    Args:
        X: Input of this step, `(B, D)`.
        h: State after the step before, `(B, H)`.
        params: `Wr`, `Ur`, `br`, `Wz`, `Uz`, `bz`, `Wh`, `Uh`, `bh`.

    Returns:
        The new state `(B, H)`, and a cache: whatever your `gru_cell_backward` needs.
    """
    # TODO 4.1: Four lines, as above. `*` is the product element by element, `@` that of matrices.
    raise NotImplementedError("Task 4.1: A step of a GRU")


def lstm_cell_forward(
    X: np.ndarray, h: np.ndarray, c: np.ndarray, params: Arrays
) -> tuple[np.ndarray, np.ndarray, Any]:
    """One time step of an LSTM:

        i = sigmoid(h Wi + X Ui + bi)           input gate
        f = sigmoid(h Wf + X Uf + bf)           forget gate
        o = sigmoid(h Wo + X Uo + bo)           output gate
        g = tanh   (h Wg + X Ug + bg)           candidate
        c' = f * c + i * g
        h' = o * tanh(c')

    Args:
        X: Input of this step, `(B, D)`.
        h: State after the step before, `(B, H)`.
        c: Memory after the step before, `(B, H)`.
        params: `Wi`, `Ui`, `bi`, and so on for f, o and g.

    Returns:
        The new state and the new memory, `(B, H)` each, and a cache: whatever your `lstm_cell_backward` needs.
    """
    # TODO 4.2: The memory has no weights of its own, and no gate looks at it.
    raise NotImplementedError("Task 4.2: A step of an LSTM")


def gru_cell_backward(dh: np.ndarray, cache: Any) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """Goes back through one step of a GRU.

    Args:
        dh: Gradient of the loss with respect to the new state, `(B, H)`.
        cache: What `gru_cell_forward` returned.

    Returns:
        The gradients of all parameters, by name; that of X, `(B, D)`; and that of the old state h, `(B, H)`.
    """
    # TODO 4.3: h acts in four ways: directly through z * h, through both gates, and through r * h inside of the
    #     candidate.
    #     With s = sigmoid(a) the gradient of a is that of s times s (1 - s).
    raise NotImplementedError("Task 4.3: Steps back through gated cells")


def lstm_cell_backward(dh: np.ndarray, dc: np.ndarray, cache: Any) -> tuple[Arrays, np.ndarray, np.ndarray, np.ndarray]:
    """Goes back through one step of an LSTM.

    Args:
        dh: Gradient of the loss with respect to the new state, `(B, H)`.
        dc: Gradient of the loss with respect to the new memory by way of later steps, `(B, H)`; what this step's state
            adds to it is for you to work out.
        cache: What `lstm_cell_forward` returned.

    Returns:
        The gradients of all parameters, by name; that of X, `(B, D)`; those of the old state h and of the old memory c,
        `(B, H)` each.
    """
    # TODO 4.3: The new memory acts in two ways: on later steps (dc), and through h' = o * tanh(c').
    raise NotImplementedError("Task 4.3: Steps back through gated cells")
