import tensorflow as tf


def scale(x):
    return tf.zeros((1 << 20, 1 << 20)) + x[0]
