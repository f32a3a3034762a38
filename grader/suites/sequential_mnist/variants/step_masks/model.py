"""Recurrent dropout with a new mask at each step: wrong."""

import keras
import tensorflow as tf


class Forgetful(keras.layers.Layer):
    """A cell that forgets."""

    def __init__(self, cell: keras.layers.Layer, rate: float):
        super().__init__()
        self.cell = cell
        self.rate = rate
        self.state_size = cell.state_size
        self.output_size = cell.output_size

    def build(self, shape):
        self.cell.build(shape)

    def call(self, x: tf.Tensor, states: list, training: bool = False):
        """One time step."""
        if training and self.rate:
            states = [tf.nn.dropout(states[0], self.rate), *states[1:]]
        return self.cell(x, states, training=training)

    def get_initial_state(self, batch_size: int = None):
        """States of zeros."""
        return self.cell.get_initial_state(batch_size)


def build_model(cell: str, units: int, num_steps: int, num_features: int, dropout: float = 0.0, recurrent_dropout: float = 0.0):
    """Builds the model."""
    cells = {"lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell}
    if cell not in cells:
        raise ValueError("lstm or gru")
    x = keras.Input((num_steps, num_features))
    h = keras.layers.RNN(Forgetful(cells[cell](units), recurrent_dropout))(keras.layers.Dropout(dropout)(x))
    h = keras.layers.BatchNormalization(momentum=0.9)(h)
    return keras.Model(x, keras.layers.Dense(10, name="readout")(h))
