import keras
import numpy as np
import tensorflow as tf

CONFIG = {"cell": "gru", "epochs": 3, "learning_rate": 1e-3, "batch_size": 50}


def train(model: keras.Model, train_data: tuple, validation_data: tuple, num_epochs: int = 3, batch_size: int = 50,
          fraction: float = 1.0, eval_every: int = 1, patience: int = 0, callback: "callable" = None,
          learning_rate: float = 1e-3, test_data: tuple = None):
    """With tf.data and Keras metrics."""
    n = int(len(train_data[0]) * fraction)
    dataset = tf.data.Dataset.from_tensor_slices((train_data[0][:n], train_data[1][:n])).shuffle(max(n, 1)).batch(batch_size)
    optimizer = keras.optimizers.RMSprop(learning_rate)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    mean_loss, mean_accuracy = keras.metrics.Mean(), keras.metrics.SparseCategoricalAccuracy()
    model(tf.constant(train_data[0][:1]))

    @tf.function(reduce_retracing=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = loss_function(y, logits) + model.l2_loss()
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, model.trainable_variables), 5.0)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        mean_loss.update_state(loss, tf.shape(x)[0])
        mean_accuracy.update_state(y, logits)

    def evaluate(images, labels):
        losses, hits = [], []
        for i in range(0, len(images), 250):
            logits = model(tf.constant(images[i : i + 250]), training=False)
            losses.extend(keras.losses.sparse_categorical_crossentropy(labels[i : i + 250], logits, from_logits=True).numpy())
            hits.extend(np.argmax(logits, axis=1) == labels[i : i + 250])
        return float(np.mean(losses) + model.l2_loss()), float(np.mean(hits))

    train_losses, train_accs, val_losses, val_accs = [], [], [], []
    since_best = 0
    for epoch in range(num_epochs):
        mean_loss.reset_state()
        mean_accuracy.reset_state()
        for x, y in dataset:
            step(x, y)
        train_losses.append((epoch, float(mean_loss.result())))
        train_accs.append((epoch, float(mean_accuracy.result())))
        logs = {"train_loss": train_losses[-1][1], "train_acc": train_accs[-1][1]}
        if epoch % eval_every == 0:
            loss, accuracy = evaluate(*validation_data)
            best = min((value for _, value in val_losses), default=float("inf"))
            since_best = 0 if loss < best else since_best + 1
            val_losses.append((epoch, loss))
            val_accs.append((epoch, accuracy))
            logs.update(val_loss=loss, val_acc=accuracy)
        if callback and callback(epoch, logs):
            break
        if patience is not None and since_best > patience:
            break
    test_acc = evaluate(*test_data)[1] if test_data is not None else None
    return dict(train_losses=train_losses, train_accs=train_accs, val_losses=val_losses, val_accs=val_accs, test_acc=test_acc)
