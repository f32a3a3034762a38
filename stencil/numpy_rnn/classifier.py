"""A classifier that reads an image as a sequence, row by row, with the recurrent cell of your choice."""

from __future__ import annotations

import keras
import tensorflow as tf

PIXELS = 784  # of an image
CELLS = ("rnn", "gru", "lstm")


class RNNSequenceClassifier(keras.Model):
    """Recurrent layers over the pieces of an image, and a readout of the last time step.

    Args:
        cell: "rnn", "gru" or "lstm".
        memory_units: Hidden units of each layer.
        num_layers: Recurrent layers, one on top of the other, each with a cell of its own.
        num_steps: Pieces into which an image falls, in the order of its pixels; `pixels_per_step` of them each.
        pixels_per_step: See there.
        output_size: Classes.
        l2_lambda: Weight of `l2_loss`.
        dropout_keep_prob: Share of a layer's outputs that dropout keeps, in training alone; 1 for no dropout.

    Raises:
        ValueError: There is no such cell; or `num_steps` times `pixels_per_step` is not 784.
    """

    def __init__(
        self,
        cell: str = "rnn",
        memory_units: int = 128,
        num_layers: int = 1,
        num_steps: int = 28,
        pixels_per_step: int = 28,
        output_size: int = 10,
        l2_lambda: float = 1e-3,
        dropout_keep_prob: float = 1.0,
    ) -> None:
        super().__init__()
        # TODO 6.1: Check the arguments. Keras has what you need: SimpleRNN, GRU, LSTM, or RNN around SimpleRNNCell,
        #     GRUCell,
        #     LSTMCell. All but the last layer return the outputs of all their steps.
        #     `[cell] * n` is a list that holds one and the same cell n times.
        #     keras.layers.Dropout takes the share that is dropped, not the share that is kept.
        raise NotImplementedError("Task 6.1: The classifier")

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Says how well an image fits each class.

        Args:
            images: `(B, 784)` or `(B, 28, 28)`, floats in [0, 1]: 0 is paper, 1 is ink.
            training: Whether dropout is on.

        Returns:
            Scores before any softmax, `(B, output_size)`.
        """
        # TODO 6.1: `tf.reshape` to `(B, num_steps, pixels_per_step)`; -1 stands for whatever B is.
        raise NotImplementedError("Task 6.1: The classifier")

    def l2_loss(self) -> tf.Tensor:
        """What keeps the readout small: l2_lambda times half the sum of squares of its kernel, biases apart."""
        # TODO 6.2: `tf.nn.l2_loss(w)` is sum(w ** 2) / 2.
        raise NotImplementedError("Task 6.2: The L2 loss")
