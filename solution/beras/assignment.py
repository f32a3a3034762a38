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
        # BEGIN SOLUTION 7.2
        # HINT Call the layers (`layer(x)`, not `layer.forward(x)`: only calls are recorded), one after the other.
        x = inputs
        for layer in self.layers:
            x = layer(x)
        return x
        # END SOLUTION

    def batch_step(self, x: np.ndarray, y: np.ndarray, training: bool = True) -> Metrics:
        """Predicts a batch and, if training, learns from it; see `Model.batch_step`."""
        # BEGIN SOLUTION 7.2
        # HINT Predictions and loss under a GradientTape; then the gradients, and the optimizer that `compile` noted.
        # HINT When not training, no weight may change, nor anything in the optimizer.
        with GradientTape() as tape:
            predictions = self(x)
            loss = self.loss_fn(predictions, y)
        if training:
            self.optimizer.apply_gradients(self.trainable_variables, tape.gradient())
        return {"loss": float(loss), "acc": float(self.acc_fn(predictions, y))}
        # END SOLUTION


# BEGIN SOLUTION 8.2
class DecayingAdam(Adam):
    """Adam with a learning rate that falls linearly, to a hundredth, as `keras.optimizers.schedules.PolynomialDecay`.

    Args:
        learning_rate: At the first step.
        steps: After how many the hundredth is reached; from then on it stays.
    """

    def __init__(self, learning_rate: float, steps: int) -> None:
        super().__init__(learning_rate)
        self.first = learning_rate
        self.steps = steps

    def apply_gradients(self, weights: Sequence[np.ndarray], grads: Sequence[np.ndarray]) -> None:
        self.learning_rate = self.first * max(0.01, 1 - self.t / self.steps)
        super().apply_gradients(weights, grads)


# END SOLUTION


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
    # BEGIN SOLUTION 8.2
    # HINT All settings stand in here. Adam with a low learning rate is a good start.
    layers = [Dense(784, 256), LeakyReLU(0.01), Dense(256, 128), LeakyReLU(0.01), Dense(128, 10), Softmax()]
    model = SequentialModel(layers)
    # Ten epochs of the whole MNIST are 2,350 steps.
    optimizer = DecayingAdam(2e-3, steps=2350)
    model.compile(optimizer=optimizer, loss_fn=CategoricalCrossentropy(), acc_fn=CategoricalAccuracy())
    return SimpleNamespace(model=model, epochs=10, batch_size=256)
    # END SOLUTION


def main() -> None:
    """Trains on the training images alone, draws figures, and prints the accuracy on the test images last."""
    train_inputs, train_labels, test_inputs, test_labels = load_and_preprocess_data()
    is_graduate = (FOLDER / "2470student").exists()
    components = get_advanced_model_components() if is_graduate else get_simple_model_components()
    # BEGIN SOLUTION 8.3
    # HINT Encode the labels: one encoder for both sets. Fit with the components' epochs and batch size. Evaluate.
    # HINT The figures are optional: `visualize_metrics` and `visualize_images`. The accuracy is printed last.
    encoder = OneHotEncoder()
    model = components.model
    history = model.fit(train_inputs, encoder(train_labels), components.epochs, components.batch_size)
    visualize_metrics(history["loss"], history["acc"], FOLDER / "runs" / "metrics.png")
    visualize_images(model, test_inputs, test_labels, FOLDER / "runs" / "images.png")
    result = model.evaluate(test_inputs, encoder(test_labels), components.batch_size)
    print(f"test accuracy {result['acc']:.4f}")
    # END SOLUTION


if __name__ == "__main__":
    main()
