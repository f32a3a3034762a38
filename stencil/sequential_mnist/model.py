"""The tuned model: a fast recurrent layer, batch normalization of its last state, a linear readout.

Sizes: B images, T time steps, D features, U units, 10 classes.
"""

from __future__ import annotations

import keras
import tensorflow as tf

CLASSES = 10
MOMENTUM = 0.9  # Keras' 0.99 would take hundreds of steps to forget where its averages began


def build_model(
    cell: str,
    units: int,
    num_steps: int,
    num_features: int,
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
) -> keras.Model:
    """Makes the model, with its weights.

    Args:
        cell: "lstm" or "gru".
        units: U.
        num_steps: T.
        num_features: D.
        dropout: The share of inputs that is left out in training.
        recurrent_dropout: The share of a state's units that the next step does not see, in training. Which units those
            are is drawn once for each sequence and holds for all its steps; the readout sees them all. Gal & Ghahramani
            (2016), "A theoretically grounded application of dropout in recurrent neural networks".

    Returns:
        A model from `(B, T, D)` float32 to logits `(B, 10)`.

    Raises:
        ValueError: `cell` is something else.
    """
    # TODO 3.1: keras.Input, one of Keras' two layers, BatchNormalization, Dense, keras.Model; or a model class of your
    #     own.
    #     Which initializers do the layers take, and for which of their weights? The readout has no activation.
    #     Task 3.2: Keras' layers take two rates of dropout.
    raise NotImplementedError("Task 3.1: The tuned model")
