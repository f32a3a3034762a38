"""What all of Beras is made of: tensors, callables, callables that can be differentiated, and the tape.

Conventions, for all files. Sizes: B batch, s inputs of a layer (source), d its outputs (destination).

- Samples are rows: a batch is `(B, s)`.
- J is the gradient of the loss with respect to a layer's outputs, `(B, d)`. Row b belongs to the loss of sample b
  alone. The mean over the batch is taken once, where a weight's gradient is made: in `compose_to_weight`.
- A Jacobian's entry [i, o] is the derivative of output o with respect to input i.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType

import numpy as np

SEED = 1470

_generator = np.random.default_rng(SEED)


def set_seed(seed: int = SEED) -> None:
    """Starts the random numbers of Beras anew.

    Args:
        seed: The same seed gives the same weights and the same order of samples.
    """
    global _generator
    _generator = np.random.default_rng(seed)


def generator() -> np.random.Generator:
    """The source of all random numbers in Beras."""
    return _generator


class Tensor(np.ndarray):
    """A NumPy array that can be marked as trainable.

    Args:
        data: Anything that NumPy makes an array of; it is not copied if it is one.
        trainable: Whether training may change it.
    """

    trainable: bool

    def __new__(cls, data: object, trainable: bool = True) -> Tensor:
        tensor = np.asarray(data).view(cls)
        tensor.trainable = trainable
        return tensor

    def __array_finalize__(self, source: np.ndarray | None) -> None:
        # NumPy calls this for each new array, also for slices and results, which inherit the mark.
        self.trainable = getattr(source, "trainable", True)


class Callable(ABC):
    """Something with a forward function."""

    def __call__(self, *args: object, **kwargs: object) -> Tensor:
        """Computes `forward` of the arguments, as a Tensor."""
        return Tensor(self.forward(*args, **kwargs))

    @abstractmethod
    def forward(self, *args: object, **kwargs: object) -> np.ndarray:
        """Computes the outputs."""


class Diffable(Callable):
    """A callable that can be differentiated. A call remembers its inputs and outputs for that.

    Attributes:
        inputs: Positional arguments of the last call.
        outputs: What it returned.
    """

    tape: GradientTape | None = None  # where calls are recorded at present; one for all Diffables
    inputs: tuple
    outputs: Tensor

    def __call__(self, *args: object, **kwargs: object) -> Tensor:
        """Computes the outputs, remembers what the gradients need, and tells the tape."""
        self.inputs = args
        self.outputs = super().__call__(*args, **kwargs)
        if Diffable.tape is not None:
            Diffable.tape.operations.append(self)
        return self.outputs

    @property
    def weights(self) -> Sequence[Tensor]:
        """All weights, trainable or not."""
        return ()

    @abstractmethod
    def input_gradients(self) -> np.ndarray:
        """The Jacobian of the outputs with respect to the inputs, at the last call.

        Returns:
            `(s, d)` where it is the same for all samples, else `(B, s, d)`. Entry [i, o]: output o by input i.
        """

    def weight_gradients(self) -> Sequence[np.ndarray]:
        """What an output changes with each weight that leads to it, at the last call.

        Returns:
            An array for each of `weights`, in their order, that broadcasts to `(B, *weight.shape)`. Entry [b, i, o]
            of a weight `(s, d)`: derivative of output o of sample b by weight [i, o], which reaches no other output.
        """
        return ()

    def compose_to_input(self, J: np.ndarray) -> np.ndarray:
        """Takes the gradient of the loss one step back, from outputs to inputs: the chain rule.

        Args:
            J: Gradient with respect to the outputs, `(B, d)`.

        Returns:
            Gradient with respect to the inputs, `(B, s)`.
        """
        # TODO 1.1: Input i moves all outputs: sum over o of jacobian[i, o] * J[b, o].
        #     `input_gradients` has two possible shapes. No loop is needed: a matrix product for the one, a stack of
        #     them (`@` or np.einsum) for the other.
        raise NotImplementedError("Task 1.1: The chain rule: compose_to_input, compose_to_weight")

    def compose_to_weight(self, J: np.ndarray) -> list[np.ndarray]:
        """The gradient of the mean loss of the batch with respect to each weight.

        Args:
            J: Gradient with respect to the outputs, `(B, d)`.

        Returns:
            A mean over the batch for each of `weights`, in their order and of their shapes.
        """
        # TODO 1.1: Row b of J times entry b of a weight's gradient, and the mean over b. Give J axes of length 1 where
        #     needed. That is right, but fills B * s * d numbers for a weight (s, d): a matrix product can avoid it.
        raise NotImplementedError("Task 1.1: The chain rule: compose_to_input, compose_to_weight")


class GradientTape:
    """Records each Diffable that is called while the tape is on, to go back through them afterwards.

        with GradientTape() as tape:
            loss = loss_fn(layer(x), y)
        gradients = tape.gradient()

    The operations form a chain: each is called with the result of the one before, none is called twice, and the loss
    comes last.

    Attributes:
        operations: The calls so far, in their order.
    """

    def __init__(self) -> None:
        self.operations: list[Diffable] = []

    def __enter__(self) -> GradientTape:
        Diffable.tape = self
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        Diffable.tape = None

    def gradient(self) -> list[np.ndarray]:
        """Goes back from the loss to the first operation.

        Returns:
            The gradient of the loss with respect to each trainable weight, with the weight's shape: layers in the order
            of their calls, weights in the order of `weights`. It is the order of `Model.trainable_variables`.
        """
        # TODO 1.2: The loss comes last: its `input_gradients` is the first J, `(B, d)`.
        #     Then layer by layer, backwards: first the layer's weights with J, then J for the layer before it.
        #     Whoever collects from the back must put things in front.
        raise NotImplementedError("Task 1.2: The gradient tape")
