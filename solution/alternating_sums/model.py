"""The model: each image becomes a vector, an LSTM reads the vectors in turn, and one layer says the total so far."""

from __future__ import annotations

import keras
import tensorflow as tf
from cell import LSTMCell

# BEGIN SOLUTION 3.1
CHANGES = range(-9, 10)  # what one digit can change the total by
SHARPNESS = 4.0
# END SOLUTION


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
        # BEGIN SOLUTION 3.1
        # HINT Convolutions and pooling that end in one vector an image, say by Flatten.
        # HINT Then keras.layers.RNN around your cell: does this task need the outputs of all steps, or of the last?
        # HINT One readout for all time steps. Totals range over all numbers, negative ones too: which activation?
        # Normalized, the encoder learns several times as fast; the momentum suits a short training.
        layers = keras.layers
        self.encoder = keras.Sequential(
            [
                layers.Conv2D(16, 5, strides=2, use_bias=False),
                layers.BatchNormalization(momentum=0.9),
                layers.ReLU(),
                layers.Conv2D(32, 3, use_bias=False),
                layers.MaxPooling2D(2),
                layers.BatchNormalization(momentum=0.9),
                layers.ReLU(),
                layers.Flatten(),
                layers.Dense(96, use_bias=False),
                layers.BatchNormalization(momentum=0.9),
                layers.ReLU(),
            ]
        )
        self.rnn = layers.RNN(LSTMCell(units), return_sequences=True, unroll=unroll)
        self.readout = layers.Dense(len(CHANGES))
        # END SOLUTION

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Reads whole sequences, each from zero states.

        Args:
            images: `(B, T, 28, 28, 1)` float32, any B, any T >= 1.
            training: Whether layers that behave differently in training, such as Dropout, do so.

        Returns:
            Totals after each image, `(B, T, 1)` float32, any real numbers.
        """
        # BEGIN SOLUTION 3.1
        # HINT Conv2D takes `(images, height, width, channels)`. Fold batch and time into one axis with tf.reshape,
        # HINT encode, unfold: `(B, T, 28, 28, 1) -> (B * T, 28, 28, 1) -> (B * T, features) -> (B, T, features)`.
        # HINT keras.layers.TimeDistributed does the same. B and T may be known as late as at run time: `tf.shape`.
        return self.totals_of(self.change_logits(images, training))
        # END SOLUTION

    # BEGIN SOLUTION 3.1
    def change_logits(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Scores of what each image may change the total by. They are classes, and are learnt as such.

        Args:
            images: `(B, T, 28, 28, 1)` float32.
            training: As of `call`.

        Returns:
            `(B, T, 19)` float32, for changes from -9 to 9.
        """
        batch_size, sequence_len = tf.shape(images)[0], tf.shape(images)[1]
        features = self.encoder(tf.reshape(images, (-1, 28, 28, 1)), training=training)
        return self.readout(self.rnn(tf.reshape(features, (batch_size, sequence_len, features.shape[-1]))))

    def totals_of(self, logits: tf.Tensor) -> tf.Tensor:
        """The running totals of the expected changes, however long the sequence is.

        Args:
            logits: `(B, T, 19)`, as `change_logits` gives them.

        Returns:
            `(B, T, 1)` float32.
        """
        # Sharper than the probabilities: halfway between two digits lies neither.
        shares = tf.nn.softmax(SHARPNESS * logits)
        expected = tf.tensordot(shares, tf.constant([[float(change)] for change in CHANGES]), 1)
        return tf.cumsum(expected, axis=1)

    # END SOLUTION
