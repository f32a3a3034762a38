"""Task 1: the running totals, and the input pipeline.

The pipeline gets images that carry their own number as a coarse pattern, so that each can be told again after any
scaling and any order; their labels are drawn apart from that. Totals are held against the images that they come with.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.errors import StudentRaised
from grader.oracles.compare import Mismatch, as_array, as_dict, as_items, expect

FIELD = 7  # pixels: an image is 4 x 4 fields, each dark or bright
BITS = 14  # the first field is dark, the last one bright, those between are the number


def running_totals(digits):
    """The totals of sequences `(..., T)`: the first digit is added, the second subtracted, and so on."""
    digits = np.asarray(digits, np.int64)
    return np.cumsum(digits * (-1) ** np.arange(digits.shape[-1]), axis=-1)


# -- 1.1 --------------------------------------------------------------------------------------------------------------


def slip(found, labels, length):
    """Names the likely slip behind wrong totals, or ""."""
    labels, position = np.asarray(labels, np.int64), np.arange(len(labels))
    by_whole_position = labels * (-1) ** position
    signed = labels * (-1) ** (position % length)
    start = position - position % length
    sums = np.concatenate([[0], np.cumsum(by_whole_position)])
    slips = {
        "Does the sign follow the position in the whole list, instead of that in the sequence?": sums[1:] - sums[start],
        "They never start anew.": np.cumsum(signed),
        "The first digit is subtracted.": -(np.cumsum(signed) - np.concatenate([[0], np.cumsum(signed)])[start]),
        "No digit is subtracted.": np.cumsum(labels) - np.concatenate([[0], np.cumsum(labels)])[start],
    }
    return next((text for text, totals in slips.items() if np.array_equal(found, totals)), "")


def check_targets(student, rng, counts, container="list"):
    """`alternating_targets` on random digits, for each count and length of sequence."""
    for count, length in counts:
        labels = rng.integers(0, 10, size=count)
        answer = student.targets(labels=labels.tolist(), sequence_len=length, container=container)
        what = f"what `alternating_targets` returned for {count} digits and sequence_len {length}"
        found = as_array(answer, what).ravel()
        expect(len(found) == count, f"{what} has {len(found)} entries; expected one a digit.")
        starts = range(0, count, length)
        expected = np.concatenate([running_totals(labels[start : start + length]) for start in starts])
        wrong = np.flatnonzero(found != expected)
        if wrong.size:
            place = f"the first at position {wrong[0] % length + 1} of sequence {wrong[0] // length + 1}"
            text = f"with sequence_len {length}, {wrong.size} of {count} totals are wrong, {place}."
            expect(False, f"{text} {slip(found, labels, length)}".strip())


@pytest.mark.task("1.1", points=2, hint="Positions 0, 2, 4 are added, 1, 3, 5 subtracted")
def test_even_lengths(student, rng):
    """Totals are right in sequences of even length."""
    check_targets(student, rng, [(8, 4), (24, 6), (20, 2)])


@pytest.mark.task("1.1", points=2, hint="The sign follows the position in the sequence: `i % sequence_len`")
def test_odd_lengths(student, rng):
    """Totals are right in sequences of odd length, in which every other one starts at an odd position."""
    check_targets(student, rng, [(12, 3), (35, 5)])


@pytest.mark.task("1.1", points=1, hint="A single digit is its own total; a last sequence may be short")
def test_every_sequence_starts_anew(student, rng):
    """Each sequence starts anew, also those of one digit and a last one that is not full."""
    check_targets(student, rng, [(7, 1), (11, 4)])


@pytest.mark.task("1.1", points=1, hint="In uint8, 1 - 7 is 250: make each label an int")
def test_negative_totals(student, rng):
    """Totals can be negative, also with labels in an array of uint8 as MNIST has them."""
    check_targets(student, rng, [(40, 4)], container="uint8")


@pytest.mark.task("1.1", points=1, hint="Go through the labels with one `for`")
def test_any_iterable_of_labels(student, rng):
    """The labels may be a tuple or an iterator."""
    for container in ("tuple", "iterator"):
        check_targets(student, rng, [(12, 4)], container=container)


# -- 1.2 --------------------------------------------------------------------------------------------------------------


def marked_images(rng, count, first=0):
    """Images `(count, 28, 28)` uint8 with the numbers first, first + 1, ... as patterns of dark and bright noise."""
    bits = (np.arange(first, first + count)[:, None] >> np.arange(BITS)) & 1
    fields = np.column_stack([np.zeros(count, int), bits, np.ones(count, int)]).reshape(count, 4, 4)
    bright = fields.repeat(FIELD, axis=1).repeat(FIELD, axis=2) == 1
    return np.where(bright, rng.integers(160, 256, bright.shape), rng.integers(0, 91, bright.shape)).astype(np.uint8)


def numbers_of(images):
    """The numbers of images `(..., 28, 28)`, whatever their scale: the middle of each field, so small shifts are fine.

    Those of images without a pattern are arbitrary.
    """
    fields = images.reshape(*images.shape[:-2], 4, FIELD, 4, FIELD)[..., 2:5, :, 2:5].mean(axis=(-3, -1))
    fields = fields.reshape(*images.shape[:-2], 16)
    dark, bright = fields[..., :1], fields[..., -1:]
    bits = np.abs(fields - bright) < np.abs(fields - dark)
    return bits[..., 1:-1] @ (1 << np.arange(BITS))


class Data:
    """Marked images with random labels, and how to ask for them."""

    def __init__(self, rng, count, length, batch, training, first=0, passes=1):
        self.labels = rng.integers(0, 10, size=count, dtype=np.uint8)
        self.images = marked_images(rng, count, first)
        self.length, self.batch, self.training, self.passes, self.first = length, batch, training, passes, first

    def batches(self, student):
        """What `make_dataset` gave in each pass: lists of images and totals, batch by batch."""
        answer = student.dataset_batches(
            images=self.images,
            labels=self.labels,
            sequence_len=self.length,
            batch_size=self.batch,
            training=self.training,
            passes=self.passes,
        )
        found = []
        for one in as_items(answer, "the answer", length=self.passes):
            one = as_dict(one, "one pass", ["x", "y", "ended"])
            expect(one["ended"] is True, "the dataset does not end: one pass goes over the images once.")
            x, y = as_items(one["x"], "the batches"), as_items(one["y"], "the batches")
            expect(x, f"the dataset of {len(self.images)} images is empty (training={self.training}).")
            found.append((x, y))
        return found

    def sequences(self, student):
        """Each pass as images `(S, T, 28, 28)` and totals `(S, T)`; axes of length 1 are the matter of one test."""
        passes = []
        for x, y in self.batches(student):
            images, totals = [], []
            for x_batch, y_batch in zip(x, y, strict=True):
                x_batch = as_array(x_batch, "a batch of images")
                count = x_batch.shape[0] if x_batch.ndim else 0
                shape = f"(B, {self.length}, 28, 28, 1)"
                fits = x_batch.ndim > 1 and x_batch.size == count * self.length * 784
                expect(fits, f"a batch of images has shape {x_batch.shape}; expected {shape}.")
                y_batch = as_array(y_batch, "a batch of totals")
                fits = y_batch.size == count * self.length
                expect(fits, f"a batch of totals has shape {y_batch.shape}; expected ({count}, {self.length}, 1).")
                images.append(x_batch.reshape(count, self.length, 28, 28).astype(np.float64))
                totals.append(y_batch.reshape(count, self.length).astype(np.float64))
            passes.append((np.concatenate(images), np.concatenate(totals)))
        return passes

    def known(self, numbers):
        """Which of the numbers are those of given images."""
        return (numbers >= self.first) & (numbers < self.first + len(self.labels))


def usable_count(student, count, length):
    """That many images, or without a remainder where `alternating_targets` fails at one: that is task 1.1's."""
    try:
        totals = student.targets(labels=[1] * count, sequence_len=length, container="uint8")
        if len(as_items(totals, "the totals")) == count:
            return count
    except (Mismatch, StudentRaised):
        pass
    return count - count % length


