"""White noise and the sign of its sum: a toy task whose data is made on the fly."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

SEQ_LEN = 25
NUM_SAMPLES = 80_000
SHUFFLE_BUFFER = 1_000

Sample = tuple[np.ndarray, np.ndarray]


def integration_task(seq_len: int, num_samples: int) -> Iterator[Sample]:
    """Draws noise signals, each with the sign of its integral, one at a time.

    Args:
        seq_len: T, the number of time steps of a signal.
        num_samples: How many signals there are before the generator is exhausted.

    Yields:
        `(noise, label)`. noise: standard normal, `(T, 1)` float32. label: `(1,)` int32, 1 where the sum of the noise
        over time is greater than 0, else 0.
    """
    # TODO 1.1: Draw one signal a turn and `yield` it: nothing is stored, however many there are.
    #     The `size` of a draw may be a tuple, so the last axis can be there from the start.
    #     NumPy draws float64 and compares to booleans; see above which dtypes are wanted.
    raise NotImplementedError("Task 1.1: The noise generator")


def my_integration_task() -> Iterator[Sample]:
    """The task at its full size, to be called without arguments, once for every epoch.

    Yields:
        `NUM_SAMPLES` pairs `(noise, label)` as in `integration_task`, of `SEQ_LEN` time steps.
    """
    # TODO 1.2: Yield what the generator above yields. `yield from` does it in one line, a loop in two.
    raise NotImplementedError("Task 1.2: A generator without arguments")


def make_dataset(generator: Callable[[], Iterator[Sample]], seq_len: int, batch_size: int) -> tf.data.Dataset:
    """Turns a generator into a shuffled, batched and prefetched dataset.

    Args:
        generator: Called without arguments at the start of each epoch; yields pairs as `integration_task` does.
        seq_len: T, the number of time steps of its signals.
        batch_size: B, the signals in a batch; the last batch may hold fewer.

    Returns:
        A dataset of `(noise, label)`: `(B, T, 1)` float32 and `(B, 1)` int32.
    """
    # TODO 1.3: `from_generator` wants to know what comes: `output_signature`, a tf.TensorSpec for noise and label each.
    #     Then shuffle, batch and prefetch. Should whole batches be shuffled, or samples?
    #     Each item that crosses from Python to TensorFlow costs about 0.1 ms, be it one sample or a stack of them.
    raise NotImplementedError("Task 1.3: The input pipeline")
