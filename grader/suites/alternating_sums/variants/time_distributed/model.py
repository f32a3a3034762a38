"""TimeDistributed layers, global pooling, and a head whose range ends far away."""

import keras
import tensorflow as tf
from cell import LSTMCell


class SumModel(keras.Model):
    """Totals of sequences of digits."""

    def __init__(self, units: int = 24):
        super().__init__()
        self.units = units
        self.images = [
            keras.layers.TimeDistributed(keras.layers.Conv2D(8, 5, strides=2, activation="relu")),
            keras.layers.TimeDistributed(keras.layers.GlobalMaxPooling2D()),
            keras.layers.Dense(24, activation="tanh"),
        ]
        self.rnn = keras.layers.RNN(LSTMCell(units), return_sequences=True)
        self.readout = keras.layers.Dense(1, activation="tanh")

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """From (B, T, 28, 28, 1) to (B, T, 1)."""
        x = images
        for layer in self.images:
            x = layer(x)
        return 50 * self.readout(self.rnn(x))
