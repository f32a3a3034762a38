"""One fused kernel for all gates, x before h, tf.scan, and states as lists."""

from __future__ import annotations

import keras
import tensorflow as tf


class LSTMCell(keras.layers.Layer):
    """An LSTM cell of that many units."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units

    def build(self, input_shape):
        size = int(input_shape[-1]) + self.units
        self.kernel = self.add_weight(shape=(size, 4 * self.units), initializer=keras.initializers.HeNormal(seed=1))
        self.bias = self.add_weight(shape=(1, 4 * self.units), initializer="zeros")
        ones = tf.ones((1, self.units))
        self.bias.assign(tf.concat((0 * ones, 0 * ones, ones, 0 * ones), axis=1))

    def call(self, x: tf.Tensor, states: list[tf.Tensor]) -> list[tf.Tensor]:
        """One time step: x (B, D), states [h, c]; returns the new [h, c]."""
        h, c = states
        z = tf.matmul(tf.concat((x, h), axis=1), self.kernel) + self.bias
        o, i, f, g = tf.split(z, 4, axis=1)
        c = tf.nn.sigmoid(f) * c + tf.nn.sigmoid(i) * tf.nn.tanh(g)
        return [tf.nn.sigmoid(o) * tf.nn.tanh(c), c]


class LSTMLayer(keras.layers.Layer):
    """Runs one cell, or a list of cells, over time."""

    def __init__(self, cell: LSTMCell | list[LSTMCell]) -> None:
        super().__init__()
        self.cells = cell if isinstance(cell, list) else [cell]

    def zero_states(self, batch_size: int) -> list[tf.Tensor]:
        """[h, c] of zeros for each cell in turn, (B, units) each."""
        return [tf.zeros((batch_size, cell.units)) for cell in self.cells for _ in range(2)]

    def call(self, x: tf.Tensor, states: list[tf.Tensor]) -> tf.Tensor:
        """x (B, T, D) and the states -> every hidden state of the last cell, (B, T, units)."""
        sequence = tf.transpose(x, (1, 0, 2))
        for number, cell in enumerate(self.cells):
            if not cell.built:
                cell.build(sequence.shape)
                cell.built = True
            start = [tf.convert_to_tensor(state) for state in states[2 * number : 2 * number + 2]]
            hidden, _ = tf.scan(lambda state, x, cell=cell: list(cell.call(x, state)), sequence, initializer=start)
            sequence = hidden
        return tf.transpose(sequence, (1, 0, 2))
