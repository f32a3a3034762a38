"""With a `build` of its own: without it Keras makes a trial call, and a traced helper keeps that call's weights."""

from __future__ import annotations

import keras
import tensorflow as tf
from lstm import LSTMCell, LSTMLayer


class IntegrationModel(keras.Model):
    """Probability that the noise sums to more than 0."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = LSTMLayer(LSTMCell(16))
        self.readout = keras.layers.Dense(1, activation="sigmoid")

    def build(self, input_shape):
        self.lstm.build(input_shape)
        self.lstm.built = True
        self.readout.build((None, 16))
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Noise (B, T, 1) -> probability (B, 1)."""
        return self.readout(self.lstm(x, self.lstm.zero_states(tf.shape(x)[0]))[:, -1])
