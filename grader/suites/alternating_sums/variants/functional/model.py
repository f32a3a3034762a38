"""A functional encoder with batch normalisation and global pooling; the expected value of a softmax is the total."""

import keras
import tensorflow as tf
from cell import LSTMCell

LOWEST, HIGHEST = -45, 45


class SumModel(keras.Model):
    """Totals of sequences of digits."""

    def __init__(self, units: int = 40):
        super().__init__()
        self.units = units
        image = keras.Input((28, 28, 1))
        x = keras.layers.Conv2D(16, 3, padding="same")(image)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.MaxPooling2D(4)(x)
        x = keras.layers.Conv2D(32, 3, activation="relu")(x)
        x = keras.layers.Dropout(0.1)(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        self.encoder = keras.Model(image, x)
        self.lstm = keras.layers.RNN(LSTMCell(units), return_sequences=True, unroll=True)
        self.scores = keras.layers.Dense(HIGHEST - LOWEST + 1, activation="softmax")

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Folds batch and time together, encodes, unfolds."""
        x = keras.ops.reshape(images, (-1, 28, 28, 1))
        x = self.encoder(x, training=training)
        x = keras.ops.reshape(x, (-1, images.shape[1], x.shape[-1]))
        values = tf.range(LOWEST, HIGHEST + 1, dtype=tf.float32)
        return tf.reduce_sum(self.scores(self.lstm(x)) * values, axis=-1, keepdims=True)
