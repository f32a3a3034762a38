"""Sequences of digits and their totals."""

import numpy as np
import tensorflow as tf


def alternating_targets(labels, sequence_len: int) -> list:
    """Running totals.

    labels (iterable of int): the digits.
    """
    digits = [int(label) for label in labels]
    totals = []
    for start in range(0, len(digits), sequence_len):
        total = 0
        for position, digit in enumerate(digits[start : start + sequence_len]):
            if position % 2 == 0:
                total = total + digit
            else:
                total = total - digit
            totals.append(total)
    return totals


def make_dataset(
    images: np.ndarray, labels: np.ndarray, sequence_len: int, batch_size: int, training: bool
) -> tf.data.Dataset:
    """Scaled sequences (B, T, 28, 28, 1) with their totals (B, T, 1)."""
    totals = np.array(alternating_targets(labels, sequence_len), np.float32)
    pairs = tf.data.Dataset.from_tensor_slices((images[..., None], totals[:, None]))
    pairs = pairs.map(lambda image, total: (tf.cast(image, tf.float32) / 255.0, total))
    sequences = pairs.batch(sequence_len, drop_remainder=True)
    if training:
        sequences = sequences.shuffle(2000)
    return sequences.batch(batch_size).prefetch(2)
