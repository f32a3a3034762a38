"""The model: each image becomes a vector, an LSTM reads the vectors in turn, and one layer says the total so far."""

from __future__ import annotations

import keras
import tensorflow as tf
from cell import LSTMCell


class SumModel(keras.Model):
    """Predicts the running total after each image of a sequence.

    Args:
        units: Size of the LSTM's states.
        unroll: Whether the loop over time is written out in the graph; then T must be known when it is traced.

    Attributes:
        units: The same; with it the model can be made again.
    """

    def __init__(self, units: int = 64, unroll: bool = False) -> None:
        super().__init__()
        self.units = units
        # TODO 3.1: Convolutions and pooling that end in one vector an image, say by Flatten.
        #     Then keras.layers.RNN around your cell: does this task need the outputs of all steps, or of the last?
        #     One readout for all time steps. Totals range over all numbers, negative ones too: which activation?
        raise NotImplementedError("Task 3.1: The model")

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Reads whole sequences, each from zero states.

        Args:
            images: `(B, T, 28, 28, 1)` float32, any B, any T >= 1.
            training: Whether layers that behave differently in training, such as Dropout, do so.

        Returns:
            Totals after each image, `(B, T, 1)` float32, any real numbers.
        """
        # TODO 3.1: Conv2D takes `(images, height, width, channels)`. Fold batch and time into one axis with tf.reshape,
        #     encode, unfold: `(B, T, 28, 28, 1) -> (B * T, 28, 28, 1) -> (B * T, features) -> (B, T, features)`.
        #     keras.layers.TimeDistributed does the same. B and T may be known as late as at run time: `tf.shape`.
        raise NotImplementedError("Task 3.1: The model")
