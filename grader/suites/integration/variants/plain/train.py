"""Another right solution: metrics kept as plain lists of batch values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

CONFIG = {"epochs": 3, "learning_rate": 5e-3, "batch_size": 100, "seq_len": 25}


def train(
    model: keras.Model,
    train_dataset: tf.data.Dataset,
    validation_dataset: tf.data.Dataset,
    epochs: int = CONFIG["epochs"],
    learning_rate: float = CONFIG["learning_rate"],
    callback: Callable[[int, dict], Any] | None = None,
) -> dict[str, list[float]]:
    """Trains the model; returns loss, accuracy, val_loss and val_accuracy of each epoch."""
    loss_function = keras.losses.BinaryCrossentropy()
    optimizer = keras.optimizers.Adam(learning_rate)

    def evaluate(x, y):
        prediction = model(x)
        loss = loss_function(y, prediction)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.cast(prediction > 0.5, y.dtype), y), tf.float32))
        return loss, accuracy

    @tf.function(reduce_retracing=True)
    def train_step(x, y):
        with tf.GradientTape() as tape:
            loss, accuracy = evaluate(x, y)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss, accuracy

    validation_step = tf.function(evaluate, reduce_retracing=True)
    history = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
    for epoch in range(1, epochs + 1):
        training = [train_step(x, y) for x, y in train_dataset]
        validation = [validation_step(x, y) for x, y in validation_dataset]
        values = [*np.mean(training, axis=0), *np.mean(validation, axis=0)]
        logs = {name: float(value) for name, value in zip(history, values, strict=True)}
        for name, value in logs.items():
            history[name].append(value)
        if callback is not None and callback(epoch, logs):
            break
    return history
