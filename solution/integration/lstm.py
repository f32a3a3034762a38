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
        # BEGIN SOLUTION 2.1
        # HINT Which layers does a cell need? One Dense layer a gate is fine, so is one for all four.
        # HINT The forget gate's bias starts at 1, see `bias_initializer` of keras.layers.Dense.

        def forget_gate_open(shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
            return tf.repeat(tf.constant([0, 1, 0, 0], dtype), units)

        # One matrix for the four gates: a large product is faster than four small ones.
        self.gates = keras.layers.Dense(4 * units, bias_initializer=forget_gate_open)
        # END SOLUTION

    # BEGIN SOLUTION 2.1
    def build(self, x_shape: tuple[int | None, ...], states_shape: object = None) -> None:
        """Makes the weights; Keras calls it before the first `call`.

        Args:
            x_shape: `(B, D)`; B may be None.
            states_shape: Of `(h, c)`. It follows from the units, so it is not needed.
        """
        self.gates.build((None, x_shape[-1] + self.units))

    # END SOLUTION

    def call(self, x: tf.Tensor, states: States) -> States:
        """Moves the states on by one time step.

        Args:
            x: Input of this time step, `(B, D)` float32.
            states: `(h, c)` after the step before, each `(B, U)` float32.

        Returns:
            `(h, c)` after this step, each `(B, U)` float32.
        """
        # BEGIN SOLUTION 2.1
        # HINT Gates see the input and the hidden state side by side; the cell state they do not see.
        # HINT First the new cell state, from it the new hidden state. Products of gates are elementwise.
        h, c = states
        i, f, g, o = tf.split(self.gates(tf.concat([x, h], axis=-1)), 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return h, c
        # END SOLUTION


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
        # BEGIN SOLUTION 2.2
        # HINT The cell knows U.
        states = tuple((tf.zeros((batch_size, cell.units)), tf.zeros((batch_size, cell.units))) for cell in self.cells)
        return states if isinstance(self.cell, (list, tuple)) else states[0]
        # END SOLUTION

    # BEGIN SOLUTION 2.3
    def build(self, x_shape: tuple[int | None, ...], states_shape: object = None) -> None:
        """Builds the cells, so that no weights are made inside of the loop; Keras calls it before the first `call`.

        Args:
            x_shape: `(B, T, D)`; B and T may be None.
            states_shape: As in `LSTMCell.build`.
        """
        size = x_shape[-1]
        for cell in self.cells:
            if isinstance(cell, keras.layers.Layer) and not cell.built:
                with tf.init_scope():  # eagerly, even while a graph is traced
                    cell(tf.zeros((1, size)), (tf.zeros((1, cell.units)), tf.zeros((1, cell.units))))
            size = cell.units

    # END SOLUTION

    def call(self, x: tf.Tensor, states: States | Sequence[States]) -> tf.Tensor:
        """Feeds the sequences to the cell, time step by time step.

        As a graph this is one loop: it does not grow with T, and one trace serves every T.

        Args:
            x: `(B, T, D)` float32, any B, any T >= 1.
            states: Before the first step, as `zero_states` returns them.

        Returns:
            The hidden states after each step, `(B, T, U)` float32; of a stack, those of its last cell.
        """
        # BEGIN SOLUTION 2.3
        # HINT To pass: a Python loop over time that gathers hidden states. Which axis do they go to?
        # HINT Outstanding: tf.while_loop, with a tf.TensorArray for the results. AutoGraph does not get into the `call`
        # HINT of a Keras 3 layer, so `for t in tf.range(...)` fails here, and `@tf.function` on `call` is a trap.
        # HINT A loop in a graph can't make weights: the cell must have its own before the loop starts.
        cells = [cell if callable(cell) else cell.call for cell in self.cells]
        if not isinstance(self.cell, (list, tuple)):
            states = (states,)
        x = tf.convert_to_tensor(x)
        if not self.built:  # `layer.call(...)` instead of `layer(...)`
            self.build(x.shape)
        steps = tf.shape(x)[1]
        inputs = tf.TensorArray(x.dtype, size=steps).unstack(tf.transpose(x, [1, 0, 2]))
        # A list to push to: tf.TensorArray is made of the same operations, but the gradient of its `write` at an index
        # costs XLA a copy of the whole array in every step.
        outputs = tf.raw_ops.EmptyTensorList(
            element_shape=tf.constant([-1, -1]), max_num_elements=steps, element_dtype=x.dtype
        )

        def step(t, states, outputs):
            h, new_states = inputs.read(t), []
            for cell, state in zip(cells, states, strict=True):
                h, c = cell(h, state)
                new_states.append((h, c))
            return t + 1, tuple(new_states), tf.raw_ops.TensorListPushBack(input_handle=outputs, tensor=h)

        # A loop that reads a variable keeps a copy of it for the gradient of every step. So read them once, before.
        layers = [cell for cell in self.cells if isinstance(cell, keras.layers.Layer)]
        weights = [(weight, tf.convert_to_tensor(weight)) for cell in layers for weight in cell.trainable_variables]
        with keras.StatelessScope(state_mapping=weights):
            _, _, outputs = tf.while_loop(
                lambda t, *_: t < steps,
                step,
                (0, tuple((h, c) for h, c in states), outputs),
                maximum_iterations=steps,
            )
        outputs = tf.raw_ops.TensorListStack(
            input_handle=outputs, element_shape=tf.constant([-1, self.cells[-1].units]), element_dtype=x.dtype
        )
        return tf.transpose(outputs, [1, 0, 2])
        # END SOLUTION
