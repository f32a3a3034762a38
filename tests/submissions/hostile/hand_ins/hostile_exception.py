class Hostile(BaseException):
    def __str__(self):
        raise SystemExit(0)

    __repr__ = __str__


def scale(x):
    raise Hostile
