import os
import time


def scale(x):
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
        os._exit(0)
    return x * 2 + 1
