def scale(x):
    return {"answer": [None, True, "x", (1, 2)]}
