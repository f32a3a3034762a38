"""One time step of a long short-term memory, in the form that `keras.layers.RNN` can drive.

Sizes: B batch, D features of the input, U units. States are lists `[h, c]`: the hidden state is what the outside sees,
the cell state is the memory.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence

import keras
import tensorflow as tf


class AbstractRNNCell(keras.layers.Layer, abc.ABC):
    """What `keras.layers.RNN` wants of a cell. Keras had such a class up to version 2; given, nothing to do here.

    RNN reads `state_size` when it is made, calls `get_initial_state` once for each sequence, and then the cell for each
    time step, with the states that the step before returned.
    """

    @property
    @abc.abstractmethod
    def state_size(self) -> int | list[int]:
        """Size of each state tensor; a list if there are several."""

    @property
    @abc.abstractmethod
    def output_size(self) -> int:
        """Size of the output of a step."""

    @abc.abstractmethod
    def call(self, inputs: tf.Tensor, states: Sequence[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Does one time step.

        Args:
            inputs: `(B, D)`.
            states: Those after the step before, `(B, size)` for each size in `state_size`.

        Returns:
            The output of this step, `(B, output_size)`, and the states after it.
        """

    def get_initial_state(self, batch_size: int | tf.Tensor | None = None) -> list[tf.Tensor]:
        """The states before the first step.

        Args:
            batch_size: B. RNN knows it and passes it on; in a graph it may be a tensor.

        Returns:
            Zeros, `(B, size)` for each size in `state_size`.
        """
        sizes = self.state_size if isinstance(self.state_size, (list, tuple)) else [self.state_size]
        return [tf.zeros((batch_size, size), self.compute_dtype) for size in sizes]


class LSTMCell(AbstractRNNCell):
    """One time step of an LSTM. With `[x, h]` for the two side by side:

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

    # BEGIN SOLUTION 2.2
    # HINT Write `build(self, input_shape)`: RNN calls it with `(B, D)` before its loop over time. Inside the loop
    # HINT no weights can be made. `self.add_weight(shape=..., initializer=..., name=...)` makes one. If you prefer
    # HINT Dense layers, make them in `__init__` and call their `build` here.
    # HINT The forget gate's bias starts at 1. keras.initializers.Orthogonal suits what h is multiplied by.
    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights of the four gates, side by side in the order i, f, g, o.

        Args:
            input_shape: `(B, D)`; B may be None.
        """
        wide = 4 * self.units  # one product for the four gates is faster than four

        def orthogonal_blocks(shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
            orthogonal = keras.initializers.Orthogonal
            return tf.concat([orthogonal()((self.units, self.units), dtype) for _ in range(4)], axis=1)

        def forget_gate_open(shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
            return tf.repeat(tf.constant([0, 1, 0, 0], dtype), self.units)

        self.kernel = self.add_weight(shape=(input_shape[-1], wide), initializer="glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, wide), initializer=orthogonal_blocks, name="recurrent_kernel"
        )
        self.bias = self.add_weight(shape=(wide,), initializer=forget_gate_open, name="bias")

    # END SOLUTION

    @property
    def state_size(self) -> list[int]:
        """Sizes of `[h, c]`: `[U, U]`."""
        # BEGIN SOLUTION 2.1
        # HINT A list of two numbers, one for each state; RNN asks for it when it is made.
        return [self.units, self.units]
        # END SOLUTION

    @property
    def output_size(self) -> int:
        """Size of what a step gives out: U, as it is the hidden state."""
        # BEGIN SOLUTION 2.1
        # HINT The output is h.
        return self.units
        # END SOLUTION

    def get_initial_state(self, batch_size: int | tf.Tensor | None = None) -> list[tf.Tensor]:
        """The states `[h, c]` before the first step.

        Args:
            batch_size: B. RNN passes it by this name; in a graph it may be a tensor.

        Returns:
            Zeros, each `(B, U)` float32.
        """
        # BEGIN SOLUTION 2.1
        # HINT `tf.zeros` takes tensors in its shape as well. Two tensors, one for each state.
        return [tf.zeros((batch_size, size)) for size in self.state_size]
        # END SOLUTION

    def call(self, inputs: tf.Tensor, states: Sequence[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Moves the states on by one time step.

        Args:
            inputs: Features of this time step, `(B, D)` float32.
            states: `[h, c]` after the step before, each `(B, U)` float32.

        Returns:
            `(h, [h, c])`: the output, which is the hidden state, and the states after this step, each `(B, U)` float32.
        """
        # BEGIN SOLUTION 2.2
        # HINT Gates see the input and the hidden state; the cell state they do not see.
        # HINT First the new cell state, from it the new hidden state. Products of gates are elementwise.
        h, c = states
        gates = tf.matmul(inputs, self.kernel) + tf.matmul(h, self.recurrent_kernel) + self.bias
        i, f, g, o = tf.split(gates, 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return h, [h, c]
        # END SOLUTION
