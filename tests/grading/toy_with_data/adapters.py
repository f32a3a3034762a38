"""Calls the toy's functions."""


def mean(x):
    import means

    return means.mean(x)


def median(x):
    import means

    return means.median(x)


def train(rounds, images, labels, seed):
    return {"rounds": rounds, "shape": images.shape, "labels": len(labels)}
