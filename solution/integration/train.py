"""Trains the integration model: `train` is the loop, the rest is the program around it.

    python train.py                                       a whole training
    python train.py --epochs 1 --steps 50 --run-dir runs/try    a first look, in seconds
    tensorboard --logdir runs                             the curves, while it trains

The run's folder receives `config.json`, `history.json`, `checkpoints/`, `tensorboard/`, `curves.png` and
`predictions.png`. After Ctrl-C or a crash the same command goes on after the last whole epoch.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypedDict

import keras
import numpy as np
import tensorflow as tf


class Config(TypedDict):
    """Settings of a training."""

    epochs: int
    learning_rate: float
    batch_size: int
    seq_len: int


# Grading trains with these, on 2,500 batches at most, so a larger batch means more signals; tune them as you like.
CONFIG: Config = {"epochs": 4, "learning_rate": 1e-2, "batch_size": 128, "seq_len": 25}

HALVING_STEPS = 400

Logs = dict[str, float]
History = dict[str, list[float]]


def optimizer_for(model: keras.layers.Layer, learning_rate: float) -> keras.optimizers.Optimizer:
    """The optimizer for a model: the one that the program has attached to it, else a new one.

    An attached one brings along its momenta and its step count, which a resumed training needs.

    Args:
        model: Anything; `model.optimizer` is looked at.
        learning_rate: Of a new optimizer, at its first step; it halves every `HALVING_STEPS` steps.

    Returns:
        An Adam optimizer.
    """
    attached = getattr(model, "optimizer", None)
    if attached is not None:
        return attached
    decay = keras.optimizers.schedules.ExponentialDecay(learning_rate, decay_steps=HALVING_STEPS, decay_rate=0.5)
    return keras.optimizers.Adam(decay)


def train(
    model: keras.layers.Layer,
    train_dataset: tf.data.Dataset,
    validation_dataset: tf.data.Dataset,
    epochs: int = CONFIG["epochs"],
    learning_rate: float = CONFIG["learning_rate"],
    callback: Callable[[int, Logs], bool | None] | None = None,
) -> History:
    """Trains a binary classifier with a loop of our own.

    Args:
        model: Maps `(B, T, 1)` float32 to probabilities `(B, 1)`.
        train_dataset: Batches `(x, y)`: `(B, T, 1)` float32 and `(B, 1)` integers 0 or 1.
        validation_dataset: The same with other samples; nothing is learnt from them.
        epochs: How many times to go through `train_dataset`.
        learning_rate: At the first step.
        callback: Called after each epoch with its number, from 0, and the epoch's four values (as in Returns, one
            float each). If it returns True, the training ends there.

    Returns:
        Lists with one float an epoch: `loss` (mean binary cross-entropy) and `accuracy` (share of right signs) while
        training, `val_loss` and `val_accuracy` after the epoch.
    """
    # BEGIN SOLUTION 4.1
    # HINT Call the model once on a batch before anything is traced, so that its weights exist.
    # HINT One step: a forward pass and the loss under tf.GradientTape, the gradients, the optimizer. Decorate it with
    # HINT tf.function; the loop over epochs and batches stays plain Python.
    # HINT keras.metrics.Mean and BinaryAccuracy gather values over an epoch; reset them when the next one starts.
    # HINT `optimizer_for(model, learning_rate)` gives you an optimizer that lets the program resume exactly.
    optimizer = optimizer_for(model, learning_rate)
    cross_entropy = keras.losses.BinaryCrossentropy()
    mean_loss, accuracy = keras.metrics.Mean(), keras.metrics.BinaryAccuracy()
    first_batch, _ = next(iter(train_dataset))
    model(first_batch)  # makes the weights outside of any graph

    @tf.function(reduce_retracing=True)
    def train_step(x, y):
        with tf.GradientTape() as tape:
            probabilities = model(x)
            loss = cross_entropy(y, probabilities)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        mean_loss.update_state(loss, sample_weight=tf.shape(x)[0])
        accuracy.update_state(y, probabilities)

    @tf.function(reduce_retracing=True)
    def validation_step(x, y):
        probabilities = model(x)
        mean_loss.update_state(cross_entropy(y, probabilities), sample_weight=tf.shape(x)[0])
        accuracy.update_state(y, probabilities)

    def run(step, dataset):
        mean_loss.reset_state()
        accuracy.reset_state()
        for x, y in dataset:
            step(x, y)
        return float(mean_loss.result()), float(accuracy.result())

    history = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
    for epoch in range(epochs):
        logs = dict(zip(history, run(train_step, train_dataset) + run(validation_step, validation_dataset), strict=True))
        for name, value in logs.items():
            history[name].append(value)
        if callback is not None and callback(epoch, logs):
            break
    return history
    # END SOLUTION
