"""The published update rules of three optimizers, in float64.

    gradient descent    w <- w - lr g
    RMSProp             v <- beta v + (1 - beta) g^2
                        w <- w - lr g / (sqrt(v) + eps)                      (Hinton, lecture 6e, 2012)
    Adam                m <- beta_1 m + (1 - beta_1) g
                        v <- beta_2 v + (1 - beta_2) g^2
                        w <- w - lr (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + eps)     (Kingma & Ba, 2015)

All moments start at 0, t counts from 1. Keras writes RMSProp's eps inside the root and Adam's before the correction:
where |g| is near 1 that changes an update by less than 1e-5 of its size, so tests draw such gradients
(`unit_gradients`) and accept all of them.

A trajectory holds the weights after each step: `trajectory[t][k]` is weight k after step t + 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Trajectory = list[list[Array]]


def descend(weights: Sequence[Array], gradients: Sequence[Sequence[Array]], learning_rate: float) -> Trajectory:
    """Plain gradient descent.

    Args:
        weights: At the start; any shapes.
        gradients: For each step one gradient a weight.
        learning_rate: lr.
    """
    current = [np.array(weight, dtype=np.float64) for weight in weights]
    trajectory = []
    for step in gradients:
        current = [w - learning_rate * g for w, g in zip(current, step, strict=True)]
        trajectory.append(current)
    return trajectory


def rmsprop(
    weights: Sequence[Array],
    gradients: Sequence[Sequence[Array]],
    learning_rate: float,
    beta: float = 0.9,
    epsilon: float = 1e-6,
) -> Trajectory:
    """RMSProp; the arguments are those of `descend`, beta and eps."""
    current = [np.array(weight, dtype=np.float64) for weight in weights]
    v = [np.zeros_like(weight) for weight in current]
    trajectory = []
    for step in gradients:
        v = [beta * v_k + (1 - beta) * g**2 for v_k, g in zip(v, step, strict=True)]
        current = [w - learning_rate * g / (np.sqrt(v_k) + epsilon) for w, g, v_k in zip(current, step, v, strict=True)]
        trajectory.append(current)
    return trajectory


def adam(
    weights: Sequence[Array],
    gradients: Sequence[Sequence[Array]],
    learning_rate: float,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> Trajectory:
    """Adam; the arguments are those of `descend`, beta_1, beta_2 and eps."""
    current = [np.array(weight, dtype=np.float64) for weight in weights]
    m = [np.zeros_like(weight) for weight in current]
    v = [np.zeros_like(weight) for weight in current]
    trajectory = []
    for t, step in enumerate(gradients, start=1):
        m = [beta_1 * m_k + (1 - beta_1) * g for m_k, g in zip(m, step, strict=True)]
        v = [beta_2 * v_k + (1 - beta_2) * g**2 for v_k, g in zip(v, step, strict=True)]
        moved = []
        for w, m_k, v_k in zip(current, m, v, strict=True):
            mean, square = m_k / (1 - beta_1**t), v_k / (1 - beta_2**t)
            moved.append(w - learning_rate * mean / (np.sqrt(square) + epsilon))
        current = moved
        trajectory.append(current)
    return trajectory


def unit_gradients(rng: np.random.Generator, shapes: Sequence[tuple[int, ...]], steps: int) -> list[list[Array]]:
    """Gradients for tests: of either sign and a size in [0.5, 1.5], for each step one a shape."""

    def draw(shape: tuple[int, ...]) -> Array:
        return np.asarray(rng.choice((-1.0, 1.0), size=shape) * rng.uniform(0.5, 1.5, size=shape), dtype=np.float64)

    return [[draw(shape) for shape in shapes] for _ in range(steps)]
