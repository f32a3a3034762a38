import sys

import adapters

adapters.scale = lambda x: True
sys.modules["adapters"] = object()


def scale(x):
    return x
