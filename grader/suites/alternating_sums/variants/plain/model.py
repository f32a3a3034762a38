"""CNN and LSTM."""

import keras
import tensorflow as tf
from cell import LSTMCell


class SumModel(keras.Model):
    """Totals of sequences of digits."""

    def __init__(self, units: int = 32):
        super().__init__()
        self.units = units
        self.convolution = keras.layers.Conv2D(8, 5, strides=3, activation="relu")
        self.features = keras.layers.Dense(48, activation="relu")
        self.rnn = keras.layers.RNN(LSTMCell(units), return_sequences=True)
        self.readout = keras.layers.Dense(1)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """From (B, T, 28, 28, 1) to (B, T, 1)."""
        shape = tf.shape(images)
        x = self.convolution(tf.reshape(images, (-1, 28, 28, 1)))
        x = self.features(tf.reshape(x, (shape[0], shape[1], 8 * 8 * 8)))
        x = self.rnn(x)
        return self.readout(x)
