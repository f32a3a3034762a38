"""A model class of its own: keras.layers.RNN around a cell, orthogonal gate by gate."""

import keras
import numpy as np
import tensorflow as tf


def gates(shape: tuple, dtype: str = None):
    """An orthogonal matrix for each gate, side by side."""
    units = shape[0]
    rng = np.random.default_rng(7)
    blocks = [np.linalg.qr(rng.normal(size=(units, units)))[0] for _ in range(shape[1] // units)]
    return tf.constant(np.concatenate(blocks, axis=1), dtype or "float32")


class Classifier(keras.Model):
    """The whole classifier."""

    def __init__(self, cell: str, units: int, dropout: float, recurrent_dropout: float):
        super().__init__()
        cells = {"lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell}
        if cell not in cells:
            raise ValueError("cell must be lstm or gru")
        made = cells[cell](
            units, recurrent_initializer=gates, dropout=dropout, recurrent_dropout=recurrent_dropout
        )
        self.rnn = keras.layers.RNN(made, return_sequences=True)
        self.norm = keras.layers.BatchNormalization(momentum=0.9)
        self.readout = keras.layers.Dense(10, name="readout")

    def call(self, x: tf.Tensor, training: bool = None):
        """Returns the logits."""
        h = self.rnn(x, training=training)[:, -1]
        return self.readout(self.norm(h, training=training))


def build_model(cell: str, units: int, num_steps: int, num_features: int, dropout: float = 0.0, recurrent_dropout: float = 0.0):
    """Builds the classifier, to be called later."""
    return Classifier(cell, units, dropout, recurrent_dropout)
