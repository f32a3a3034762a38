"""Calls the one function of the toy; with a tensor where TensorFlow is loaded."""

import sys


def scale(x):
    tensorflow = sys.modules.get("tensorflow")
    import hw

    return hw.scale(x if tensorflow is None else tensorflow.constant(x))


def alive():
    return True
