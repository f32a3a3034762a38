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
    # BEGIN SOLUTION 1.1
    # HINT Draw one signal a turn and `yield` it: nothing is stored, however many there are.
    # HINT The `size` of a draw may be a tuple, so the last axis can be there from the start.
    # HINT NumPy draws float64 and compares to booleans; see above which dtypes are wanted.
    rng = np.random.default_rng()
    for _ in range(num_samples):
        noise = rng.standard_normal((seq_len, 1), dtype=np.float32)
        yield noise, (noise.sum(axis=0) > 0).astype(np.int32)
    # END SOLUTION


def my_integration_task() -> Iterator[Sample]:
    """The task at its full size, to be called without arguments, once for every epoch.

    Yields:
        `NUM_SAMPLES` pairs `(noise, label)` as in `integration_task`, of `SEQ_LEN` time steps.
    """
    # BEGIN SOLUTION 1.2
    # HINT Yield what the generator above yields. `yield from` does it in one line, a loop in two.
    yield from integration_task(SEQ_LEN, NUM_SAMPLES)
    # END SOLUTION


def make_dataset(generator: Callable[[], Iterator[Sample]], seq_len: int, batch_size: int) -> tf.data.Dataset:
    """Turns a generator into a shuffled, batched and prefetched dataset.

    Args:
        generator: Called without arguments at the start of each epoch; yields pairs as `integration_task` does.
        seq_len: T, the number of time steps of its signals.
        batch_size: B, the signals in a batch; the last batch may hold fewer.

    Returns:
        A dataset of `(noise, label)`: `(B, T, 1)` float32 and `(B, 1)` int32.
    """
    # BEGIN SOLUTION 1.3
    # HINT `from_generator` wants to know what comes: `output_signature`, a tf.TensorSpec for noise and label each.
    # HINT Then shuffle, batch and prefetch. Should whole batches be shuffled, or samples?
    # HINT Each item that crosses from Python to TensorFlow costs about 0.1 ms, be it one sample or a stack of them.
    chunk_size = 500

    def chunks() -> Iterator[Sample]:
        samples = iter(generator())
        while chunk := [sample for _, sample in zip(range(chunk_size), samples, strict=False)]:
            noise, labels = zip(*chunk, strict=True)
            yield np.stack(noise), np.stack(labels)

    signature = (
        tf.TensorSpec(shape=(None, seq_len, 1), dtype=tf.float32),
        tf.TensorSpec(shape=(None, 1), dtype=tf.int32),
    )
    # In chunks, since an item that leaves Python costs as much as drawing some twenty signals, whatever its size.
    samples = tf.data.Dataset.from_generator(chunks, output_signature=signature).unbatch()
    return samples.shuffle(SHUFFLE_BUFFER).batch(batch_size).prefetch(tf.data.AUTOTUNE)
    # END SOLUTION
