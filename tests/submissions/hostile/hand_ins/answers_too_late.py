import time


def scale(x):
    time.sleep(30)
    return x * 2 + 1
