"""A vanilla RNN with a readout at each step, in NumPy float64.

    h' = tanh(x Wxh + h Whh + bh)        y = h' Why + by        loss = sum over t of the batch mean of -log softmax(y)

A model is a dict with `Wxh (D, H)`, `Whh (H, H)`, `Why (H, C)`, `bh (1, H)`, `by (1, C)`. Shapes: T time steps, B rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grader.oracles import differences

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Arrays = Mapping[str, Array]

NAMES = ("Wxh", "Whh", "Why", "bh", "by")


@dataclass(frozen=True)
class Forward:
    """What a pass over whole sequences gives.

    Attributes:
        last: `(B, H)`.
        scores: `(T, B, C)`.
        loss: The sum over the steps.
    """

    last: Array
    scores: Array
    loss: float


def softmax(scores: Array) -> Array:
    """Probabilities along the last axis, without overflow."""
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    p: Array = e / e.sum(axis=-1, keepdims=True)
    return p


def cross_entropy(scores: Array, labels: Labels) -> float:
    """The batch mean for scores `(B, C)` and labels `(B,)`."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return float(-log_p[np.arange(len(labels)), labels].mean())


def step(model: Arrays, x: Array, h: Array) -> tuple[Array, Array]:
    """One time step: scores `(B, C)` and the new state `(B, H)`."""
    new: Array = np.tanh(x @ model["Wxh"] + h @ model["Whh"] + model["bh"])
    return new @ model["Why"] + model["by"], new


def forward(model: Arrays, x: Array, labels: Labels, h: Array) -> Forward:
    """Runs over sequences.

    Args:
        model: See above.
        x: `(T, B, D)`.
        labels: `(T, B)`.
        h: The state before, `(B, H)`.
    """
    scores, loss = [], 0.0
    for x_t, labels_t in zip(x, labels, strict=True):
        y, h = step(model, x_t, h)
        scores.append(y)
        loss += cross_entropy(y, labels_t)
    return Forward(h, np.stack(scores), loss)


def loss_gradient(model: Arrays, x: Array, labels: Labels, h: Array) -> dict[str, Array]:
    """The gradient of the loss with respect to each entry of the model, by central differences."""

    def loss(name: str, value: Array) -> float:
        return forward({**model, name: value}, x, labels, h).loss

    return {
        name: differences.gradient(lambda value, name=name: loss(name, value), model[name])  # type: ignore[misc]
        for name in NAMES
    }


def backward_step(
    model: Arrays, x: Array, h: Array, new_h: Array, scores: Array, labels: Labels, dh_next: Array
) -> tuple[dict[str, Array], Array]:
    """The chain rule through one step, taken at the activations given, whatever made them.

    Args:
        model: See above.
        x: `(B, D)`.
        h: The state before the step, `(B, H)`; new_h, the one after it.
        scores: `(B, C)`, with the labels `(B,)`.
        dh_next: The gradient of later losses with respect to new_h.

    Returns:
        The gradient with respect to each entry of the model, and to h.
    """
    dy = softmax(scores)
    dy[np.arange(len(labels)), labels] -= 1
    dy /= len(labels)
    dz = (dy @ model["Why"].T + dh_next) * (1 - new_h**2)
    ones = np.ones((1, len(labels)))
    grads = {"Wxh": x.T @ dz, "Whh": h.T @ dz, "Why": new_h.T @ dy, "bh": ones @ dz, "by": ones @ dy}
    return grads, dz @ model["Whh"].T


def random_model(rng: np.random.Generator, size: int, units: int, classes: int, scale: float = 0.5) -> dict[str, Array]:
    """A model with normal entries of standard deviation `scale`, biases too; D, H and C are its sizes."""
    shapes = {
        "Wxh": (size, units),
        "Whh": (units, units),
        "Why": (units, classes),
        "bh": (1, units),
        "by": (1, classes),
    }
    return {name: scale * rng.standard_normal(shape) for name, shape in shapes.items()}
