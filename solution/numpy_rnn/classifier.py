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
        # BEGIN SOLUTION 6.1
        # HINT Check the arguments. Keras has what you need: SimpleRNN, GRU, LSTM, or RNN around SimpleRNNCell, GRUCell,
        # HINT LSTMCell. All but the last layer return the outputs of all their steps.
        # HINT `[cell] * n` is a list that holds one and the same cell n times.
        # HINT keras.layers.Dropout takes the share that is dropped, not the share that is kept.
        if cell not in CELLS:
            raise ValueError(f"there is no cell {cell!r}; expected one of {', '.join(CELLS)}")
        if num_steps * pixels_per_step != PIXELS:
            raise ValueError(f"{num_steps} steps of {pixels_per_step} pixels are no image of {PIXELS}")
        self.shape = (-1, num_steps, pixels_per_step)
        self.l2_lambda = l2_lambda
        layer = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[cell]
        self.recurrent = [layer(memory_units, return_sequences=n < num_layers - 1) for n in range(num_layers)]
        self.dropouts = [keras.layers.Dropout(1 - dropout_keep_prob) for _ in range(num_layers)]
        self.readout = keras.layers.Dense(output_size)
        self(tf.zeros((1, PIXELS)))  # makes the weights, so that `l2_loss` has some from the start
        # END SOLUTION

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Says how well an image fits each class.

        Args:
            images: `(B, 784)` or `(B, 28, 28)`, floats in [0, 1]: 0 is paper, 1 is ink.
            training: Whether dropout is on.

        Returns:
            Scores before any softmax, `(B, output_size)`.
        """
        # BEGIN SOLUTION 6.1
        # HINT `tf.reshape` to `(B, num_steps, pixels_per_step)`; -1 stands for whatever B is.
        x = tf.reshape(images, self.shape)
        for layer, dropout in zip(self.recurrent, self.dropouts, strict=True):
            x = dropout(layer(x), training=training)
        return self.readout(x)
        # END SOLUTION

    def l2_loss(self) -> tf.Tensor:
        """What keeps the readout small: l2_lambda times half the sum of squares of its kernel, biases apart."""
        # BEGIN SOLUTION 6.2
        # HINT `tf.nn.l2_loss(w)` is sum(w ** 2) / 2.
        return self.l2_lambda * tf.nn.l2_loss(self.readout.kernel)
        # END SOLUTION
