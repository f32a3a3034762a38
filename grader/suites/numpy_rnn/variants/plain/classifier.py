import keras
import tensorflow as tf


class RNNSequenceClassifier(keras.Model):
    """cell (str), memory_units (int), num_layers (int), num_steps (int), pixels_per_step (int), output_size (int),
    l2_lambda (float), dropout_keep_prob (float)."""

    def __init__(self, cell="rnn", memory_units=128, num_layers=1, num_steps=28, pixels_per_step=28, output_size=10,
                 l2_lambda=1e-3, dropout_keep_prob=1.0):
        super().__init__()
        cells = {"rnn": keras.layers.SimpleRNNCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}
        if cell not in cells or num_steps * pixels_per_step != 28 * 28:
            raise ValueError("no such cell, or no such pieces")
        self.num_steps, self.pixels_per_step, self.l2_lambda = num_steps, pixels_per_step, l2_lambda
        self.rnns = [keras.layers.RNN(cells[cell](memory_units), return_sequences=True) for _ in range(num_layers)]
        self.rate = 1 - dropout_keep_prob
        self.kernel = self.add_weight(shape=(memory_units, output_size), initializer="glorot_normal", name="out_w")
        self.bias = self.add_weight(shape=(output_size,), initializer="zeros", name="out_b")

    def call(self, images, training: bool = False):
        """images (tensor): (B, 784) or (B, 28, 28)."""
        outputs = tf.reshape(images, [-1, self.num_steps, self.pixels_per_step])
        for rnn in self.rnns:
            outputs = rnn(outputs)
            if training and self.rate > 0:
                outputs = tf.nn.dropout(outputs, rate=self.rate)
        last = tf.transpose(outputs, [1, 0, 2])[-1]
        return last @ self.kernel + self.bias

    def l2_loss(self):
        """The L2 loss, a scalar."""
        return 0.5 * self.l2_lambda * tf.reduce_sum(tf.square(self.kernel))
