"""Another right solution: one row after the other."""

from __future__ import annotations

import numpy as np

from Beras.core import Diffable


class LeakyReLU(Diffable):
    """x or alpha * x."""

    def __init__(self, alpha=0.3):
        self.alpha = alpha

    def forward(self, x):
        """Any shape."""
        return np.maximum(x, 0) + self.alpha * np.minimum(x, 0)

    def input_gradients(self):
        """The slopes."""
        x = self.inputs[0]
        slope = np.ones_like(x)
        slope[x < 0] = self.alpha
        return slope

    def compose_to_input(self, J):
        """Elementwise."""
        return np.multiply(self.input_gradients(), J)


class ReLU(LeakyReLU):
    """x or 0."""

    def __init__(self):
        super().__init__(alpha=0.0)


class Softmax(Diffable):
    """Probabilities."""

    def forward(self, x):
        """(B, d)."""
        rows = []
        for row in x:
            e = np.exp(row - row.max())
            rows.append(e / e.sum())
        return np.array(rows)

    def input_gradients(self):
        """(B, d, d)."""
        return np.array([np.diag(p) - np.outer(p, p) for p in np.asarray(self.outputs)])
