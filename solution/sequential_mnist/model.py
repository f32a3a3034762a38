"""The tuned model: a fast recurrent layer, batch normalization of its last state, a linear readout.

Sizes: B images, T time steps, D features, U units, 10 classes.
"""

from __future__ import annotations

import keras
import tensorflow as tf

CLASSES = 10
MOMENTUM = 0.9  # Keras' 0.99 would take hundreds of steps to forget where its averages began


# BEGIN SOLUTION 3.1
class LongMemory(keras.initializers.Initializer):
    """Biases of a GRU whose update gates start out with time constants of 1 to T steps.

    A unit whose update gate is z keeps a share z of its state in each step, so it remembers about 1 / (1 - z) steps.
    Tallec & Ollivier (2018), "Can recurrent neural networks warp time?", section 3.

    Args:
        num_steps: T.
        seed: Of the time constants.
    """

    def __init__(self, num_steps: int, seed: int = 1) -> None:
        self.num_steps = num_steps
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
        """The biases, `(2, 3U)`: for inputs and state, of the update gate, the reset gate and the candidate each."""
        units = shape[-1] // 3
        steps = tf.random.stateless_uniform((units,), (self.seed, self.num_steps), 1, max(2, self.num_steps))
        inputs = tf.concat([tf.math.log(steps), tf.zeros(2 * units)], axis=0)
        return tf.cast(tf.stack([inputs, tf.zeros(3 * units)]), dtype or "float32")

    def get_config(self) -> dict[str, int]:
        """The arguments, for Keras to save."""
        return {"num_steps": self.num_steps, "seed": self.seed}


# END SOLUTION


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
    # BEGIN SOLUTION 3.1
    # HINT keras.Input, one of Keras' two layers, BatchNormalization, Dense, keras.Model; or a model class of your own.
    # HINT Which initializers do the layers take, and for which of their weights? The readout has no activation.
    # HINT Task 3.2: Keras' layers take two rates of dropout.
    layers = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
    if cell not in layers:
        raise ValueError(f"cell is {cell!r}; expected one of {', '.join(layers)}")
    options = {"bias_initializer": LongMemory(num_steps)} if cell == "gru" else {}
    recurrent = layers[cell](
        units,
        kernel_initializer="orthogonal",
        recurrent_initializer="orthogonal",
        dropout=dropout,
        recurrent_dropout=recurrent_dropout,
        **options,
    )
    x = keras.Input((num_steps, num_features))
    h = keras.layers.BatchNormalization(momentum=MOMENTUM)(recurrent(x))
    logits = keras.layers.Dense(CLASSES, kernel_initializer="orthogonal", name="readout")(h)
    return keras.Model(x, logits)
    # END SOLUTION
