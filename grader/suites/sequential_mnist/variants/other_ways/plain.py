"""The plain model another way: a cell in a wrapper, an optimizer without momentum."""

import keras
import tensorflow as tf


class PlainClassifier(keras.Model):
    """The first model."""

    def __init__(self, cell: str, units: int):
        super().__init__()
        made = keras.layers.GRUCell(units, reset_after=False) if cell == "gru" else keras.layers.LSTMCell(units)
        self.rnn = keras.layers.RNN(made, return_sequences=True)
        self.units = units

    def build(self, input_shape):
        self.rnn.build(input_shape)
        self.w = self.add_weight(shape=(self.units, 10), initializer="random_normal", name="w")
        self.b = self.add_weight(shape=(10,), initializer="random_normal", name="b")

    def call(self, x: tf.Tensor):
        """Returns the logits."""
        outputs = self.rnn(x)
        return outputs[:, -1, :] @ self.w + self.b


def sgd_step(model, x, y, learning_rate: float):
    """One step.

    Args:
        model (keras.Model): the model
        x (tf.Tensor): sequences
        y (tf.Tensor): digits
    """
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        loss = loss_function(y, model(x))
    gradients = tape.gradient(loss, model.trainable_weights)
    keras.optimizers.SGD(learning_rate).apply_gradients(zip(gradients, model.trainable_weights))
    return float(loss)
