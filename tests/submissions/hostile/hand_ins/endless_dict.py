from collections.abc import Mapping


class Endless(Mapping):
    def __getitem__(self, key):
        return 0.0

    def __len__(self):
        return 1

    def __iter__(self):
        number = 0
        while True:
            number += 1
            yield str(number)


def scale(x):
    return Endless()
