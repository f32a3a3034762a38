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


# BEGIN SOLUTION 4.1
def _affine(gate: str, X: np.ndarray, h: np.ndarray, params: Arrays) -> np.ndarray:
    """What goes into a gate's sigmoid: h W + X U + b, `(B, H)`."""
    return h @ params[f"W{gate}"] + X @ params[f"U{gate}"] + params[f"b{gate}"]


# END SOLUTION


# BEGIN SOLUTION 4.3
def _affine_backward(
    gate: str, dz: np.ndarray, X: np.ndarray, h: np.ndarray, params: Arrays, grads: Arrays
) -> tuple[np.ndarray, np.ndarray]:
    """Puts a gate's three gradients into `grads`; returns what it adds to those of X and h."""
    grads[f"W{gate}"], grads[f"U{gate}"] = h.T @ dz, X.T @ dz
    grads[f"b{gate}"] = dz.sum(axis=0, keepdims=True)
    return dz @ params[f"U{gate}"].T, dz @ params[f"W{gate}"].T


# END SOLUTION


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
    # BEGIN SOLUTION 4.1
    # HINT Four lines, as above. `*` is the product element by element, `@` that of matrices.
    r = sigmoid(_affine("r", X, h, params))
    z = sigmoid(_affine("z", X, h, params))
    candidate = np.tanh(_affine("h", X, r * h, params))
    return z * h + (1 - z) * candidate, (X, h, params, r, z, candidate)
    # END SOLUTION


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
    # BEGIN SOLUTION 4.2
    # HINT The memory has no weights of its own, and no gate looks at it.
    i, f, o = (sigmoid(_affine(gate, X, h, params)) for gate in "ifo")
    g = np.tanh(_affine("g", X, h, params))
    new_c = f * c + i * g
    tanh_c = np.tanh(new_c)
    return o * tanh_c, new_c, (X, h, c, params, i, f, o, g, tanh_c)
    # END SOLUTION


def gru_cell_backward(dh: np.ndarray, cache: Any) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """Goes back through one step of a GRU.

    Args:
        dh: Gradient of the loss with respect to the new state, `(B, H)`.
        cache: What `gru_cell_forward` returned.

    Returns:
        The gradients of all parameters, by name; that of X, `(B, D)`; and that of the old state h, `(B, H)`.
    """
    # BEGIN SOLUTION 4.3
    # HINT h acts in four ways: directly through z * h, through both gates, and through r * h inside of the candidate.
    # HINT With s = sigmoid(a) the gradient of a is that of s times s (1 - s).
    X, h, params, r, z, candidate = cache
    grads: Arrays = {}
    dX, d_reset_h = _affine_backward("h", dh * (1 - z) * (1 - candidate**2), X, r * h, params, grads)
    dh_old = dh * z + d_reset_h * r
    for gate, value, d in (("z", z, dh * (h - candidate)), ("r", r, d_reset_h * h)):
        more_dX, more_dh = _affine_backward(gate, d * value * (1 - value), X, h, params, grads)
        dX, dh_old = dX + more_dX, dh_old + more_dh
    return grads, dX, dh_old
    # END SOLUTION


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
    # BEGIN SOLUTION 4.3
    # HINT The new memory acts in two ways: on later steps (dc), and through h' = o * tanh(c').
    X, h, c, params, i, f, o, g, tanh_c = cache
    dc = dc + dh * o * (1 - tanh_c**2)
    grads: Arrays = {}
    dX, dh_old = _affine_backward("g", dc * i * (1 - g**2), X, h, params, grads)
    for gate, value, d in (("i", i, dc * g), ("f", f, dc * c), ("o", o, dh * tanh_c)):
        more_dX, more_dh = _affine_backward(gate, d * value * (1 - value), X, h, params, grads)
        dX, dh_old = dX + more_dX, dh_old + more_dh
    return grads, dX, dh_old, dc * f
    # END SOLUTION
