def scale(x):
    print("these came in:", x)
    return x * 2 + 1
