"""The LSTM cell."""

import abc

import keras
import tensorflow as tf


class AbstractRNNCell(keras.layers.Layer, abc.ABC):
    """What RNN wants of a cell."""

    @property
    @abc.abstractmethod
    def state_size(self):
        """Sizes of the states."""

    @property
    @abc.abstractmethod
    def output_size(self):
        """Size of the output."""

    @abc.abstractmethod
    def call(self, inputs: tf.Tensor, states: list):
        """One time step."""

    def get_initial_state(self, batch_size: int = None):
        """The states before the first step."""
        return [tf.zeros((batch_size, size)) for size in self.state_size]


class LSTMCell(AbstractRNNCell):
    """One time step, with a Dense layer for each gate."""

    def __init__(self, units: int):
        super().__init__()
        self.units = units
        self.input_gate = keras.layers.Dense(units, activation="sigmoid")
        self.forget_gate = keras.layers.Dense(units, activation="sigmoid", bias_initializer="ones")
        self.candidate = keras.layers.Dense(units, activation="tanh")
        self.output_gate = keras.layers.Dense(units, activation="sigmoid", kernel_initializer="orthogonal")

    def build(self, input_shape):
        size = input_shape[-1] + self.units
        for layer in (self.input_gate, self.forget_gate, self.candidate, self.output_gate):
            layer.build((None, size))

    @property
    def state_size(self) -> list:
        """Sizes of h and c."""
        return [self.units, self.units]

    @property
    def output_size(self) -> int:
        """Size of h."""
        return self.units

    def get_initial_state(self, batch_size: int = None) -> list:
        """Zeros for h and c."""
        return [tf.zeros((batch_size, self.units)), tf.zeros((batch_size, self.units))]

    def call(self, inputs: tf.Tensor, states: list) -> tuple:
        """Returns the output and the new states."""
        h, c = states
        both = tf.concat((h, inputs), axis=-1)
        new_c = self.forget_gate(both) * c + self.input_gate(both) * self.candidate(both)
        new_h = self.output_gate(both) * tf.tanh(new_c)
        return new_h, [new_h, new_c]
