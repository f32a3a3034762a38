"""A long short-term memory: the cell (one time step) and the layer (a whole sequence).

Sizes: B batch, T time steps, D features of the input, U units. States are pairs `(h, c)`: the hidden state is what
the outside sees, the cell state is the memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

States = tuple[tf.Tensor, tf.Tensor]


class LSTMCell(keras.layers.Layer):
    """One time step of an LSTM.

        i = sigmoid(W_i [x, h] + b_i)    input gate: how much of the candidate is stored
        f = sigmoid(W_f [x, h] + b_f)    forget gate: how much of the memory is kept
        g = tanh   (W_g [x, h] + b_g)    candidate
        o = sigmoid(W_o [x, h] + b_o)    output gate: how much of the memory is shown
        c' = f * c + i * g
        h' = o * tanh(c')

    Hochreiter & Schmidhuber (1997), "Long short-term memory"; the forget gate is from Gers, Schmidhuber & Cummins
    (2000), "Learning to forget"; that b_f starts at 1, from Jozefowicz, Zaremba & Sutskever (2015), "An empirical
    exploration of recurrent network architectures".

    Args:
        units: U, the size of the hidden state and of the cell state.

    Attributes:
        units: The same.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units
        # TODO 2.1: Which layers does a cell need? One Dense layer a gate is fine, so is one for all four.
        #     The forget gate's bias starts at 1, see `bias_initializer` of keras.layers.Dense.
        raise NotImplementedError("Task 2.1: The LSTM cell")

    def call(self, x: tf.Tensor, states: States) -> States:
        """Moves the states on by one time step.

        Args:
            x: Input of this time step, `(B, D)` float32.
            states: `(h, c)` after the step before, each `(B, U)` float32.

        Returns:
            `(h, c)` after this step, each `(B, U)` float32.
        """
        # TODO 2.1: Gates see the input and the hidden state side by side; the cell state they do not see.
        #     First the new cell state, from it the new hidden state. Products of gates are elementwise.
        raise NotImplementedError("Task 2.1: The LSTM cell")


class LSTMLayer(keras.layers.Layer):
    """Runs a cell over whole sequences.

    Args:
        cell: An `LSTMCell`, or anything else with `.units` and `.call(x, states) -> (h, c)`. Task 6.1: a list of cells
            is a stack; the hidden states of one cell are the inputs of the next.
    """

    def __init__(self, cell: LSTMCell | Sequence[LSTMCell]) -> None:
        super().__init__()
        self.cell = cell

    @property
    def cells(self) -> list[LSTMCell]:
        """The cells from the bottom up; a single cell is a stack of one."""
        return list(self.cell) if isinstance(self.cell, (list, tuple)) else [self.cell]

    def zero_states(self, batch_size: int | tf.Tensor) -> States | tuple[States, ...]:
        """The states before the first time step.

        Args:
            batch_size: B.

        Returns:
            `(h, c)`: zeros, each `(B, U)` float32. Of a list of cells: a tuple with such a pair for each.
        """
        # TODO 2.2: The cell knows U.
        raise NotImplementedError("Task 2.2: Zero states")

    def call(self, x: tf.Tensor, states: States | Sequence[States]) -> tf.Tensor:
        """Feeds the sequences to the cell, time step by time step.

        As a graph this is one loop: it does not grow with T, and one trace serves every T.

        Args:
            x: `(B, T, D)` float32, any B, any T >= 1.
            states: Before the first step, as `zero_states` returns them.

        Returns:
            The hidden states after each step, `(B, T, U)` float32; of a stack, those of its last cell.
        """
        # TODO 2.3: To pass: a Python loop over time that gathers hidden states. Which axis do they go to?
        #     Outstanding: tf.while_loop, with a tf.TensorArray for the results. AutoGraph does not get into the `call`
        #     of a Keras 3 layer, so `for t in tf.range(...)` fails here, and `@tf.function` on `call` is a trap.
        #     A loop in a graph can't make weights: the cell must have its own before the loop starts.
        raise NotImplementedError("Task 2.3: Unrolling the layer")
