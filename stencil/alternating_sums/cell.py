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

    # TODO 2.2: Write `build(self, input_shape)`: RNN calls it with `(B, D)` before its loop over time. Inside the loop
    #     no weights can be made. `self.add_weight(shape=..., initializer=..., name=...)` makes one. If you prefer
    #     Dense layers, make them in `__init__` and call their `build` here.
    #     The forget gate's bias starts at 1. keras.initializers.Orthogonal suits what h is multiplied by.

    @property
    def state_size(self) -> list[int]:
        """Sizes of `[h, c]`: `[U, U]`."""
        # TODO 2.1: A list of two numbers, one for each state; RNN asks for it when it is made.
        raise NotImplementedError("Task 2.1: The cell's states")

    @property
    def output_size(self) -> int:
        """Size of what a step gives out: U, as it is the hidden state."""
        # TODO 2.1: The output is h.
        raise NotImplementedError("Task 2.1: The cell's states")

    def get_initial_state(self, batch_size: int | tf.Tensor | None = None) -> list[tf.Tensor]:
        """The states `[h, c]` before the first step.

        Args:
            batch_size: B. RNN passes it by this name; in a graph it may be a tensor.

        Returns:
            Zeros, each `(B, U)` float32.
        """
        # TODO 2.1: `tf.zeros` takes tensors in its shape as well. Two tensors, one for each state.
        raise NotImplementedError("Task 2.1: The cell's states")

    def call(self, inputs: tf.Tensor, states: Sequence[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Moves the states on by one time step.

        Args:
            inputs: Features of this time step, `(B, D)` float32.
            states: `[h, c]` after the step before, each `(B, U)` float32.

        Returns:
            `(h, [h, c])`: the output, which is the hidden state, and the states after this step, each `(B, U)` float32.
        """
        # TODO 2.2: Gates see the input and the hidden state; the cell state they do not see.
        #     First the new cell state, from it the new hidden state. Products of gates are elementwise.
        raise NotImplementedError("Task 2.2: The cell's equations")
