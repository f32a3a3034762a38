"""A vanilla recurrent network in NumPy: forward, backward through time, and what an update of the weights needs.

Sizes: T time steps, B sequences in a batch, D features of the input, H hidden units, C classes. One step is

    h' = tanh(X Wxh + h Whh + bh)        the new state
    y  = h' Why + by                     a score for each class

A model is a dictionary with `Wxh (D, H)`, `Whh (H, H)`, `Why (H, C)`, `bh (1, H)` and `by (1, C)`. Rows are sequences.
Back-propagation through time: Werbos (1990), "Backpropagation through time: what it does and how to do it".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]  # a model, or a gradient for each of its entries

# -- Given: functions with their derivatives, and a model to start from ------------------------------------------------


def softmax(X: np.ndarray) -> np.ndarray:
    """Turns the scores of each row into probabilities.

    Args:
        X: `(B, C)`.

    Returns:
        `(B, C)`; each row adds up to 1. Large scores do not overflow.
    """
    e = np.exp(X - X.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(y_pred: np.ndarray, y_train: np.ndarray) -> float:
    """The mean over a batch of -log(probability of the right class).

    Args:
        y_pred: Scores `(B, C)`, before any softmax.
        y_train: The right classes `(B,)`, integers; for B = 1 a plain integer will do.
    """
    shifted = y_pred - y_pred.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    right = shifted[np.arange(len(y_pred)), np.reshape(y_train, -1)]
    return float((log_sums - right).mean())


def cross_entropy_backward(y_pred: np.ndarray, y_train: np.ndarray) -> np.ndarray:
    """The gradient of `cross_entropy` with respect to the scores, `(B, C)`.

    Args:
        y_pred: As for `cross_entropy`; y_train, too.
    """
    d = softmax(y_pred)
    d[np.arange(len(d)), np.reshape(y_train, -1)] -= 1
    return d / len(d)


def fc_forward(X: np.ndarray, W: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, Any]:
    """A fully connected layer.

    Args:
        X: `(B, n)`.
        W: `(n, m)`.
        b: `(1, m)`.

    Returns:
        X W + b, `(B, m)`, and what `fc_backward` needs.
    """
    return X @ W + b, (X, W)


def fc_backward(dout: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a fully connected layer.

    Args:
        dout: The gradient of its output, `(B, m)`.
        cache: What `fc_forward` returned.

    Returns:
        The gradients of X `(B, n)`, of W `(n, m)` and of b `(1, m)`.
    """
    X, W = cache
    return dout @ W.T, X.T @ dout, dout.sum(axis=0, keepdims=True)


