"""Another right solution: one Dense layer for each gate, h before x, and tf.while_loop."""

from __future__ import annotations

import keras
import tensorflow as tf


class LSTMCell(keras.layers.Layer):
    """An LSTM cell of that many units."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units
        self.input_gate = keras.layers.Dense(units, activation="sigmoid", kernel_initializer="orthogonal")
        self.forget_gate = keras.layers.Dense(units, activation="sigmoid", bias_initializer="ones")
        self.output_gate = keras.layers.Dense(units, activation="sigmoid", kernel_regularizer="l2")
        self.candidate = keras.layers.Dense(units, activation="tanh")

    def call(self, x: tf.Tensor, states: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """One time step: x (B, D), states (h, c) of shape (B, units) each; returns the new (h, c)."""
        h, c = states
        both = tf.concat((h, x), axis=-1)
        new_c = self.forget_gate(both) * c + self.input_gate(both) * self.candidate(both)
        new_h = self.output_gate(both) * tf.tanh(new_c)
        return new_h, new_c


class LSTMLayer(keras.layers.Layer):
    """Runs one cell, or a list of cells, over time."""

    def __init__(self, cell: LSTMCell | list[LSTMCell]) -> None:
        super().__init__()
        self.many = isinstance(cell, (list, tuple))
        self.cells = list(cell) if self.many else [cell]

    def zero_states(self, batch_size: int) -> tuple:
        """Zeros (B, units) for h and c; for a list of cells a tuple of such pairs."""
        pairs = [(tf.zeros((batch_size, cell.units)), tf.zeros((batch_size, cell.units))) for cell in self.cells]
        return tuple(pairs) if self.many else pairs[0]

    def call(self, x: tf.Tensor, states: tuple) -> tf.Tensor:
        """x (B, T, D) and states (h, c) -> every hidden state, (B, T, units)."""
        for cell, state in zip(self.cells, states if self.many else [states], strict=True):
            x = self._run(cell, x, state)
        return x

    def _run(self, cell, x, states):
        h, c = states
        steps = tf.shape(x)[1]
        if not cell.built:
            cell(x[:, 0], (h, c))
        outputs = tf.TensorArray(tf.float32, size=steps, element_shape=(None, cell.units))

        def step(t, h, c, outputs):
            h, c = cell(x[:, t], (h, c))
            return t + 1, h, c, outputs.write(t, h)

        _, h, c, outputs = tf.while_loop(lambda t, h, c, outputs: t < steps, step, (0, h, c, outputs))
        return tf.transpose(outputs.stack(), (1, 0, 2))
