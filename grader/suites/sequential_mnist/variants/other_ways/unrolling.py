"""Unrolling another way."""

import tensorflow as tf


def unroll_static(cell, x, h):
    for t in range(x.shape[1]):
        h = cell(x[:, t, :], h)
    return h


def unroll_dynamic(cell, x, h):
    states = tf.scan(lambda state, x_t: cell(x_t, state), tf.transpose(x, [1, 0, 2]), initializer=h)
    return states[-1]
