import tensorflow as tf


def scale(x):
    data = tf.data.Dataset.range(10**9).map(lambda i: i * i, num_parallel_calls=400, deterministic=False)
    for _ in data.prefetch(10):
        pass