@pytest.mark.task("1.2", points=2, hint="float32, with an axis of length 1 for the channel")
def test_batches(student, rng):
    """Batches are (B, T, 28, 28, 1) float32 and (B, T, 1), for any sequence length and batch size."""
    for count, length, batch in ((48, 4, 3), (41, 3, 4)):
        count = usable_count(student, count, length)
        for training in (True, False):
            ((x, y),) = Data(rng, count, length, batch, training).batches(student)
            sequences = count // length
            full = sequences // batch
            text = f"{sequences} sequences make {len(x)} batches of {batch} (training={training})"
            expect(full <= len(x) <= -(-sequences // batch), f"{text}; expected {full}, and perhaps a smaller one.")
            sizes = [batch] * full + [sequences % batch] * (sequences % batch > 0)  # in any order
            for images, totals in zip(x, y, strict=True):
                size = next((size for size in sizes if np.shape(images)[:1] == (size,)), sizes[0])
                sizes.remove(size)
                shape = (size, length, 28, 28, 1)
                as_array(images, "a batch of images", shape=shape, axes="B, T, height, width, channel", dtype="float32")
                totals = as_array(totals, "a batch of totals")
                fits = totals.shape in ((size, length, 1), (size, length))
                expect(fits, f"a batch of totals has shape {totals.shape}; expected ({size}, {length}, 1).")


@pytest.mark.task("1.2", points=1, hint="Divide the bytes by 255, as floats")
def test_images_are_scaled(student, rng):
    """Pixels are scaled to about [0, 1], and otherwise left as they are."""
    # Other numbers in each call: what leaks from one to the other is another test's matter.
    for training, first in ((True, 1000), (False, 5000)):
        data = Data(rng, 40, 4, 5, training, first=first)
        ((images, _),) = data.sequences(student)
        low, high = float(images.min()), float(images.max())
        # [0, 1] and [-1, 1] span 1 and 2; standardised pixels some 4.
        text = f"pixels lie between {low:.3g} and {high:.3g} (training={training})"
        expect(0.5 <= high - low <= 12 and abs(low) <= 12, f"{text}; expected about 0 and 1.")
    numbers = numbers_of(images)
    usable = data.known(numbers)
    if usable.any():  # else another test says so
        given = data.images[numbers[usable] - data.first].reshape(-1, 784).astype(np.float64)
        for one, other in zip(given, images[usable].reshape(-1, 784), strict=True):
            # Scaling is a straight line, exact to float32; rounding to 0 and 1 gives a correlation of 0.95.
            straight = abs(np.corrcoef(one, other)[0, 1]) > 0.999
            expect(straight, "an image does not look like any that was given: grey levels are lost or pixels moved.")


@pytest.mark.task("1.2", points=2, hint="Shuffle where `training` is True, and nowhere else")
def test_validation_keeps_its_order(student, rng):
    """With `training=False` nothing is shuffled: sequences are the images in their order, in every pass."""
    data = Data(rng, 60, 5, 3, False, passes=2)
    for images, _ in data.sequences(student):
        numbers = numbers_of(images)
        # Sequences that overlap are another test's matter.
        expect((np.diff(numbers, axis=1) == 1).all(), "the images of a sequence are not those that follow one another.")
        expect((np.diff(numbers[:, 0]) > 0).all(), "the sequences come in another order than that of the images.")


@pytest.mark.task("1.2", points=3, hint="Group into sequences, with their totals, before you shuffle")
def test_totals_belong_to_their_images(student, rng):
    """Each image comes with the running total of its sequence up to it, shuffled or not."""
    for length, training in ((4, True), (3, True), (4, False), (3, False)):
        data = Data(rng, 60, length, 5, training)
        ((images, totals),) = data.sequences(student)
        numbers = numbers_of(images)
        whole = data.known(numbers).all(axis=1)
        expect(whole.any(), "no image of the batches is one of those that were given.")
        numbers, totals = numbers[whole], totals[whole]
        digits = data.labels[numbers]
        wrong = int((totals != running_totals(digits)).sum())
        if not wrong or is_own(student, data, numbers, totals):
            continue
        text = f"{wrong} of {totals.size} totals are not those of the images beside them"
        ordered = running_totals(data.labels[: len(totals) * length].reshape(-1, length))
        apart = np.array_equal(np.sort(totals, axis=0), np.sort(ordered, axis=0))
        hint = " They are the totals of other sequences: images and totals went separate ways." if apart else ""
        hint = " They are the digits themselves." if np.array_equal(totals, digits) else hint
        expect(False, f"{text} (sequence_len {length}, training={training}).{hint}")


def is_own(student, data, numbers, totals):
    """Whether the totals are what the submission's `alternating_targets` gives: then a fault is task 1.1's.

    It may have been asked for the labels as they were given, if the sequences are those, or as they were grouped.
    """
    ways = [(data.labels[numbers].ravel(), np.arange(numbers.size))]
    given = numbers - data.first
    if (given[:, 0] % data.length == 0).all() and (np.diff(given, axis=1) == 1).all():
        ways.append((data.labels, given))
    for labels, place in ways:
        own = as_array(student.targets(labels=labels.tolist(), sequence_len=data.length, container="uint8"), "totals")
        if own.size == labels.size and np.array_equal(own.ravel()[place.ravel()], totals.ravel()):
            return True
    return False


@pytest.mark.task("1.2", points=2, hint="`shuffle` after the grouping and before the batching")
def test_training_is_shuffled(student, rng):
    """With `training=True` the sequences are shuffled, anew in each pass, and not whole batches of them."""
    (images, _), (images_again, _) = Data(rng, 240, 3, 6, True, passes=2).sequences(student)
    first, again = numbers_of(images)[:, 0], numbers_of(images_again)[:, 0]
    expect((np.diff(first) <= 0).any(), "with training=True the sequences come in their order.")
    # Where whole batches of 6 are shuffled, five in six steps lead to the next sequence.
    in_order = np.mean(np.diff(first) == 3)
    expect(in_order < 0.5, f"{in_order:.0%} of the sequences follow the one that they followed before the shuffling.")
    expect(not np.array_equal(first, again), "the second pass has the order of the first; shuffle anew in each.")


@pytest.mark.task("1.2", points=1, hint="`drop_remainder=True` where images are grouped; sequences do not overlap")
def test_every_image_once(student, rng):
    """Every image is in one sequence, but for a remainder that fills none."""
    # A last batch that is not full may be dropped in training, and there alone.
    count = usable_count(student, 23, 4)
    for training, batch in ((True, 5), (False, 2)):
        data = Data(rng, count, 4, batch, training)
        ((images, _),) = data.sequences(student)
        text = f"{count} images make {len(images)} sequences of 4 (training={training})"
        expect(len(images) == 5, f"{text}; expected 5.")
        numbers = numbers_of(images).ravel()
        repeated = numbers.size - len(set(numbers[data.known(numbers)].tolist())) if data.known(numbers).all() else 0
        expect(not repeated, f"{repeated} images of a pass came before in the same pass (training={training}).")


@pytest.mark.task("1.2", points=1, hint="The pipeline takes its images from its arguments, and from nowhere else")
def test_nothing_but_the_given_images(student, rng):
    """A dataset holds the images that it was given, and none of another call or file."""
    for training, first in ((True, 1000), (False, 5000)):
        data = Data(rng, 40, 4, 5, training, first=first)
        ((images, _),) = data.sequences(student)
        foreign = int((~data.known(numbers_of(images))).sum())
        expect(not foreign, f"{foreign} of {images.shape[0] * 4} images are none of those that `make_dataset` got.")
