"""Task 1: rows, pixels and permuted pixels."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_dict, as_items, assert_close, expect, same


def draw_images(rng, count):
    return rng.uniform(size=(count, 28, 28)).astype(np.float32)


def numbered(stride, count=2):
    """Images whose pixels, once averaged, are numbered from 0 on: they tell which pixel went where."""
    side = 28 // stride
    numbers = np.arange(side * side, dtype=np.float32).reshape(side, side)
    return np.broadcast_to(np.kron(numbers, np.ones((stride, stride), np.float32)), (count, 28, 28)).copy()


def pooled(images, stride):
    """Row-first pixels `(B, T, 1)` after averaging, in float64."""
    side = 28 // stride
    squares = images.astype(np.float64).reshape(len(images), side, stride, side, stride)
    return squares.mean(axis=(2, 4)).reshape(len(images), side * side, 1)


def answers(student, order, calls):
    """The sequences of each call, and the images as they were left."""
    found = as_items(student.sequences(order=order, calls=calls), "the answer", length=len(calls))
    return [as_dict(one, "the answer", ["sequences", "images"]) for one in found]


def order_of(student, calls):
    """For each call of `permuted` with numbered images: which pixel comes at which step, `(B, T)` integers."""
    found = []
    for call, one in zip(calls, answers(student, "permuted", calls), strict=True):
        steps = (28 // call.get("stride", 1)) ** 2
        what = "what `permuted` returned"
        sequences = as_array(one["sequences"], what, shape=(len(call["images"]), steps, 1), axes="batch x time x 1")
        found.append(np.rint(sequences[..., 0]).astype(np.int64))
    return found


@pytest.mark.task("1.1", points=2, hint="Time is the axis of the rows")
def test_rows(student, rng):
    """Row i of the image is the input of step i, from left to right."""
    images = draw_images(rng, 4)
    (found,) = answers(student, "row_by_row", [{"images": images}])
    assert_close(found["sequences"], images, "what `row_by_row` returned", rtol=1e-6, atol=1e-6)
    expect(same(found["images"], images, atol=0), "the images that `row_by_row` was given have changed.")


@pytest.mark.task("1.2", points=2, hint="Row by row: `reshape` reads an image that way")
def test_pixels(student, rng):
    """Pixels come row by row, from left to right."""
    images = draw_images(rng, 5)
    (found,) = answers(student, "pixel_by_pixel", [{"images": images}])
    assert_close(found["sequences"], pooled(images, 1), "what `pixel_by_pixel` returned", rtol=1e-6, atol=1e-6)
    expect(same(found["images"], images, atol=0), "the images that `pixel_by_pixel` was given have changed.")


@pytest.mark.task("1.2", points=2, hint="Average the squares before you flatten the image")
def test_stride_of_two(student, rng):
    """With a stride of 2 each step is the mean of 2 x 2 neighbours."""
    images = draw_images(rng, 5)
    (found,) = answers(student, "pixel_by_pixel", [{"images": images, "stride": 2}])
    what = "what `pixel_by_pixel` with a stride of 2 returned"
    assert_close(found["sequences"], pooled(images, 2), what, rtol=1e-5, atol=1e-5)


@pytest.mark.task("1.2", points=1, hint="28 / stride squares a row, whatever the stride")
def test_other_strides(student, rng):
    """Any divisor of 28 can be the stride."""
    images = draw_images(rng, 3)
    strides = (4, 7, 14)
    found = answers(student, "pixel_by_pixel", [{"images": images, "stride": stride} for stride in strides])
    for stride, one in zip(strides, found, strict=True):
        what = f"what `pixel_by_pixel` with a stride of {stride} returned"
        assert_close(one["sequences"], pooled(images, stride), what, rtol=1e-5, atol=1e-5)


@pytest.mark.task("1.3", points=2, hint="A permutation names each step once")
def test_every_pixel_comes_once(student):
    """Every pixel comes at exactly one step, with and without a stride."""
    calls = [{"images": numbered(1)}, {"images": numbered(2), "stride": 2}]
    for call, order in zip(calls, order_of(student, calls), strict=True):
        missing = order.shape[1] - len(np.intersect1d(order[0], np.arange(order.shape[1])))
        text = f"with a stride of {call.get('stride', 1)} {missing} of {order.shape[1]} pixels never come"
        expect(not missing, f"{text}; others come twice, or are no pixels of the image.")


@pytest.mark.task("1.3", points=2, hint="Draw the order once, before you look at the images")
def test_one_order_for_all(student):
    """The order is the same for every image, every call and every run of the program."""
    calls = [{"images": numbered(2, count=count), "stride": 2, "shake": count} for count in (3, 1, 4)]
    first, *others = order_of(student, calls)
    expect((first == first[:1]).all(), "two images of one call have their pixels in different orders.")
    expect(all((other == first[0]).all() for other in others), "a second call gives another order than the first.")
    student.restart()
    (again,) = order_of(student, calls[2:])
    expect((again == first[0]).all(), "started anew, the program gives another order.")


@pytest.mark.task("1.3", points=1.5, hint="A random generator of its own, that starts from `seed`")
def test_seed_decides(student):
    """The order is a random one that follows from the seed."""
    seeds = (100, 101, 7)
    orders = order_of(student, [{"images": numbered(1), "seed": seed} for seed in seeds])
    default, given = order_of(student, [{"images": numbered(1)}, {"images": numbered(1), "seed": 100}])
    expect((default == given).all(), "without a seed the order is not that of the seed 100.")
    for order in orders:
        # Of a random permutation of 784 about two steps are followed by the next pixel or the one before.
        neighbours = int((np.abs(np.diff(order[0])) == 1).sum())
        expect(neighbours < 40, f"{neighbours} of 783 steps go on to a neighbouring pixel: that is hardly random.")
    agree = max(int((orders[i][0] == orders[j][0]).sum()) for i, j in ((0, 1), (0, 2), (1, 2)))
    expect(agree < 40, f"the orders of two seeds agree at {agree} of 784 steps.")


@pytest.mark.task("1.3", points=1.5, hint="Index with an order; `shuffle` works in place")
def test_images_are_left_alone(student, rng):
    """The values are those of the image, and the images stay as they are."""
    # Squares of one grey each: how a stride averages is another task's matter.
    images = np.kron(rng.uniform(size=(3, 14, 14)), np.ones((2, 2))).astype(np.float32)
    calls = [{"images": images}, {"images": images, "stride": 2}]
    for call, found in zip(calls, answers(student, "permuted", calls), strict=True):
        expect(same(found["images"], images, atol=0), "the images that `permuted` was given have changed.")
        expected = np.sort(pooled(images, call.get("stride", 1))[..., 0])
        sequences = as_array(found["sequences"], "what `permuted` returned")
        found_values = np.sort(sequences.reshape(len(images), -1))
        assert_close(found_values, expected, "the pixels of `permuted`, sorted", rtol=1e-5, atol=1e-5)
