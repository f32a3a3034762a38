"""Losses: how wrong the predictions of a batch are, as one number.

The value is a mean over the samples. `input_gradients` is not: its row b is the gradient of the loss of sample b alone,
as J is throughout Beras; `Diffable.compose_to_weight` takes the mean over the batch.
"""

from __future__ import annotations

import numpy as np

from Beras.core import Diffable

SMALLEST = 1e-7  # probabilities below it count as this much, so that no logarithm is infinite


class MeanSquaredError(Diffable):
    """The mean over all B samples and n outputs of `(y_pred - y_true) ** 2`."""

    def forward(self, y_pred: np.ndarray, y_true: np.ndarray) -> np.ndarray:
        """Computes the loss.

        Args:
            y_pred: Predictions, `(B, n)`.
            y_true: What they should be, `(B, n)`.

        Returns:
            One number, `()`.
        """
        # TODO 4.1: The average of the squares of the differences.
        raise NotImplementedError("Task 4.1: The mean squared error")

    def input_gradients(self) -> np.ndarray:
        """Gradient of each sample's mean square by its predictions: `2 * (y_pred - y_true) / n`, `(B, n)`."""
        # TODO 4.1: The mean of a sample is over its n outputs, so 1/n stays. 1/B comes later, see the top of this file.
        raise NotImplementedError("Task 4.1: The mean squared error")


class CategoricalCrossentropy(Diffable):
    """The mean over the samples of `-log(probability of the right class)`."""

    def forward(self, y_pred: np.ndarray, y_true: np.ndarray) -> np.ndarray:
        """Computes the loss.

        Args:
            y_pred: Probabilities, `(B, n)`.
            y_true: Labels, one-hot, `(B, n)`.

        Returns:
            One number, `()`.
        """
        return -np.mean(np.sum(y_true * np.log(np.maximum(y_pred, SMALLEST)), axis=-1))

    def input_gradients(self) -> np.ndarray:
        """Gradient of each sample's loss with respect to its probabilities, `(B, n)`."""
        y_pred, y_true = self.inputs
        return -y_true / np.maximum(y_pred, SMALLEST)
