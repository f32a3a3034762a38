"""Optimizers: what a gradient does to its weight. They change weights in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class BasicOptimizer:
    """Gradient descent: `w -= learning_rate * g`.

    Args:
        learning_rate: The length of a step.
    """

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    def apply_gradients(self, weights: Sequence[np.ndarray], grads: Sequence[np.ndarray]) -> None:
        """Moves all weights by one step.

        Args:
            weights: Changed in place.
            grads: Their gradients, in the same order and of the same shapes.
        """
        # TODO 5.1: `w -= ...` changes the array itself; `w = w - ...` makes a new one, which nobody sees.
        raise NotImplementedError("Task 5.1: Gradient descent")


class RMSProp:
    """Gradient descent with a step size of its own for each weight (Hinton 2012, lecture 6e).

        v = beta * v + (1 - beta) * g^2
        w -= learning_rate * g / (sqrt(v) + epsilon)

    Args:
        learning_rate: The length of a step.
        beta: How much of the running mean is kept at each step.
        epsilon: Against division by 0; inside the root or outside, both are right.
    """

    def __init__(self, learning_rate: float, beta: float = 0.9, epsilon: float = 1e-6) -> None:
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v: list[np.ndarray] = []  # one for each weight, from the first step on

    def apply_gradients(self, weights: Sequence[np.ndarray], grads: Sequence[np.ndarray]) -> None:
        """Moves all weights by one step.

        Args:
            weights: Changed in place; the same ones, in the same order, at every step.
            grads: Their gradients, in the same order and of the same shapes.
        """
        # TODO 5.2: Each weight has its own v, of its shape, which starts at 0 and lives on from step to step.
        raise NotImplementedError("Task 5.2: RMSProp")


class Adam:
    """Gradient descent with momentum and a step size of its own for each weight (Kingma & Ba 2015, algorithm 1).

        m = beta_1 * m + (1 - beta_1) * g          m_hat = m / (1 - beta_1^t)
        v = beta_2 * v + (1 - beta_2) * g^2        v_hat = v / (1 - beta_2^t)
        w -= learning_rate * m_hat / (sqrt(v_hat) + epsilon)

    t counts the steps, from 1; it is the same for all weights.

    Args:
        learning_rate: The length of a step.
        beta_1: How much of the mean gradient is kept at each step.
        beta_2: How much of the mean square is kept at each step.
        epsilon: Against division by 0.
    """

    def __init__(self, learning_rate: float, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.t = 0
        self.m: list[np.ndarray] = []  # one for each weight, from the first step on
        self.v: list[np.ndarray] = []

    def apply_gradients(self, weights: Sequence[np.ndarray], grads: Sequence[np.ndarray]) -> None:
        """Moves all weights by one step.

        Args:
            weights: Changed in place; the same ones, in the same order, at every step.
            grads: Their gradients, in the same order and of the same shapes.
        """
        # TODO 5.3: m and v start at 0, so they are too small at first; the hats make up for it.
        #     One call is one step: t grows once, not once for each weight.
        raise NotImplementedError("Task 5.3: Adam")
