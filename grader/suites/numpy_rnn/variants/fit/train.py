import keras
import numpy as np
import tensorflow as tf

CONFIG = {"cell": "lstm", "epochs": 3, "learning_rate": 2e-3, "batch_size": 100}


def train(model: keras.Model, train_data: tuple, validation_data: tuple, num_epochs: int = 3, batch_size: int = 100,
          fraction: float = 1.0, eval_every: int = 1, patience: int = 0, callback: "callable" = None,
          learning_rate: float = 2e-3, test_data: tuple = None) -> dict:
    """By model.fit, an epoch at a time."""
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    class Wrapped(keras.Model):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def call(self, x, training=None):
            return self.inner(x, training=bool(training))

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return cross_entropy(y, y_pred) + self.inner.l2_loss()

    images, labels = train_data[0], train_data[1]
    n = int(fraction * len(images))
    images, labels = images[:n], labels[:n]
    model(tf.constant(images[:1]))
    wrapped = Wrapped(model)
    wrapped.compile(optimizer=keras.optimizers.Adam(learning_rate), metrics=[keras.metrics.SparseCategoricalAccuracy("acc")])
    out = {"train_losses": [], "train_accs": [], "val_losses": [], "val_accs": [], "test_acc": None}
    best, bad = np.inf, 0
    for epoch in range(num_epochs):
        h = wrapped.fit(images, labels, batch_size=batch_size, epochs=1, verbose=0, shuffle=True).history
        out["train_losses"].append((epoch, h["loss"][0]))
        out["train_accs"].append((epoch, h["acc"][0]))
        logs = {"train_loss": h["loss"][0], "train_acc": h["acc"][0]}
        if epoch % eval_every == 0:
            loss, acc = wrapped.evaluate(*validation_data, verbose=0, batch_size=500)
            out["val_losses"].append((epoch, loss))
            out["val_accs"].append((epoch, acc))
            logs["val_loss"], logs["val_acc"] = loss, acc
            bad = 0 if loss < best else bad + 1
            best = min(best, loss)
        if callback is not None and callback(epoch, logs):
            break
        if patience is not None and bad > patience:
            break
    if test_data is not None:
        out["test_acc"] = wrapped.evaluate(*test_data, verbose=0, batch_size=500)[1]
    return out
