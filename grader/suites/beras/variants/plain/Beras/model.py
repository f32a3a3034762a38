"""Another right solution: no shuffling, while loops."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

Metrics = dict


class Model(ABC):
    """Trains and tests."""

    def __init__(self, layers):
        self.layers = list(layers)
        self.batch_metrics = {}
        self.epoch_metrics = {}
        self.agg_metrics = {}

    @property
    def trainable_variables(self):
        """The weights that training changes."""
        return [weight for layer in self.layers for weight in layer.weights if weight.trainable]

    def __call__(self, inputs):
        return self.call(inputs)

    def compile(self, optimizer, loss_fn, acc_fn):
        """Notes what to train with."""
        self.optimizer, self.loss_fn, self.acc_fn = optimizer, loss_fn, acc_fn

    def fit(self, x, y, epochs, batch_size):
        """Trains."""
        self.agg_metrics = {"loss": [], "acc": []}
        for _ in range(epochs):
            self.epoch_metrics = {"loss": [], "acc": []}
            first = 0
            while first < len(x):
                last = min(first + batch_size, len(x))
                self.batch_metrics = self.batch_step(x[first:last], y[first:last], True)
                for name in ("loss", "acc"):
                    self.epoch_metrics[name].append(self.batch_metrics[name])
                first = last
            for name in ("loss", "acc"):
                self.agg_metrics[name] += self.epoch_metrics[name]
        return self.agg_metrics

    def evaluate(self, x, y, batch_size):
        """Tests."""
        values, sizes = [], []
        for first in range(0, len(x), batch_size):
            found = self.batch_step(x[first : first + batch_size], y[first : first + batch_size], training=False)
            values.append([found["loss"], found["acc"]])
            sizes.append(len(x[first : first + batch_size]))
        loss, acc = np.average(values, axis=0, weights=sizes)
        return {"loss": float(loss), "acc": float(acc)}

    @abstractmethod
    def call(self, inputs):
        """Predicts."""

    @abstractmethod
    def batch_step(self, x, y, training=True):
        """One step."""
