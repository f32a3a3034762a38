import numpy as np


def scale(x):
    while True:
        square = np.random.rand(1500, 1500)
        square @ square
