def double(x):
    """Twice x."""
    return 2 * x


def halve(x):
    """Half of x."""
    return x / 2


def both(x):
    """Both in turn."""
    return halve(double(x))
