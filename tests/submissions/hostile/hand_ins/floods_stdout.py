import os


def scale(x):
    for _ in range(3200):
        os.write(1, b"x" * 65536)
    return x * 2 + 1
