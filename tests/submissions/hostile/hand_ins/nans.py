import numpy as np


def scale(x):
    return np.full(np.shape(x), np.nan, np.float32)
