"""Another right solution: stacks of matrices and einsum, a tape that walks an explicit list."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

_generator = np.random.default_rng(1470)


def set_seed(seed=1470):
    """Starts the random numbers anew."""
    global _generator
    _generator = np.random.default_rng(seed)


def generator():
    """The source of random numbers."""
    return _generator


class Tensor(np.ndarray):
    """An array that can be marked as trainable."""

    def __new__(cls, data, trainable=True):
        tensor = np.asarray(data).view(cls)
        tensor.trainable = trainable
        return tensor

    def __array_finalize__(self, source):
        self.trainable = getattr(source, "trainable", True)


class Callable(ABC):
    """Something with a forward function."""

    def __call__(self, *args, **kwargs):
        return Tensor(self.forward(*args, **kwargs))

    @abstractmethod
    def forward(self, *args, **kwargs):
        """Computes the outputs."""


class Diffable(Callable):
    """A callable with gradients."""

    tape = None

    def __call__(self, *args, **kwargs):
        self.inputs = args
        self.outputs = super().__call__(*args, **kwargs)
        if Diffable.tape is not None:
            Diffable.tape.operations.append(self)
        return self.outputs

    @property
    def weights(self):
        """All weights."""
        return ()

    @abstractmethod
    def input_gradients(self):
        """The Jacobian, (s, d) or (B, s, d)."""

    def weight_gradients(self):
        """One for each weight."""
        return ()

    def compose_to_input(self, J):
        """J (B, d) -> (B, s)."""
        jacobian = np.asarray(self.input_gradients())
        return np.matmul(jacobian, np.asarray(J)[:, :, None])[:, :, 0]

    def compose_to_weight(self, J):
        """J (B, d) -> a mean over the batch for each weight."""
        J = np.asarray(J)
        found = []
        for weight, gradient in zip(self.weights, self.weight_gradients(), strict=True):
            if weight.ndim == 1:
                full = np.broadcast_to(gradient, J.shape)
                found.append((full * J).sum(axis=0) / len(J))
            else:
                full = np.broadcast_to(gradient, (len(J), *weight.shape))
                found.append(np.einsum("bio,bo->io", full, J) / len(J))
        return found


class GradientTape:
    """Records calls."""

    def __init__(self):
        self.operations = []

    def __enter__(self):
        Diffable.tape = self
        return self

    def __exit__(self, kind, error, traceback):
        Diffable.tape = None

    def gradient(self):
        """One gradient for each trainable weight."""
        found = []
        J = self.operations[-1].input_gradients()
        for layer in self.operations[-2::-1]:
            if len(layer.weights) > 0:
                of_layer = layer.compose_to_weight(J)
                kept = [g for w, g in zip(layer.weights, of_layer, strict=True) if w.trainable]
                found = kept + found
            J = layer.compose_to_input(J)
        return found
