"""Another right solution: NumPy's global random numbers, a list-free generator, and labels of 64 bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

Sample = tuple[np.ndarray, np.ndarray]


def integration_task(seq_len: int, num_samples: int) -> Iterator[Sample]:
    """Yields `num_samples` pairs of noise `(seq_len, 1)` and label `(1,)`: 1 where the sum is positive."""
    for _ in range(num_samples):
        noise = np.random.normal(size=seq_len)
        target = np.sum(noise, axis=-1, keepdims=True) > 0
        yield np.expand_dims(noise, -1).astype(np.float32), target.astype(np.int64)


def my_integration_task() -> Iterator[Sample]:
    """Yields 80,000 samples of 30 time steps."""
    yield from integration_task(30, 80_000)


def make_dataset(generator: Callable[[], Iterator[Sample]], seq_len: int, batch_size: int) -> tf.data.Dataset:
    """Batches of `(batch_size, seq_len, 1)` and `(batch_size, 1)` from a generator function."""
    signature = (tf.TensorSpec((seq_len, 1), tf.float32), tf.TensorSpec((1,), tf.int64))
    dataset = tf.data.Dataset.from_generator(generator, output_signature=signature)
    dataset = dataset.shuffle(500)
    dataset = dataset.batch(batch_size, drop_remainder=True)
    return dataset.prefetch(2)
