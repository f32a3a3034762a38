"""Another right solution."""

from __future__ import annotations

import numpy as np

from Beras.core import Diffable


class MeanSquaredError(Diffable):
    """The mean square."""

    def forward(self, y_pred, y_true):
        """One number."""
        return np.mean(np.square(y_pred - y_true))

    def input_gradients(self):
        """(B, n)."""
        y_pred, y_true = self.inputs
        return (y_pred - y_true) * (2 / y_pred.shape[1])


class CategoricalCrossentropy(Diffable):
    """The mean of -log p of the right class."""

    def forward(self, y_pred, y_true):
        """One number."""
        return -np.mean(np.sum(y_true * np.log(np.maximum(y_pred, 1e-7)), axis=-1))

    def input_gradients(self):
        """(B, n)."""
        y_pred, y_true = self.inputs
        return -y_true / np.maximum(y_pred, 1e-7)
