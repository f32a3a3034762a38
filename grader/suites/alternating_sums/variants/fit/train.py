"""Training by compile and fit."""

import json
from pathlib import Path

import keras
import tensorflow as tf

CONFIG = {"epochs": 3, "learning_rate": 2e-3, "batch_size": 32, "sequence_len": 4}


def exact(y, prediction):
    """Share of exact totals.

    y (tensor): (B, T, 1).
    prediction (tensor): (B, T, 1).
    """
    return tf.cast(tf.equal(tf.round(prediction), tf.cast(tf.reshape(y, tf.shape(prediction)), tf.float32)), tf.float32)


class _AfterEpoch(keras.callbacks.Callback):
    def __init__(self, history, save, callback):
        super().__init__()
        self.history, self.save, self.callback = history, save, callback

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(logs[name]) for name in self.history}
        for name, value in logs.items():
            self.history[name].append(value)
        if self.save is not None:
            self.save(epoch + 1)
        if self.callback is not None and self.callback(epoch, logs):
            self.model.stop_training = True


def train(
    model: keras.Model,
    train_dataset: tf.data.Dataset,
    validation_dataset: tf.data.Dataset,
    epochs: int = 3,
    learning_rate: float = 2e-3,
    run_dir: str | None = None,
    callback: object = None,
) -> dict:
    """Trains with Keras' own loop."""
    metric = keras.metrics.MeanMetricWrapper(exact, name="exact")
    model.compile(keras.optimizers.Adam(learning_rate), "mse", metrics=[metric])
    history = {"loss": [], "exact": [], "val_loss": [], "val_exact": []}
    first, save, callbacks = 0, None, []
    if run_dir is not None:
        folder = Path(run_dir)
        folder.mkdir(parents=True, exist_ok=True)
        entries = {"model": {"units": model.units}, "epochs": epochs, "learning_rate": learning_rate}
        (folder / "config.json").write_text(json.dumps(entries))
        for x, _ in train_dataset:
            model(x)
            break
        model.optimizer.build(model.trainable_variables)
        checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
        manager = tf.train.CheckpointManager(checkpoint, str(folder / "checkpoints"), max_to_keep=2)
        path = manager.latest_checkpoint
        if path:
            checkpoint.restore(path)
            first = int(path.rpartition("-")[2])
        callbacks.append(keras.callbacks.TensorBoard(folder, write_graph=False))

        def save(epoch):
            manager.save(epoch)

    callbacks.append(_AfterEpoch(history, save, callback))
    model.fit(
        train_dataset,
        validation_data=validation_dataset,
        initial_epoch=first,
        epochs=epochs,
        verbose=0,
        callbacks=callbacks,
    )
    return history
