"""The assignment: a model out of Beras's parts, trained on MNIST.

    python assignment.py

With a file `2470student` beside this one it takes the advanced model, else the simple one. It writes
`runs/metrics.png` and `runs/images.png`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

# Matrices this small gain little from a second core, and lose much waiting for it when it is busy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from Beras.activations import LeakyReLU, Softmax
from Beras.core import GradientTape, Tensor
from Beras.layers import Dense
from Beras.losses import CategoricalCrossentropy, MeanSquaredError
from Beras.metrics import CategoricalAccuracy
from Beras.model import Metrics, Model
from Beras.onehot import OneHotEncoder
from Beras.optimizers import Adam, BasicOptimizer
from preprocess import load_and_preprocess_data
from visualize import visualize_images, visualize_metrics

FOLDER = Path(__file__).resolve().parent


class SequentialModel(Model):
    """A stack of layers: what one returns, the next one takes."""

    def call(self, inputs: np.ndarray) -> Tensor:
        """Predicts: `(B, s)` goes in at the first layer, `(B, n)` comes out of the last."""
        # TODO 7.2: Call the layers (`layer(x)`, not `layer.forward(x)`: only calls are recorded), one after the other.
        raise NotImplementedError("Task 7.2: The sequential model")

    def batch_step(self, x: np.ndarray, y: np.ndarray, training: bool = True) -> Metrics:
        """Predicts a batch and, if training, learns from it; see `Model.batch_step`."""
        # TODO 7.2: Predictions and loss under a GradientTape; then the gradients, and the optimizer that `compile`
        #     noted.
        #     When not training, no weight may change, nor anything in the optimizer.
        raise NotImplementedError("Task 7.2: The sequential model")


def get_simple_model_components() -> SimpleNamespace:
    """A model of one layer. Given: play with it as you like, grading uses it as it is here.

    Returns:
        `model` (compiled), `epochs`, `batch_size`.
    """
    model = SequentialModel([Dense(784, 10), LeakyReLU()])
    model.compile(optimizer=BasicOptimizer(0.1), loss_fn=MeanSquaredError(), acc_fn=CategoricalAccuracy())
    return SimpleNamespace(model=model, epochs=10, batch_size=100)


def get_advanced_model_components() -> SimpleNamespace:
    """A model of two or more Dense layers and two or more activations, for more than 95 % on the test images.

    Returns:
        `model` (compiled), `epochs`, `batch_size`.
    """
    # TODO 8.2: All settings stand in here. Adam with a low learning rate is a good start.
    raise NotImplementedError("Task 8.2: The advanced model")


def main() -> None:
    """Trains on the training images alone, draws figures, and prints the accuracy on the test images last."""
    train_inputs, train_labels, test_inputs, test_labels = load_and_preprocess_data()
    is_graduate = (FOLDER / "2470student").exists()
    components = get_advanced_model_components() if is_graduate else get_simple_model_components()
    # TODO 8.3: Encode the labels: one encoder for both sets. Fit with the components' epochs and batch size. Evaluate.
    #     The figures are optional: `visualize_metrics` and `visualize_images`. The accuracy is printed last.
    raise NotImplementedError("Task 8.3: The whole program")


if __name__ == "__main__":
    main()
