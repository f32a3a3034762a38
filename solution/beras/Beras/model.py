"""The model: layers together with what trains them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from Beras.core import Callable, Diffable, Tensor, generator

Metrics = dict[str, float]
History = dict[str, list[float]]


class Model(ABC):
    """Trains and tests layers, batch by batch. What happens to a batch, a subclass says.

    Args:
        layers: From the input to the output.

    Attributes:
        layers: The same.
        batch_metrics: `{"loss": ..., "acc": ...}` of the last batch of `fit`.
        epoch_metrics: The values of its last epoch: `{"loss": [...], "acc": [...]}`, one number a batch.
        agg_metrics: The values of all its epochs, one after the other, one number a batch.
    """

    def __init__(self, layers: Sequence[Diffable]) -> None:
        self.layers = list(layers)
        self.batch_metrics: Metrics = {}
        self.epoch_metrics: History = {}
        self.agg_metrics: History = {}

    @property
    def trainable_variables(self) -> list[Tensor]:
        """The weights that training changes, in the order of `GradientTape.gradient`."""
        return [weight for layer in self.layers for weight in layer.weights if weight.trainable]

    def __call__(self, inputs: np.ndarray) -> Tensor:
        """Predicts, see `call`."""
        return self.call(inputs)

    def compile(self, optimizer: object, loss_fn: Diffable, acc_fn: Callable) -> None:
        """Notes what to train with, as `optimizer`, `loss_fn` and `acc_fn`.

        Args:
            optimizer: Has `apply_gradients(weights, grads)`.
            loss_fn: Called with (predictions, labels).
            acc_fn: The same.
        """
        # BEGIN SOLUTION 7.1
        # HINT Three attributes, named like the arguments.
        self.optimizer = optimizer
        self.loss_fn = loss_fn
        self.acc_fn = acc_fn
        # END SOLUTION

    def fit(self, x: np.ndarray, y: np.ndarray, epochs: int, batch_size: int) -> History:
        """Trains. Each epoch takes every sample once, in batches; the last batch may be smaller.

        Args:
            x: Inputs, `(N, s)`.
            y: Labels, one-hot, `(N, n)`.
            epochs: How many times to go through the samples.
            batch_size: B.

        Returns:
            `agg_metrics`.
        """
        # BEGIN SOLUTION 7.1
        # HINT Two loops, over epochs and batches; `batch_step` trains on a batch and returns its metrics.
        # HINT Fill `batch_metrics`, `epoch_metrics` and `agg_metrics` on the way. `report` prints a line an epoch.
        # HINT A new order of the samples in each epoch helps: `generator().permutation(len(x))`.
        self.agg_metrics = {"loss": [], "acc": []}
        for epoch in range(epochs):
            self.epoch_metrics = {"loss": [], "acc": []}
            order = generator().permutation(len(x))
            for start in range(0, len(x), batch_size):
                batch = order[start : start + batch_size]
                self.batch_metrics = self.batch_step(x[batch], y[batch], training=True)
                for name, value in self.batch_metrics.items():
                    self.epoch_metrics[name].append(value)
                    self.agg_metrics[name].append(value)
            report(epoch, epochs, self.epoch_metrics)
        return self.agg_metrics
        # END SOLUTION

    def evaluate(self, x: np.ndarray, y: np.ndarray, batch_size: int) -> Metrics:
        """Tests: hands batches to `batch_step` as `fit` does, with `training=False`; their order does not matter.

        Args:
            x: Inputs, `(N, s)`.
            y: Labels, one-hot, `(N, n)`.
            batch_size: B.

        Returns:
            `{"loss": ..., "acc": ...}`: means over all samples, whatever the batch size.
        """
        # BEGIN SOLUTION 7.1
        # HINT If the last batch is smaller, it counts for less: weigh each batch by its size.
        totals = {"loss": 0.0, "acc": 0.0}
        for start in range(0, len(x), batch_size):
            batch = slice(start, start + batch_size)
            for name, value in self.batch_step(x[batch], y[batch], training=False).items():
                totals[name] += value * len(x[batch])
        return {name: total / len(x) for name, total in totals.items()}
        # END SOLUTION

    @abstractmethod
    def call(self, inputs: np.ndarray) -> Tensor:
        """Predicts.

        Args:
            inputs: `(B, s)`.

        Returns:
            `(B, n)`.
        """

    @abstractmethod
    def batch_step(self, x: np.ndarray, y: np.ndarray, training: bool = True) -> Metrics:
        """Predicts a batch and, if training, learns from it.

        Args:
            x: Inputs, `(B, s)`.
            y: Labels, one-hot, `(B, n)`.
            training: Whether the weights change.

        Returns:
            `{"loss": ..., "acc": ...}` of the predictions, made before the weights change.
        """


def report(epoch: int, epochs: int, metrics: History) -> None:
    """Prints one line about an epoch.

    Args:
        epoch: Its number, from 0.
        epochs: How many there are.
        metrics: Values of its batches; their means are printed.
    """
    means = "  ".join(f"{name} {np.mean(values):.4f}" for name, values in metrics.items())
    print(f"epoch {epoch + 1}/{epochs}  {means}", flush=True)
