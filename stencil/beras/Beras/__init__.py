"""Beras: a miniature Keras in NumPy."""

from Beras.core import Callable, Diffable, GradientTape, Tensor, set_seed
from Beras.model import Model

__all__ = ["Callable", "Diffable", "GradientTape", "Model", "Tensor", "set_seed"]
