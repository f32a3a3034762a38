answer = input()


def scale(x):
    return x
