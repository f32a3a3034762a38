"""Layers with weights."""

from __future__ import annotations

import numpy as np

from Beras.core import Diffable, Tensor, generator

INITIALIZERS = ("zero", "normal", "xavier", "kaiming")


class Dense(Diffable):
    """A fully connected layer: `x @ w + b`.

    Args:
        input_size: s.
        output_size: d.
        initializer: How w starts, one of `INITIALIZERS`; see `_initialize_weight`.

    Attributes:
        w: Weights, `(s, d)` float32.
        b: Biases, `(d,)` float32.
    """

    def __init__(self, input_size: int, output_size: int, initializer: str = "kaiming") -> None:
        self.w, self.b = self._initialize_weight(initializer, input_size, output_size)

    @property
    def weights(self) -> tuple[Tensor, Tensor]:
        """`(w, b)`."""
        return self.w, self.b

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Computes the outputs.

        Args:
            x: `(B, s)`.

        Returns:
            `(B, d)`.
        """
        # TODO 2.1: One matrix product for the whole batch, and the biases.
        raise NotImplementedError("Task 2.1: Dense: forward and gradients")

    def weight_gradients(self) -> tuple[np.ndarray, np.ndarray]:
        """What outputs change with w and with b, at the last call; see `Diffable.weight_gradients`.

        Returns:
            For w: the inputs, `(B, s, 1)`, the same for all d outputs. For b: ones, `(1, d)`.
        """
        # TODO 2.1: Output o of sample b is the sum over i of x[b, i] * w[i, o], plus b[o].
        #     `self.inputs` holds the arguments of the last call.
        raise NotImplementedError("Task 2.1: Dense: forward and gradients")

    def input_gradients(self) -> np.ndarray:
        """The Jacobian with respect to x, `(s, d)`: it is the same for all samples."""
        # TODO 2.1: Entry [i, o] is the derivative of output o by input i. What stands between the two?
        raise NotImplementedError("Task 2.1: Dense: forward and gradients")

    @staticmethod
    def _initialize_weight(initializer: str, input_size: int, output_size: int) -> tuple[Tensor, Tensor]:
        """Draws the initial weights.

        - `zero`: all 0. Then all outputs learn the same.
        - `normal`: standard deviation 1. Sums of many inputs get large, and with them the gradients.
        - `xavier`: standard deviation `sqrt(2 / (s + d))`. Signals keep their size, forwards and backwards
          (`keras.initializers.GlorotNormal`; Glorot & Bengio 2010).
        - `kaiming`: standard deviation `sqrt(2 / s)`. They keep it behind a ReLU, which drops half of them
          (`keras.initializers.HeNormal`; He et al. 2015).

        Args:
            initializer: One of `INITIALIZERS`; upper and lower case are the same.
            input_size: s.
            output_size: d.

        Returns:
            `(w, b)`: `(s, d)` and `(d,)`, float32. Whatever the initializer, b is 0.

        Raises:
            ValueError: There is no such initializer.
        """
        name = initializer.lower()
        if name not in INITIALIZERS:
            raise ValueError(f"unknown initializer {initializer!r}; there are {', '.join(INITIALIZERS)}")
        # TODO 2.2: All of them are normal distributions around 0; they differ in the standard deviation.
        #     `generator().normal(...)` draws from one. Keras draws anew what is beyond two standard deviations, which
        #     you may do as well. NumPy draws float64.
        raise NotImplementedError("Task 2.2: Dense: initial weights")
