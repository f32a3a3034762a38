def scale(x):
    "Zürich"
    return x * 2 + 1
