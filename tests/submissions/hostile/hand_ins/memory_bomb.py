def scale(x):
    kept = []
    while True:
        kept.append(bytearray(100 << 20))
