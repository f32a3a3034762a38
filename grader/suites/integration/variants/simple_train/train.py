"""Gradient steps without a graph, the squared error, and metrics of Keras."""

from __future__ import annotations

import keras
import tensorflow as tf

CONFIG = {"epochs": 2, "learning_rate": 0.01, "batch_size": 200, "seq_len": 25}


def train(
    model: keras.Model,
    train_dataset: tf.data.Dataset,
    validation_dataset: tf.data.Dataset,
    epochs: int = 2,
    learning_rate: float = 0.01,
    callback: object = None,
) -> dict[str, list]:
    """Trains the model; returns the history."""
    optimizer = keras.optimizers.RMSprop(learning_rate)
    history = {"val_accuracy": [], "val_loss": [], "accuracy": [], "loss": []}
    for epoch in range(epochs):
        logs = {}
        for dataset, prefix in ((train_dataset, ""), (validation_dataset, "val_")):
            loss_metric, accuracy_metric = (keras.metrics.MeanSquaredError(), keras.metrics.BinaryAccuracy())
            for x, y in dataset:
                y = tf.cast(y, tf.float32)
                with tf.GradientTape() as tape:
                    prediction = model(x)
                    loss = tf.reduce_mean((prediction - y) ** 2)
                if prefix == "":
                    gradients = tape.gradient(loss, model.trainable_weights)
                    optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
                loss_metric.update_state(y, prediction)
                accuracy_metric.update_state(y, prediction)
            logs[prefix + "loss"] = loss_metric.result().numpy()
            logs[prefix + "accuracy"] = accuracy_metric.result().numpy()
        for name in history:
            history[name].append(logs[name])
        if callback and callback(epoch, logs) is True:
            break
    return history