def tanh_forward(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The hyperbolic tangent, element by element.

    Args:
        X: Of any shape.

    Returns:
        tanh(X), and what `tanh_backward` needs.
    """
    out = np.tanh(X)
    return out, out


def tanh_backward(dout: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """The gradient of X.

    Args:
        dout: The gradient of tanh(X).
        cache: What `tanh_forward` returned.
    """
    return dout * (1 - cache**2)


def init_model(input_dim: int, hidden_dim: int, output_dim: int, rng: np.random.Generator) -> Arrays:
    """A model with normal weights and biases of 0.

    Args:
        input_dim: D.
        hidden_dim: H.
        output_dim: C.
        rng: Draws the weights.
    """
    D, H, C = input_dim, hidden_dim, output_dim
    return {
        "Wxh": rng.standard_normal((D, H)) / np.sqrt(D),
        "Whh": rng.standard_normal((H, H)) / np.sqrt(H),
        "Why": rng.standard_normal((H, C)) / np.sqrt(H),
        "bh": np.zeros((1, H)),
        "by": np.zeros((1, C)),
    }


def zero_state(hidden_dim: int, batch_size: int = 1) -> np.ndarray:
    """The state before the first step: zeros, `(B, H)`.

    Args:
        hidden_dim: H.
        batch_size: B.
    """
    return np.zeros((batch_size, hidden_dim))


# -- 1: forward --------------------------------------------------------------------------------------------------------


def cell_fn_forward(
    X: np.ndarray, h: np.ndarray, model: Arrays, train: bool = True
) -> tuple[np.ndarray, np.ndarray, Any]:
    """Does one time step.

    Args:
        X: Input of this step, `(B, D)`.
        h: State after the step before, `(B, H)`; it is not changed.
        model: See the top of this file.
        train: Whether scores are wanted, for the loss, or probabilities, for a prediction.

    Returns:
        Scores (or probabilities) `(B, C)`, the new state `(B, H)`, and a cache: whatever your `cell_fn_backward` needs.
    """
    # BEGIN SOLUTION 1.1
    # HINT First the new state by `tanh_forward`, then the scores by `fc_forward`.
    # HINT Look at `cell_fn_backward`: which arrays of this step will it want to see again?
    new_h, tanh_cache = tanh_forward(X @ model["Wxh"] + h @ model["Whh"] + model["bh"])
    scores, fc_cache = fc_forward(new_h, model["Why"], model["by"])
    cache = (X, h, model["Whh"], tanh_cache, fc_cache)
    return scores if train else softmax(scores), new_h, cache
    # END SOLUTION


def rnn_forward(
    X_train: Sequence[np.ndarray] | np.ndarray,
    y_train: Sequence[np.ndarray] | np.ndarray,
    model: Arrays,
    initial_state: np.ndarray,
    verbose: bool = False,
) -> tuple[np.ndarray, list[np.ndarray], list[Any], float]:
    """Runs the network over whole sequences.

    Args:
        X_train: Inputs, one `(B, D)` for each of T steps.
        y_train: Right classes, one `(B,)` for each step (an integer, if B = 1).
        model: See the top of this file.
        initial_state: The state before the first step, `(B, H)`.
        verbose: Whether to print what happens at each step.

    Returns:
        The state after the last step, a list of T scores, a list of T caches, and the loss: the sum over the steps of
        the cross-entropy, each a mean over the batch.
    """
    # BEGIN SOLUTION 1.2
    # HINT A loop: the state that a step returns goes into the next one.
    # HINT Losses are added up over the steps. `cross_entropy` takes the mean over the batch already.
    h, ys, caches, loss = initial_state, [], [], 0.0
    for t, (x, y) in enumerate(zip(X_train, y_train, strict=True)):
        scores, h, cache = cell_fn_forward(x, h, model)
        step_loss = cross_entropy(scores, y)
        loss += step_loss
        ys.append(scores)
        caches.append(cache)
        if verbose:
            print(f"step {t}: loss {step_loss:.4f}, state\n{h}")
    return h, ys, caches, loss
    # END SOLUTION


# -- 2: backward -------------------------------------------------------------------------------------------------------


def cell_fn_backward(
    y_pred: np.ndarray, y_train: np.ndarray, dh_next: np.ndarray, cache: Any
) -> tuple[Arrays, np.ndarray]:
    """Goes back through one time step.

    Args:
        y_pred: Scores of this step, `(B, C)`.
        y_train: Right classes, `(B,)` (an integer, if B = 1).
        dh_next: Gradient of the losses of all later steps with respect to this step's state, `(B, H)`.
        cache: What `cell_fn_forward` returned for this step.

    Returns:
        What this step adds to the gradient of each entry of the model, in a dictionary of the same keys and shapes;
        and the gradient with respect to the state before this step, `(B, H)`: the `dh_next` of the step before.
    """
    # BEGIN SOLUTION 2.1
    # HINT From the loss backwards: scores, readout, state, tanh, then what is inside of the tanh.
    # HINT The state acts in two ways, through this step's scores and through the next step: the two gradients add up.
    # HINT A bias is added to each row, so its gradient is a sum over the rows.
    X, h, Whh, tanh_cache, fc_cache = cache
    dh, dWhy, dby = fc_backward(cross_entropy_backward(y_pred, y_train), fc_cache)
    dz = tanh_backward(dh + dh_next, tanh_cache)
    grads = {"Wxh": X.T @ dz, "Whh": h.T @ dz, "Why": dWhy, "bh": dz.sum(axis=0, keepdims=True), "by": dby}
    return grads, dz @ Whh.T
    # END SOLUTION


def bptt(
    model: Arrays,
    X_train: Sequence[np.ndarray] | np.ndarray,
    y_train: Sequence[np.ndarray] | np.ndarray,
    initial_state: np.ndarray,
    clip: float | None = 5.0,
    truncate: int | None = None,
) -> tuple[Arrays, float, np.ndarray]:
    """Back-propagation through time: the gradient of the loss that `rnn_forward` returns.

    Args:
        model: See the top of this file; it is not changed.
        X_train: As for `rnn_forward`; y_train and initial_state, too.
        clip: Each entry of the finished gradient is cut off at plus and minus this. None: not at all.
        truncate: k. The sequence falls into pieces of k steps, counted from its start. States pass from a piece to the
            next, gradients don't: each flows back to the start of its piece and no further. None: a single piece.

    Returns:
        A gradient for each entry of the model, of its shape; the loss; and the state after the last step.
    """
    # BEGIN SOLUTION 2.2
    # HINT One `rnn_forward`, then the steps in reverse: the gradient of a weight is the sum of what all steps add.
    # HINT After the last step there is nothing: `dh_next` starts as zeros, `(B, H)`.
    # HINT Truncation (task 2.3): which steps are the first of a piece, and what do they hand to the step before?
    last_state, ys, caches, loss = rnn_forward(X_train, y_train, model, initial_state)
    grads = {name: np.zeros_like(value) for name, value in model.items()}
    dh_next = np.zeros_like(last_state)
    for t in reversed(range(len(ys))):
        step_grads, dh_next = cell_fn_backward(ys[t], y_train[t], dh_next, caches[t])
        for name, grad in step_grads.items():
            grads[name] += grad
        if truncate is not None and t % truncate == 0:
            dh_next = np.zeros_like(dh_next)
    if clip is not None:
        grads = {name: np.clip(grad, -clip, clip) for name, grad in grads.items()}
    return grads, loss, last_state
    # END SOLUTION


def clip_by_norm(grads: Arrays, max_norm: float) -> Arrays:
    """Rescales gradients that are too long, without a change of direction.

    Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks".

    Args:
        grads: By name, of any shapes.
        max_norm: The largest norm that all entries of all gradients together may have.

    Returns:
        The gradients, all multiplied by the same number if their common norm exceeds `max_norm`, else as they are.
    """
    # BEGIN SOLUTION 2.4
    # HINT One norm for all: the root of the sum of all squares in all arrays.
    norm = np.sqrt(sum(float((grad**2).sum()) for grad in grads.values()))
    scale = max_norm / norm if norm > max_norm else 1.0
    return {name: grad * scale for name, grad in grads.items()}
    # END SOLUTION


def sgd_step(model: Arrays, grads: Arrays, learning_rate: float) -> None:
    """One step of gradient descent, in place.

    Args:
        model: Its arrays are changed themselves, not replaced by others.
        grads: A gradient for each entry of the model.
        learning_rate: How far to go.
    """
    # BEGIN SOLUTION 2.4
    # HINT `a -= b` changes the array a; `a = a - b` makes another one.
    for name, value in model.items():
        value -= learning_rate * grads[name]
    # END SOLUTION
