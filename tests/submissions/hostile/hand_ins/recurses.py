def scale(x):
    return scale(x)
