import ctypes
import os
import signal
import time


def scale(x):
    """A POSIX timer may send SIGKILL to its own process."""
    libc = ctypes.CDLL(None, use_errno=True)
    event = (ctypes.c_int * 16)(0, 0, signal.SIGKILL, 0)
    timer = ctypes.c_long()
    number = {"x86_64": (222, 223), "aarch64": (107, 110)}[os.uname().machine]
    if libc.syscall(number[0], 1, event, ctypes.byref(timer)) != 0:
        raise PermissionError("no timer")
    libc.syscall(number[1], timer, 0, (ctypes.c_long * 4)(0, 0, 0, 1000), None)
    time.sleep(5)
