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
        # TODO 3.1: Read-in layers if you like, your LSTM, and a readout. How many units, which activation?
        raise NotImplementedError("Task 3.1: The model")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Reads a whole signal, starting from zero states.

        Args:
            x: Noise, `(B, T, 1)`.

        Returns:
            Probability that the sum over time is positive, `(B, 1)`, in [0, 1].
        """
        # TODO 3.1: The batch size is known when the model is called: ask `tf.shape`.
        #     Only the last time step counts.
        raise NotImplementedError("Task 3.1: The model")
