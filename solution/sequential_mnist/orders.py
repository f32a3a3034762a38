"""Three orders in which a recurrent network reads an image: by rows, by pixels, by pixels in a shuffled order.

Sizes: B images, T time steps, D features of a time step. Images are `(B, 28, 28)` float32, sequences `(B, T, D)`.
"""

from __future__ import annotations

import numpy as np

SIDE = 28  # pixels


def row_by_row(images: np.ndarray) -> np.ndarray:
    """One row of the image a time step, from the top down.

    Args:
        images: `(B, 28, 28)` float32.

    Returns:
        `(B, 28, 28)` float32: row i, from left to right, is the input of step i.
    """
    # BEGIN SOLUTION 1.1
    # HINT Which axis of an image is time here, and which one holds the features?
    return np.asarray(images, np.float32)
    # END SOLUTION


def pixel_by_pixel(images: np.ndarray, stride: int = 1) -> np.ndarray:
    """One pixel a time step: the top row from left to right, then the second, and so on.

    Args:
        images: `(B, 28, 28)` float32.
        stride: A divisor of 28. Before anything else each square of `stride` x `stride` pixels becomes one pixel, their
            mean: with 2 an image has 14 x 14 pixels, and a sequence 196 steps.

    Returns:
        `(B, T, 1)` float32 with T = (28 / stride)^2.
    """
    # BEGIN SOLUTION 1.2
    # HINT `reshape` can split an axis in two: (28,) -> (28 / stride, stride). Then a mean over two of the axes.
    if SIDE % stride:
        raise ValueError(f"stride is {stride}; expected a divisor of {SIDE}")
    side = SIDE // stride
    squares = np.asarray(images, np.float32).reshape(-1, side, stride, side, stride)
    return squares.mean(axis=(2, 4)).reshape(-1, side * side, 1)
    # END SOLUTION


def permuted(images: np.ndarray, seed: int = 100, stride: int = 1) -> np.ndarray:
    """The pixels of `pixel_by_pixel`, in one shuffled order that is the same for every image and every call.

    Args:
        images: `(B, 28, 28)` float32; left as they are.
        seed: Decides on the order; whatever else has been drawn before does not.
        stride: As of `pixel_by_pixel`; the pixels are shuffled after they were averaged.

    Returns:
        `(B, T, 1)` float32 with T = (28 / stride)^2.
    """
    # BEGIN SOLUTION 1.3
    # HINT Draw an order of T numbers from a generator of your own that starts from `seed`, then index with it.
    # HINT Shuffling the pixels themselves would change `images`, or shuffle each image in another way.
    pixels = pixel_by_pixel(images, stride)
    order = np.random.default_rng(seed).permutation(pixels.shape[1])
    return pixels[:, order]
    # END SOLUTION
