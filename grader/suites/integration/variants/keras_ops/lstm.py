"""Operations of `keras.ops` alone, with one Dense layer for all gates and a separate state variable order."""

from __future__ import annotations

import keras
from keras import ops


class LSTMCell(keras.layers.Layer):
    """An LSTM cell of that many units."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units
        self.all_gates = keras.layers.Dense(4 * units, kernel_initializer=keras.initializers.RandomNormal(stddev=0.05))

    def call(self, x: object, states: tuple) -> tuple:
        """One time step: x (B, D), states (h, c); returns the new (h, c)."""
        h, c = states
        i, f, o, g = ops.split(self.all_gates(ops.concatenate([x, h], axis=-1)), 4, axis=-1)
        # The forget bias is a number here; the trainable bias starts at 0.
        c = ops.sigmoid(f + 1.0) * c + ops.sigmoid(i) * ops.tanh(g)
        return ops.sigmoid(o) * ops.tanh(c), c


class LSTMLayer(keras.layers.Layer):
    """Runs one cell, or several, over time."""

    def __init__(self, cell: LSTMCell | list[LSTMCell]) -> None:
        super().__init__()
        self.cell = cell

    def zero_states(self, batch_size: int) -> tuple:
        """Zeros (B, units) for h and c; for several cells a tuple of pairs."""
        if isinstance(self.cell, (list, tuple)):
            return tuple(LSTMLayer(cell).zero_states(batch_size) for cell in self.cell)
        shape = (batch_size, self.cell.units)
        return ops.zeros(shape), ops.zeros(shape)

    def call(self, x: object, states: tuple) -> object:
        """x (B, T, D) -> every hidden state, (B, T, units)."""
        if not isinstance(self.cell, (list, tuple)):
            return self._scan(self.cell, x, states)
        for cell, pair in zip(self.cell, states, strict=True):
            x = self._scan(cell, x, pair)
        return x

    def _scan(self, cell, x, states):
        if not cell.built:
            cell(x[:, 0], states)

        def step(carry, x_t):
            h, c = cell(x_t, (carry[0], carry[1]))
            both = ops.stack([h, c])
            return both, both

        _, outputs = ops.scan(step, ops.stack(list(states)), ops.transpose(x, (1, 0, 2)))
        return ops.transpose(outputs[:, 0], (1, 0, 2))
