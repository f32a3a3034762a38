"""A step of a GRU in NumPy float64, the reset gate acting before the product with the recurrent weights.

    r  = sigmoid(h Wr + x Ur + br)        h~ = tanh((r * h) Wh + x Uh + bh)
    z  = sigmoid(h Wz + x Uz + bz)        h' = z * h + (1 - z) * h~       (Cho et al. 2014)

This is `keras.layers.GRUCell(reset_after=False)`. Shapes: B rows, D features of the input, H units.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from grader.oracles.lstm import sigmoid

Array = npt.NDArray[np.float64]

GATES = {"r": "reset gate", "z": "update gate", "h": "candidate"}


def step(params: Mapping[str, Array], x: Array, h: Array) -> Array:
    """One time step.

    Args:
        params: For each gate `W* (H, H)`, `U* (D, H)`, `b* (1, H)`.
        x: `(B, D)`.
        h: `(B, H)`.

    Returns:
        The new h.
    """
    r, z = (sigmoid(h @ params[f"W{gate}"] + x @ params[f"U{gate}"] + params[f"b{gate}"]) for gate in "rz")
    candidate = np.tanh((r * h) @ params["Wh"] + x @ params["Uh"] + params["bh"])
    new: Array = z * h + (1 - z) * candidate
    return new
