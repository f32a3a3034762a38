"""Activation functions."""

from __future__ import annotations

import numpy as np

from Beras.core import Diffable


class Elementwise(Diffable):
    """A function of each number on its own: its Jacobian is diagonal.

    `input_gradients` returns the diagonals alone, `(B, d)` for an input `(B, d)`.
    """

    def compose_to_input(self, J: np.ndarray) -> np.ndarray:
        """The chain rule; the product with a diagonal matrix is elementwise.

        Args:
            J: Gradient with respect to the outputs, `(B, d)`.

        Returns:
            Gradient with respect to the inputs, `(B, d)`.
        """
        return J * self.input_gradients()


class LeakyReLU(Elementwise):
    """x where it is positive, alpha * x elsewhere.

    Args:
        alpha: The slope for negative x.
    """

    def __init__(self, alpha: float = 0.3) -> None:
        self.alpha = alpha

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Computes the outputs.

        Args:
            x: Any shape.

        Returns:
            The same shape.
        """
        # TODO 3.1: np.where chooses number by number. np.maximum and np.minimum are faster.
        raise NotImplementedError("Task 3.1: LeakyReLU")

    def input_gradients(self) -> np.ndarray:
        """The slope at each input of the last call, in its shape; at exactly 0 any of 0, alpha and 1 is right."""
        # TODO 3.1: `self.inputs` holds the arguments of the last call.
        raise NotImplementedError("Task 3.1: LeakyReLU")


class ReLU(LeakyReLU):
    """x where it is positive, 0 elsewhere."""

    def __init__(self) -> None:
        super().__init__(alpha=0.0)


class Softmax(Diffable):
    """Probabilities: `exp(x_i)` over the sum of them all, row by row."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Computes the outputs, without overflow however large x is.

        Args:
            x: `(B, d)`.

        Returns:
            `(B, d)`; each row is positive and sums to 1.
        """
        # TODO 3.2: A constant added to a whole row changes nothing in its softmax. Which one makes exp safe?
        #     Work along the last axis, and keep it (`keepdims`).
        raise NotImplementedError("Task 3.2: Softmax")

    def input_gradients(self) -> np.ndarray:
        """The Jacobian of each sample at the last call, `(B, d, d)`: `p_i * (1 - p_i)` for i = o, else `-p_i * p_o`."""
        # TODO 3.2: diag(p) - p p^T for each row p. np.eye and a new axis make a diagonal matrix of each row.
        raise NotImplementedError("Task 3.2: Softmax")
