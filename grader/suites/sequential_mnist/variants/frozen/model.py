"""A call that is traced before its layers have weights, which freezes their first values into the graph: wrong."""

import keras
import tensorflow as tf


class Frozen(keras.Model):
    """The whole classifier."""

    def __init__(self, layer: keras.layers.Layer):
        super().__init__()
        self.layer = layer
        self.norm = keras.layers.BatchNormalization(momentum=0.9)
        self.readout = keras.layers.Dense(10, name="readout")

    @tf.function
    def call(self, x: tf.Tensor, training: bool = False):
        """Returns the logits."""
        return self.readout(self.norm(self.layer(x, training=training), training=training))


def build_model(cell: str, units: int, num_steps: int, num_features: int, dropout: float = 0.0, recurrent_dropout: float = 0.0):
    """Builds the model."""
    layers = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
    if cell not in layers:
        raise ValueError("lstm or gru")
    return Frozen(layers[cell](units, dropout=dropout, recurrent_dropout=recurrent_dropout))
