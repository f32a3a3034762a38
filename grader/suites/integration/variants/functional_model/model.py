"""A functional model behind a function, and a softmax of two units whose column 1 is returned."""

from __future__ import annotations

import keras
import tensorflow as tf
from lstm import LSTMCell, LSTMLayer


class WholeSignal(keras.layers.Layer):
    """The LSTM with zero states, at the last step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = LSTMLayer(LSTMCell(32))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(B, T, D) -> (B, 32)."""
        return self.lstm(x, self.lstm.zero_states(tf.shape(x)[0]))[:, -1]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 32)


def IntegrationModel() -> keras.Model:  # noqa: N802
    """Probability (B, 1) that noise (B, T, 1) sums to more than 0."""
    noise = keras.Input((None, 1))
    classes = keras.layers.Dense(2, activation="softmax")(WholeSignal()(noise))
    return keras.Model(noise, classes[:, 1:])
