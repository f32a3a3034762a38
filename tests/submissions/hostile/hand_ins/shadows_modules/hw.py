import random
import typing

import numpy as np


def scale(x: typing.Any) -> typing.Any:
    random.random()
    return x * np.float32(2) + np.float32(1)
