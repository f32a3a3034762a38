import keras
import tensorflow as tf


class RNNSequenceClassifier(keras.Model):
    """cell: str, memory_units: int, num_layers: int, num_steps: int, pixels_per_step: int, output_size: int,
    l2_lambda: float, dropout_keep_prob: float."""

    def __init__(self, cell="rnn", memory_units=128, num_layers=1, num_steps=28, pixels_per_step=28, output_size=10,
                 l2_lambda=1e-3, dropout_keep_prob=1.0):
        super().__init__()
        if num_steps * pixels_per_step != 784:
            raise ValueError("steps")
        try:
            make = {"rnn": keras.layers.SimpleRNNCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}[cell]
        except KeyError:
            raise ValueError(cell) from None
        self.l2_lambda = l2_lambda
        self.reshape = keras.layers.Reshape((num_steps, pixels_per_step))
        self.body = keras.Sequential()
        for _ in range(num_layers):
            self.body.add(keras.layers.RNN(keras.layers.StackedRNNCells([make(memory_units)]), return_sequences=True))
            self.body.add(keras.layers.TimeDistributed(keras.layers.Dropout(1 - dropout_keep_prob)))
        self.out = keras.layers.Dense(output_size, kernel_initializer="random_normal", bias_initializer="random_normal")

    def call(self, images: tf.Tensor, training: bool = None) -> tf.Tensor:
        """Scores, before softmax."""
        outputs = self.body(self.reshape(images), training=training)
        return self.out(outputs[:, -1, :])

    def l2_loss(self) -> tf.Tensor:
        """The L2 loss, a scalar."""
        return self.l2_lambda * tf.nn.l2_loss(self.out.kernel)
