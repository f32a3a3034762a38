import os
import signal


def scale(x):
    os.kill(os.getpid(), signal.SIGSTOP)
