"""Calls the toy's functions."""

kept = {}


def double(x):
    import numbers_

    return numbers_.double(x)


def halve(x):
    import numbers_

    return numbers_.halve(x)


def both(x):
    import numbers_

    return numbers_.both(x)


def is_documented():
    import numbers_

    return bool(numbers_.double.__doc__)


def train(steps, seed):
    import numbers_

    kept["weight"] = numbers_.double(steps)
    return {"curve": {"title": "toy", "series": {"loss": [3.0, 2.0, 1.0]}}, "seed": seed}


def weight():
    return kept["weight"]


def share():
    import numbers_

    return getattr(numbers_, "SHARE", 1.0)
