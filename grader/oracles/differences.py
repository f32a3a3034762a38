"""Derivatives by central differences in float64: (f(x + d) - f(x - d)) / 2d, one entry of x after the other.

The error is about d^2 |f'''| / 6 by truncation and 1e-16 |f| / d by rounding: at the default d = 1e-5 both stay near
1e-10 for values and derivatives of order 1. Keep x away from kinks (ReLU at 0) by more than d.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

STEP = 1e-5


def gradient(function: Callable[[Array], Any], x: npt.ArrayLike, step: float = STEP) -> Array:
    """The gradient of a scalar function.

    Args:
        function: Maps a float64 array of x's shape to one number; its argument is a copy.
        x: Where; any shape.
        step: d.

    Returns:
        df/dx, of x's shape.

    Raises:
        ValueError: The function gives more than one number.
    """
    derivative = jacobian(function, x, step)
    if derivative.shape != np.shape(x):
        raise ValueError(f"the function gives an array of shape {derivative.shape[: derivative.ndim - np.ndim(x)]}")
    return derivative


def jacobian(function: Callable[[Array], Any], x: npt.ArrayLike, step: float = STEP) -> Array:
    """All derivatives of a function of an array.

    Args:
        function: Maps a float64 array of x's shape to an array; its argument is a copy.
        x: Where; any shape.
        step: d.

    Returns:
        df/dx, of the shape of f(x) followed by x's: entry [i, j] is df[i]/dx[j].
    """
    place = np.array(x, dtype=np.float64)
    columns = []
    for index in np.ndindex(place.shape):
        shift = np.zeros_like(place)
        shift[index] = step
        ahead, behind = (np.asarray(function(moved), dtype=np.float64) for moved in (place + shift, place - shift))
        columns.append((ahead - behind) / (2 * step))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(stacked.shape[:-1] + place.shape)
