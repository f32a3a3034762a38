import numpy as np


def scale(x):
    return np.array([1, "a", None], dtype=object)
