import faulthandler

faulthandler.disable()


def scale(x):
    while True:
        pass
