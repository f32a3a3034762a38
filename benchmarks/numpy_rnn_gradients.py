"""Gradient check of the reference solution of `numpy_rnn`: back-propagation through time against central differences.

    python benchmarks/numpy_rnn_gradients.py

Float64, steps of 1e-5, several sizes; the largest relative error |a - b| / max(|a| + |b|, 1e-4) for each cell, and the
parameter in which it occurs. The gated cells are chained over T steps; their loss is a random sum of all states.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solution" / "numpy_rnn"))

from gated import gru_cell_backward, gru_cell_forward, init_gates, lstm_cell_backward, lstm_cell_forward
from gradcheck import numeric_gradient, relative_error
from rnn import bptt, init_model, rnn_forward

SIZES = ((1, 1, 3, 4, 2), (5, 1, 8, 4, 2), (6, 3, 5, 4, 3), (12, 4, 3, 8, 5), (28, 2, 4, 6, 10))  # T, B, D, H, C

Arrays = dict[str, np.ndarray]


def largest(grads: Arrays, params: Arrays, loss: Callable[[], float]) -> dict[str, float]:
    """The largest relative error of each parameter."""
    return {name: float(relative_error(grads[name], numeric_gradient(loss, params[name])).max()) for name in params}


def check_rnn(sizes: tuple[int, ...], rng: np.random.Generator) -> dict[str, float]:
    """The vanilla RNN: `bptt` against `rnn_forward`."""
    time_steps, batch, size, units, classes = sizes
    model = init_model(size, units, classes, rng)
    x, y = rng.standard_normal((time_steps, batch, size)), rng.integers(0, classes, (time_steps, batch))
    start = 0.5 * rng.standard_normal((batch, units))
    grads, _, _ = bptt(model, x, y, start, clip=None)
    return largest(grads, model, lambda: rnn_forward(x, y, model, start)[-1])


def check_gated(cell: str, sizes: tuple[int, ...], rng: np.random.Generator) -> dict[str, float]:
    """A gated cell, chained over T steps."""
    time_steps, batch, size, units, _ = sizes
    params = init_gates("rzh" if cell == "gru" else "ifog", size, units, rng)
    x, upstream = (rng.standard_normal((time_steps, batch, n)) for n in (size, units))

    def forward() -> tuple[float, list]:
        h, c, caches, total = np.zeros((batch, units)), np.zeros((batch, units)), [], 0.0
        for x_t, d in zip(x, upstream, strict=True):
            if cell == "gru":
                h, cache = gru_cell_forward(x_t, h, params)
            else:
                h, c, cache = lstm_cell_forward(x_t, h, c, params)
            caches.append(cache)
            total += float(np.sum(d * h))
        return total, caches

    total = {name: np.zeros_like(value) for name, value in params.items()}
    dh, dc = np.zeros((batch, units)), np.zeros((batch, units))
    for d, cache in zip(upstream[::-1], forward()[1][::-1], strict=True):
        if cell == "gru":
            grads, _, dh = gru_cell_backward(dh + d, cache)
        else:
            grads, _, dh, dc = lstm_cell_backward(dh + d, dc, cache)
        for name, grad in grads.items():
            total[name] += grad
    return largest(total, params, lambda: forward()[0])


def main() -> None:
    """Prints a line for each cell."""
    for cell in ("rnn", "gru", "lstm"):
        worst: dict[str, float] = {}
        for number, sizes in enumerate(SIZES):
            rng = np.random.default_rng(number)
            found = check_rnn(sizes, rng) if cell == "rnn" else check_gated(cell, sizes, rng)
            worst = {name: max(error, worst.get(name, 0.0)) for name, error in found.items()}
        shown = ", ".join(f"{name} {error:.1e}" for name, error in worst.items())
        print(f"{cell:>4}: largest relative error {max(worst.values()):.1e} ({shown})", flush=True)


if __name__ == "__main__":
    main()
