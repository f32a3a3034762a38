def ѕcale(x):  # the first letter is Cyrillic
    return x * 2 + 1
