"""The model: read-in, LSTM, and the probability of a positive integral."""

from __future__ import annotations

import keras
import tensorflow as tf
from lstm import LSTMCell, LSTMLayer


class IntegrationModel(keras.Model):
    """Tells from a noise signal how likely its integral is positive.

    Args:
        units: Size of the LSTM's states.
    """

    def __init__(self, units: int = 16) -> None:
        super().__init__()
        # BEGIN SOLUTION 3.1
        # HINT Read-in layers if you like, your LSTM, and a readout. How many units, which activation?
        self.readin = keras.layers.Dense(16, activation="tanh")
        self.lstm = LSTMLayer(LSTMCell(units))
        self.readout = keras.layers.Dense(1, activation="sigmoid")
        # END SOLUTION

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Reads a whole signal, starting from zero states.

        Args:
            x: Noise, `(B, T, 1)`.

        Returns:
            Probability that the sum over time is positive, `(B, 1)`, in [0, 1].
        """
        # BEGIN SOLUTION 3.1
        # HINT The batch size is known when the model is called: ask `tf.shape`.
        # HINT Only the last time step counts.
        states = self.lstm.zero_states(tf.shape(x)[0])
        h = self.lstm(self.readin(x), states)
        return self.readout(h[:, -1])
        # END SOLUTION
