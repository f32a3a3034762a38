import os
import threading


def chatter():
    while True:
        os.write(2, b"noise " * 100)


threading.Thread(target=chatter, daemon=True).start()


def scale(x):
    return x * 2 + 1
