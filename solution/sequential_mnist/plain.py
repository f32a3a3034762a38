"""The first model: a recurrent layer, a readout made by hand, plain gradient descent. What to improve on.

Sizes: B images, T time steps, D features, U units, 10 classes.
"""

from __future__ import annotations

import keras
import tensorflow as tf

CLASSES = 10


class PlainClassifier(keras.Model):
    """Logits from the last state of a recurrent layer: `h_T W + b`.

    Args:
        cell: "lstm" or "gru": which of Keras' layers reads the sequence.
        units: U.
    """

    def __init__(self, cell: str = "lstm", units: int = 128) -> None:
        super().__init__()
        # BEGIN SOLUTION 2.1
        # HINT keras.layers.LSTM or keras.layers.GRU for the sequence, as it comes.
        # HINT For the readout no layer: `self.add_weight(shape=..., initializer=..., name=...)` twice. What are the
        # HINT shapes of W and b? W starts from random numbers, b from zeros.
        layers = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
        if cell not in layers:
            raise ValueError(f"cell is {cell!r}; expected one of {', '.join(layers)}")
        self.recurrent = layers[cell](units)
        self.kernel = self.add_weight(
            shape=(units, CLASSES), initializer=keras.initializers.RandomNormal(stddev=1.0), name="readout_kernel"
        )
        self.bias = self.add_weight(shape=(CLASSES,), initializer="zeros", name="readout_bias")
        # END SOLUTION

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Reads sequences.

        Args:
            x: `(B, T, D)` float32, any T.

        Returns:
            Logits `(B, 10)` float32: any numbers, not probabilities.
        """
        # BEGIN SOLUTION 2.1
        # HINT The state after the last step is what keras.layers.LSTM returns by default. Then tf.matmul.
        return tf.matmul(self.recurrent(x), self.kernel) + self.bias
        # END SOLUTION


def sgd_step(model: keras.Model, x: tf.Tensor, y: tf.Tensor, learning_rate: float) -> tf.Tensor:
    """One step of plain stochastic gradient descent: every weight w becomes w - learning_rate * dloss/dw.

    Args:
        model: Maps `(B, T, D)` to logits `(B, 10)`; it has been called before, so its weights exist.
        x: `(B, T, D)` float32.
        y: Digits `(B,)`, integers.
        learning_rate: Of this step.

    Returns:
        The loss before the step: the mean cross-entropy of softmax(logits) over the batch, a scalar.
    """
    # BEGIN SOLUTION 2.2
    # HINT Forward pass and loss under tf.GradientTape; `tf.nn.sparse_softmax_cross_entropy_with_logits` takes digits.
    # HINT No momentum and no optimizer are needed: `weight.assign_sub(...)` for each of `model.trainable_variables`.
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=model(x)))
    weights = model.trainable_variables
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        weight.assign_sub(learning_rate * gradient)
    return loss
    # END SOLUTION
