"""Sequences of MNIST digits, and their running totals: the first digit is added, the second subtracted, and so on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

SEED = 1  # of the shuffling: the order of the n-th pass is the same in each run of the program


def alternating_targets(labels: Iterable[int], sequence_len: int) -> list[int]:
    """Adds and subtracts digits in turn, and starts anew at the beginning of each sequence.

    Args:
        labels: Digits, in the order of their images; a list, an array, or anything else that can be iterated over once.
        sequence_len: T, the digits in a sequence. The first of a sequence is added, the second subtracted, and so on.

    Returns:
        The running totals, one for each label: 4, 1, 0, 7, 2, 5 in sequences of 3 give 4, 3, 3, 7, 5, 10.
    """
    # BEGIN SOLUTION 1.1
    # HINT The sign follows the position in the sequence: `i % sequence_len`, and not i itself.
    # HINT MNIST's labels are uint8, in which 1 - 7 is 250: make each an int before you calculate.
    totals: list[int] = []
    total = 0
    for i, label in enumerate(labels):
        position = i % sequence_len
        if position == 0:
            total = 0
        total += int(label) if position % 2 == 0 else -int(label)
        totals.append(total)
    return totals
    # END SOLUTION


def make_dataset(
    images: np.ndarray, labels: np.ndarray, sequence_len: int, batch_size: int, training: bool
) -> tf.data.Dataset:
    """Makes batches of image sequences with their running totals.

    Args:
        images: `(N, 28, 28)` uint8. The first T of them are the first sequence, the next T the second, and so on; what
            is left over at the end is dropped.
        labels: `(N,)` uint8, the digits.
        sequence_len: T, the images in a sequence.
        batch_size: B, the sequences in a batch.
        training: Whether the sequences are shuffled, anew in each pass. Without it they keep their order, and none is
            left out.

    Returns:
        A dataset of `(x, y)`: images `(B, T, 28, 28, 1)` float32 scaled to [0, 1], and totals `(B, T, 1)` float32.
    """
    # BEGIN SOLUTION 1.2
    # HINT First sequences, then shuffling, then batches. Shuffled earlier, images lose their totals.
    # HINT Sequences: reshape the arrays before `from_tensor_slices`, or use `.batch(sequence_len, drop_remainder=True)`
    # HINT on a dataset of single images (`.window()` gives datasets of datasets, which you would have to flatten).
    # HINT A buffer as long as the dataset shuffles all of it. Scale what is batched: one call for many images.
    count = len(images) // sequence_len
    used = count * sequence_len
    x = np.reshape(images[:used], (count, sequence_len, 28, 28, 1))
    y = np.reshape(alternating_targets(labels[:used], sequence_len), (count, sequence_len, 1))

    def scale(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(x, tf.float32) / 255, tf.cast(y, tf.float32)

    dataset = tf.data.Dataset.from_tensor_slices((x, y))
    if training:
        dataset = dataset.shuffle(count, seed=SEED)
    dataset = dataset.batch(batch_size)
    if training:
        # New random numbers in each pass, which follow from the seed and the number of the pass, as the order does.
        seeds = tf.data.Dataset.random(SEED, rerandomize_each_iteration=True)
        dataset = tf.data.Dataset.zip(dataset, seeds.batch(2)).map(lambda pair, seed: (shift(pair[0], seed), pair[1]))
    # Images stay bytes up to here: a quarter of the memory, and a quarter to shuffle.
    return dataset.map(scale).prefetch(tf.data.AUTOTUNE)
    # END SOLUTION


# BEGIN SOLUTION 1.2
SHIFT = 1  # pixels


def shift(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Moves each image by up to `SHIFT` pixels in both directions: a digit stays what it is, and never looks the same.

    Args:
        images: `(B, T, 28, 28, 1)` uint8.
        seed: `(2,)` int64; the same one moves them the same way.

    Returns:
        Images of the same shape and dtype; what comes in at the edges is 0.
    """
    flat = tf.pad(tf.reshape(images, (-1, 28, 28)), ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))
    start = tf.random.stateless_uniform((2, tf.shape(flat)[0], 1), seed, 0, 2 * SHIFT + 1, tf.int32)
    rows, columns = tf.unstack(start + tf.range(28))
    flat = tf.gather(tf.gather(flat, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)
    return tf.reshape(flat, tf.shape(images))


# END SOLUTION
