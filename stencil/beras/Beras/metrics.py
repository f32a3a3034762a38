"""Metrics: what people read. Nobody differentiates them."""

from __future__ import annotations

import numpy as np

from Beras.core import Callable


class CategoricalAccuracy(Callable):
    """The share of samples whose most probable class is the right one."""

    def forward(self, probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Computes the accuracy.

        Args:
            probs: What the model says of each class, `(B, n)`; the largest counts.
            labels: One-hot, `(B, n)`.

        Returns:
            One number between 0 and 1, `()`.
        """
        # TODO 6.1: np.argmax along the classes, for both; the mean of booleans is the share that is True.
        raise NotImplementedError("Task 6.1: Categorical accuracy")
