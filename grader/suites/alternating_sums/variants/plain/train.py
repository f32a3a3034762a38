"""Training."""

import json
from pathlib import Path

import keras
import tensorflow as tf

CONFIG = {"epochs": 4, "learning_rate": 2e-3, "batch_size": 64, "sequence_len": 4}
NAMES = ["loss", "exact", "val_loss", "val_exact"]


def train(
    model: keras.Model,
    train_dataset: tf.data.Dataset,
    validation_dataset: tf.data.Dataset,
    epochs: int = 4,
    learning_rate: float = 2e-3,
    run_dir: str = None,
    callback=None,
) -> dict:
    """Trains the model.

    callback (function): called after each epoch.
    """
    optimizer = keras.optimizers.Adam(learning_rate)
    loss_function = keras.losses.MeanSquaredError()
    for x, _ in train_dataset:
        model(x)
        break
    optimizer.build(model.trainable_variables)

    def errors(y, prediction):
        y = tf.cast(tf.reshape(y, tf.shape(prediction)), tf.float32)
        return loss_function(y, prediction), tf.reduce_mean(tf.cast(tf.abs(y - prediction) < 0.5, tf.float32))

    @tf.function
    def train_step(x, y):
        with tf.GradientTape() as tape:
            loss, exact = errors(y, model(x))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss, exact

    @tf.function
    def validation_step(x, y):
        return errors(y, model(x))

    history = {name: [] for name in NAMES}
    done = tf.Variable(0, trainable=False)
    if run_dir is not None:
        folder = Path(run_dir)
        folder.mkdir(parents=True, exist_ok=True)
        config = {"units": model.units, "epochs": epochs, "learning_rate": learning_rate}
        (folder / "config.json").write_text(json.dumps(config))
        checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer, done=done)
        manager = tf.train.CheckpointManager(checkpoint, str(folder / "weights"), max_to_keep=1)
        if manager.latest_checkpoint:
            checkpoint.restore(manager.latest_checkpoint)
            history = json.loads((folder / "history.json").read_text())
        writer = tf.summary.create_file_writer(str(folder / "logs"))

    for epoch in range(int(done), epochs):
        training = [train_step(x, y) for x, y in train_dataset]
        validation = [validation_step(x, y) for x, y in validation_dataset]
        values = [sum(part) / len(part) for steps in (training, validation) for part in zip(*steps, strict=True)]
        logs = {name: float(value) for name, value in zip(NAMES, values, strict=True)}
        for name, value in logs.items():
            history[name].append(value)
        if run_dir is not None:
            done.assign(epoch + 1)
            with writer.as_default():
                for name, value in logs.items():
                    tf.summary.scalar(name, value, step=epoch)
            writer.flush()
            (folder / "history.json").write_text(json.dumps(history))
            manager.save()
        if callback is not None and callback(epoch, logs):
            break
    return history
