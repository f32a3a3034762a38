"""Derivatives of a function that only a submission can compute: which points to ask for, and what follows from them.

A submission's backward step may be right for its own forward step, which is wrong. Central differences of the forward
step as the submission has it tell the two bugs apart. All points are asked for in one call, each as "this entry of that
array, moved by so much"; see `differences` for the accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grader.oracles.differences import STEP

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Moves:
    """Each entry of some arrays, once moved up and once down.

    Attributes:
        names: Of the array that is moved, for each point.
        places: Which of its entries, in row order, `(N,)`.
        steps: By how much, `(N,)`.
    """

    names: list[str]
    places: npt.NDArray[np.int64]
    steps: Array

    @property
    def arguments(self) -> dict[str, object]:
        """As adapters take them."""
        return {"names": self.names, "places": self.places, "steps": self.steps}


def moves(arrays: Mapping[str, Array], step: float = STEP) -> Moves:
    """The points that `gradients` wants: for each entry one a step above and one below."""
    names = [name for name, array in arrays.items() for _ in range(2 * array.size)]
    places = [place for array in arrays.values() for place in range(array.size) for _ in range(2)]
    return Moves(names, np.array(places, dtype=np.int64), np.tile([step, -step], len(names) // 2))


def gradients(arrays: Mapping[str, Array], values: Array, step: float = STEP) -> dict[str, Array]:
    """The gradient with respect to each array.

    Args:
        arrays: Those of `moves`.
        values: The function's value at each of its points, `(N,)`.
        step: The same.
    """
    slopes = (values[0::2] - values[1::2]) / (2 * step)
    sizes = np.cumsum([array.size for array in arrays.values()])[:-1]
    parts = np.split(slopes, sizes)
    return {name: part.reshape(array.shape) for (name, array), part in zip(arrays.items(), parts, strict=True)}
