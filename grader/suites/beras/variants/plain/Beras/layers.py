"""Another right solution: Keras' truncated draws, by hand."""

from __future__ import annotations

import numpy as np

from Beras.core import Diffable, Tensor, generator


class Dense(Diffable):
    """x @ w + b."""

    def __init__(self, input_size, output_size, initializer="kaiming"):
        self.w, self.b = self._initialize_weight(initializer, input_size, output_size)

    @property
    def weights(self):
        """(w, b)."""
        return self.w, self.b

    def forward(self, x):
        """(B, s) -> (B, d)."""
        return np.dot(x, self.w) + self.b

    def weight_gradients(self):
        """For w and b."""
        x = self.inputs[0]
        return np.expand_dims(x, axis=2), np.ones(self.b.shape)

    def input_gradients(self):
        """(s, d)."""
        return np.asarray(self.w)

    @staticmethod
    def _initialize_weight(initializer, input_size, output_size):
        """Draws w and b."""
        b = np.zeros((output_size,), np.float32)
        if initializer == "zero":
            w = np.zeros((input_size, output_size))
        elif initializer == "normal":
            w = generator().normal(size=(input_size, output_size))
        elif initializer == "xavier":
            scale = np.sqrt(2 / (input_size + output_size))
            w = truncated((input_size, output_size)) * scale
        elif initializer == "kaiming":
            scale = np.sqrt(2 / input_size)
            w = truncated((input_size, output_size)) * scale
        else:
            raise ValueError(initializer)
        return Tensor(w.astype(np.float32)), Tensor(b)


def truncated(shape):
    """Draws from a normal distribution cut at two deviations, which has a deviation of 1 again."""
    values = generator().normal(size=shape)
    while (far := np.abs(values) > 2).any():
        values[far] = generator().normal(size=far.sum())
    return values / 0.8796
