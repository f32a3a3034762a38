class Meta(type):
    @property
    def __name__(cls):
        raise KeyboardInterrupt


class Lying(Exception, metaclass=Meta):
    @property
    def __class__(self):
        raise SystemExit(0)


def scale(x):
    raise Lying("x")
