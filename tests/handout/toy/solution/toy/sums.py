"""Sums of sequences."""

from __future__ import annotations

import numpy as np


def running_sums(x: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Adds up a sequence: shape (T,) -> (T,)."""
    # BEGIN SOLUTION 1.1
    # HINT NumPy has a function for this.
    # HINT The scale comes last.
    totals = np.cumsum(x, axis=0)
    return scale * totals.astype(np.float64)
    # END SOLUTION


class Scaler:
    """Divides by the largest value seen so far."""

    def __init__(self, floor: float = 1e-6) -> None:
        self.floor = floor
        # BEGIN SOLUTION 1.2
        self.largest = self._neutral()
        # END SOLUTION

    # BEGIN SOLUTION 1.2
    def _neutral(self) -> float:
        return 0.0 * self.floor + self.floor

    # END SOLUTION

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Scales x: shape (T,) -> (T,)."""
        # BEGIN SOLUTION 1.2
        self.largest = max(self.largest, float(np.abs(x).max()))
        return x / self.largest
        # END SOLUTION
