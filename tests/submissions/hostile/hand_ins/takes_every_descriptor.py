import os


def scale(x):
    kept = []
    while True:
        kept.append(os.open("/dev/null", os.O_RDONLY))
