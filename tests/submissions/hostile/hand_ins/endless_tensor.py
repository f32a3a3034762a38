class Tensor:
    def numpy(self):
        while True:
            pass


def scale(x):
    return Tensor()
