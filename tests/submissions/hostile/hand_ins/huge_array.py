import numpy as np


def scale(x):
    return np.zeros(40_000_000)
