"""Sums of sequences."""

from __future__ import annotations

import numpy as np


def running_sums(x: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Adds up a sequence: shape (T,) -> (T,)."""
    # TODO 1.1: NumPy has a function for this.
    #     The scale comes last.
    raise NotImplementedError("Task 1.1: Running sums")


class Scaler:
    """Divides by the largest value seen so far."""

    def __init__(self, floor: float = 1e-6) -> None:
        self.floor = floor
        # TODO 1.2: The scaler
        raise NotImplementedError("Task 1.2: The scaler")

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Scales x: shape (T,) -> (T,)."""
        # TODO 1.2: The scaler
        raise NotImplementedError("Task 1.2: The scaler")
