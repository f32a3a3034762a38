"""A loop by AutoGraph in a decorated helper: right, because every sublayer is built before it is traced."""

from __future__ import annotations

import keras
import tensorflow as tf


class LSTMCell(keras.layers.Layer):
    """An LSTM cell of that many units."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units
        self.gates = {name: keras.layers.Dense(units) for name in ("input", "output", "candidate")}
        self.gates["forget"] = keras.layers.Dense(units, bias_initializer=keras.initializers.Constant(1.0))

    def build(self, input_shape):
        for gate in self.gates.values():
            gate.build((None, input_shape[-1] + self.units))

    def call(self, x: tf.Tensor, states: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """One time step: x (B, D), states (h, c); returns the new (h, c)."""
        both = tf.concat([x, states[0]], axis=1)
        keep = tf.sigmoid(self.gates["forget"](both)) * states[1]
        c = keep + tf.sigmoid(self.gates["input"](both)) * tf.tanh(self.gates["candidate"](both))
        return tf.sigmoid(self.gates["output"](both)) * tf.tanh(c), c


class LSTMLayer(keras.layers.Layer):
    """Runs one cell, or several, over time."""

    def __init__(self, cell: LSTMCell | list[LSTMCell]) -> None:
        super().__init__()
        self.stack = cell if isinstance(cell, list) else [cell]

    def build(self, input_shape):
        size = input_shape[-1]
        for cell in self.stack:
            if not cell.built:
                cell.build((None, size))
                cell.built = True
            size = cell.units

    def zero_states(self, batch_size: int) -> tuple:
        """Zeros (B, units) for h and c; for several cells, of each in turn."""
        return tuple(tf.zeros((batch_size, cell.units)) for cell in self.stack for _ in "hc")

    def call(self, x: tf.Tensor, states: tuple) -> tf.Tensor:
        """x (B, T, D) -> every hidden state, (B, T, units)."""
        for number, cell in enumerate(self.stack):
            x = self._unroll(cell, x, states[2 * number], states[2 * number + 1])
        return x

    @tf.function
    def _unroll(self, cell, x, h, c):
        outputs = tf.TensorArray(tf.float32, size=tf.shape(x)[1])
        for t in tf.range(tf.shape(x)[1]):
            h, c = cell(x[:, t], (h, c))
            outputs = outputs.write(t, h)
        return tf.transpose(outputs.stack(), [1, 0, 2])
