"""Eight Dense layers, for x and for h apart, each with a bias; a Python list of time steps (tier pass)."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras.layers import Dense


class LSTMCell(keras.layers.Layer):
    """An LSTM cell.

    Args:
        units (int): size of h and c.
    """

    def __init__(self, units):
        super().__init__()
        self.units = units
        self.from_x = [Dense(units, bias_initializer="ones" if gate == 1 else "zeros") for gate in range(4)]
        self.from_h = [Dense(units) for gate in range(4)]

    def call(self, x, states=None):
        """One time step.

        Args:
            x (tf.Tensor): (B, D).
            states (tuple): h and c, (B, units) each; zeros where left out.
        """
        if states is None:
            states = (tf.zeros((len(x), self.units)), tf.zeros((len(x), self.units)))
        h, c = states
        i, f, g, o = (from_x(x) + from_h(h) for from_x, from_h in zip(self.from_x, self.from_h, strict=True))
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return (h, c)


class LSTMLayer(keras.layers.Layer):
    """Runs a cell over time, or several cells.

    Args:
        cell (LSTMCell): one cell, or a list of them.
    """

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def zero_states(self, batch_size):
        """Zeros for h and c.

        Args:
            batch_size (int): B.
        """
        if isinstance(self.cell, list):
            return [(tf.zeros((batch_size, cell.units)), tf.zeros((batch_size, cell.units))) for cell in self.cell]
        return (tf.zeros((batch_size, self.cell.units)), tf.zeros((batch_size, self.cell.units)))

    def call(self, x, states=None):
        """Every hidden state, (B, T, units).

        Args:
            x (tf.Tensor): (B, T, D).
            states (tuple): as zero_states returns them.
        """
        if isinstance(self.cell, list):
            for cell, state in zip(self.cell, states, strict=True):
                x = self.unroll(cell, x, state)
            return x
        return self.unroll(self.cell, x, states)

    def unroll(self, cell, x, states):
        """Steps one cell through time.

        Args:
            cell (LSTMCell): which.
            x (tf.Tensor): (B, T, D).
            states (tuple): (h, c).
        """
        outputs = []
        for t in range(x.shape[1]):
            states = cell(x[:, t, :], states)
            outputs.append(states[0])
        return tf.stack(outputs, axis=1)
