"""A train.py as a student may write it: RMSprop, no compilation, clipping by own arithmetic."""

import os

import keras
import numpy as np
import tensorflow as tf

CONFIG = {
    "rows": {"cell": "gru", "units": 64, "epochs": 8, "learning_rate": 0.004, "batch_size": 50, "clip_norm": 2.0},
    "pixels": {"cell": "gru", "units": 64, "epochs": 10, "learning_rate": 0.005, "batch_size": 60, "clip_norm": 1.0},
    "permuted": {"cell": "gru", "units": 64, "epochs": 10, "learning_rate": 0.005, "batch_size": 60, "clip_norm": 1.0},
}


def make_datasets(images: np.ndarray, labels: np.ndarray, order, batch_size: int, validation_share: float = 0.1, seed: int = 0):
    """Splits and batches.

    Args:
        order (function): makes sequences
    """
    rng = np.random.RandomState(seed)
    chosen = rng.permutation(len(images))
    count = int(round(len(images) * validation_share))
    x = np.asarray(order((images / 255.0).astype("float32")))
    y = labels.astype("int64")
    validation = tf.data.Dataset.from_tensor_slices((x[chosen[:count]], y[chosen[:count]])).batch(64)
    training = tf.data.Dataset.from_tensor_slices((x[chosen[count:]], y[chosen[count:]]))
    return training.shuffle(60000, seed=seed).batch(batch_size), validation


def clip_gradients(gradients, variables, clip_norm: float):
    """Clips what belongs to a recurrent layer.

    Args:
        gradients (list): tensors
        variables (list): variables
    """
    result = []
    for gradient, variable in zip(gradients, variables):
        if not variable.path.split("/")[-2].startswith("readout"):
            norm = tf.sqrt(tf.reduce_sum(gradient**2))
            gradient = tf.where(norm > clip_norm, gradient * clip_norm / tf.maximum(norm, 1e-12), gradient)
        result.append(gradient)
    return result


def train(
    model: keras.Model,
    train_dataset: tf.data.Dataset,
    validation_dataset: tf.data.Dataset,
    epochs: int = 5,
    learning_rate: float = 1e-3,
    clip_norm: float = 1.0,
    run_dir: str = None,
    callback=None,
    history: dict = None,
):
    """Trains.

    Args:
        callback (function): called after each epoch
    """
    for x, _ in train_dataset.take(1):
        model(x)
    optimizer = getattr(model, "optimizer", None) or keras.optimizers.RMSprop(learning_rate)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loss_mean, accuracy = keras.metrics.Mean(), keras.metrics.SparseCategoricalAccuracy()

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = loss_function(y, logits)
        gradients = tape.gradient(loss, model.trainable_variables)
        clipped = clip_gradients(gradients, model.trainable_variables, clip_norm)
        optimizer.apply_gradients(zip(clipped, model.trainable_variables))
        loss_mean.update_state(loss, sample_weight=tf.shape(x)[0])
        accuracy.update_state(y, logits)
        return gradients, clipped

    def take():
        values = float(loss_mean.result()), float(accuracy.result())
        loss_mean.reset_state()
        accuracy.reset_state()
        return values

    values = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
    if history is not None:
        values = {name: list(column) for name, column in history.items()}
    best_path = None if run_dir is None else os.path.join(run_dir, "best.weights.h5")
    best, best_weights = -1, None
    if values["val_accuracy"]:
        best = max(values["val_accuracy"])
    writer = None
    if run_dir is not None:
        os.makedirs(run_dir, exist_ok=True)
        writer = tf.summary.create_file_writer(os.path.join(run_dir, "logs"))
    count = 0
    for epoch in range(len(values["loss"]), epochs):
        for x, y in train_dataset:
            gradients, clipped = step(x, y)
            if writer is not None and count % 250 == 0:
                with writer.as_default():
                    for variable, one, other in zip(model.trainable_variables, gradients, clipped):
                        tf.summary.histogram("grad/Raw/" + variable.path, one, step=count)
                        tf.summary.histogram("grad/Clipped/" + variable.path, other, step=count)
            count += 1
        loss, acc = take()
        for x, y in validation_dataset:
            logits = model(x, training=False)
            loss_mean.update_state(loss_function(y, logits), sample_weight=len(x))
            accuracy.update_state(y, logits)
        val_loss, val_acc = take()
        logs = {"loss": loss, "accuracy": acc, "val_loss": val_loss, "val_accuracy": val_acc}
        for name in logs:
            values[name].append(logs[name])
        if writer is not None:
            with writer.as_default():
                for name in logs:
                    tf.summary.scalar("epoch/" + name, logs[name], step=epoch)
        if val_acc > best:
            best, best_weights = val_acc, [np.array(w) for w in model.get_weights()]
            if best_path:
                model.save_weights(best_path)
        if callback is not None:
            if callback(epoch, logs):
                break
    if best_weights is None and best_path and os.path.exists(best_path):
        model.load_weights(best_path)
    elif best_weights is not None:
        model.set_weights(best_weights)
    if writer is not None:
        writer.close()
    return values
