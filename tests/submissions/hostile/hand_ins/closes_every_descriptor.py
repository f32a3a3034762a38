import os


def scale(x):
    os.closerange(0, 256)
    return x
