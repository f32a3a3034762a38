"""Windows of a dataset, integer totals without a last axis, a generator's running sum."""

from itertools import accumulate

import numpy as np
import tensorflow as tf


def alternating_targets(labels: list, sequence_len: int) -> np.ndarray:
    """Running totals, by cumulative sums."""
    digits = np.array(list(labels), dtype=np.int64)
    signs = np.where(np.arange(len(digits)) % sequence_len % 2, -1, 1)
    parts = [list(accumulate(part)) for part in np.split(digits * signs, range(sequence_len, len(digits), sequence_len))]
    return np.concatenate(parts)


def make_dataset(
    images: np.ndarray, labels: np.ndarray, sequence_len: int, batch_size: int, training: bool
) -> tf.data.Dataset:
    """Batches (B, T, 28, 28, 1) with totals (B, T)."""
    dataset = tf.data.Dataset.zip(
        (
            tf.data.Dataset.from_tensor_slices(images),
            tf.data.Dataset.from_tensor_slices(alternating_targets(labels, sequence_len)),
        )
    )
    windows = dataset.window(sequence_len, drop_remainder=True)
    sequences = windows.flat_map(
        lambda x, y: tf.data.Dataset.zip((x.batch(sequence_len), y.batch(sequence_len)))
    )
    if training:
        sequences = sequences.shuffle(500)
    sequences = sequences.batch(batch_size, drop_remainder=training)

    def prepare(x, y):
        x = tf.reshape(tf.cast(x, tf.float32), (-1, sequence_len, 28, 28, 1))
        return x / 127.5 - 1, tf.reshape(y, (-1, sequence_len))

    return sequences.map(prepare, num_parallel_calls=2)
