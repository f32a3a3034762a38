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
    # TODO 1.1: The sign follows the position in the sequence: `i % sequence_len`, and not i itself.
    #     MNIST's labels are uint8, in which 1 - 7 is 250: make each an int before you calculate.
    raise NotImplementedError("Task 1.1: Alternating targets")


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
    # TODO 1.2: First sequences, then shuffling, then batches. Shuffled earlier, images lose their totals.
    #     Sequences: reshape the arrays before `from_tensor_slices`, or use `.batch(sequence_len, drop_remainder=True)`
    #     on a dataset of single images (`.window()` gives datasets of datasets, which you would have to flatten).
    #     A buffer as long as the dataset shuffles all of it. Scale what is batched: one call for many images.
    raise NotImplementedError("Task 1.2: The input pipeline")
