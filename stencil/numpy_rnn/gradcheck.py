"""A gradient check: the gradient of back-propagation against one from differences of the loss, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rnn import Arrays, bptt, rnn_forward


def rnn_gradient_check(
    model: Arrays,
    x: Sequence[np.ndarray] | np.ndarray,
    y: Sequence[np.ndarray] | np.ndarray,
    init_state: np.ndarray,
    h: float = 1e-5,
    error_threshold: float = 1e-4,
    bptt_fn: Callable[..., Any] = bptt,
) -> dict[str, float]:
    """Compares the gradient from `bptt_fn` with central differences of the loss of `rnn_forward`.

    The derivative by one entry w is (loss(w + h) - loss(w - h)) / 2h, up to an error of the order of h squared. The
    relative error of two numbers a, b is |a - b| / max(|a| + |b|, floor), with a floor of at most 0.01 against 0 / 0.

    For each array of the model prints a line: that it has passed; or where it fails (name and index of the worst
    entry, such as `Whh[1, 2]`), with both derivatives.

    Args:
        model: Each entry of its arrays is checked; it is the same afterwards.
        x: Inputs, as `rnn_forward` takes them; y and init_state, too.
        h: How far an entry is moved up and down.
        error_threshold: The largest relative error that passes.
        bptt_fn: What is checked. It is called like `bptt`, with its clipping off.

    Returns:
        For each array of the model the largest relative error.
    """
    # TODO 3.1: Clipping falsifies large gradients: `clip=None`.
    #     `np.ndindex(array.shape)` gives every index. Keep the old value, move up, move down, and put the old value
    #     back itself: after adding and subtracting h it may be another number.
    #     Derivatives by differences are exact to some 1e-10 here, so a floor of 1e-8 lets noise look like an error of
    #     1 %. Which floor suits derivatives of order 1?
    raise NotImplementedError("Task 3.1: The gradient check")


def main() -> None:
    """Checks `bptt` on a small model."""
    from rnn import init_model, zero_state

    rng = np.random.default_rng(1)
    T, B, D, H, C = 6, 3, 5, 4, 3
    model = init_model(D, H, C, rng)
    x, y = rng.standard_normal((T, B, D)), rng.integers(0, C, (T, B))
    rnn_gradient_check(model, x, y, zero_state(H, B))


if __name__ == "__main__":
    main()
