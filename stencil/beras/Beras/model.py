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
        # TODO 7.1: Three attributes, named like the arguments.
        raise NotImplementedError("Task 7.1: Compile, fit, evaluate")

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
        # TODO 7.1: Two loops, over epochs and batches; `batch_step` trains on a batch and returns its metrics.
        #     Fill `batch_metrics`, `epoch_metrics` and `agg_metrics` on the way. `report` prints a line an epoch.
        #     A new order of the samples in each epoch helps: `generator().permutation(len(x))`.
        raise NotImplementedError("Task 7.1: Compile, fit, evaluate")

    def evaluate(self, x: np.ndarray, y: np.ndarray, batch_size: int) -> Metrics:
        """Tests: hands batches to `batch_step` as `fit` does, with `training=False`; their order does not matter.

        Args:
            x: Inputs, `(N, s)`.
            y: Labels, one-hot, `(N, n)`.
            batch_size: B.

        Returns:
            `{"loss": ..., "acc": ...}`: means over all samples, whatever the batch size.
        """
        # TODO 7.1: If the last batch is smaller, it counts for less: weigh each batch by its size.
        raise NotImplementedError("Task 7.1: Compile, fit, evaluate")

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
