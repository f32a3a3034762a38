import tensorflow as tf


@tf.function
def scale(x):
    while tf.reduce_sum(x) < 1e30:
        x = x * 1.0
    return x
