"""Tasks 4.1 and 4.2: training and validation data, and clipping."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_dict, as_items, assert_close, expect

# -- 4.1 --------------------------------------------------------------------------------------------------------------


def numbered_images(count):
    """Images that carry their number in two pixels, 16 values each."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 5, 7] = 17 * (np.arange(count) // 16), 17 * (np.arange(count) % 16)
    return images


class Split:
    """What `make_datasets` makes of numbered images.

    Attributes:
        training, validation: for each pass the batches, as lists of image numbers.
        pairs: (number of the image, its digit) of every sample of the first passes.
    """

    def __init__(self, student, labels, batch_size, upside_down=False, **options):
        images, self.upside_down = numbered_images(len(labels)), upside_down
        options |= {"upside_down": upside_down}
        found = student.datasets(images=images, labels=labels, batch_size=batch_size, **options)
        found = as_dict(found, "the datasets", ["training", "validation"])
        self.pairs = []
        self.training, self.validation = (
            [self.numbers(batches, name) for batches in as_items(found[name], "the passes")]
            for name in ("training", "validation")
        )

    def numbers(self, batches, name):
        read = []
        for batch in as_items(batches, f"the batches for {name}"):
            x, y = as_items(batch, f"a batch for {name}", length=2, names="x and y")
            x = as_array(x, f"x for {name}", shape=(None, 28, 28), axes="batch x 28 x 28", kind="float")
            y = as_array(y, f"y for {name}", shape=(len(x),), axes="batch", kind="integer")
            x = x[:, ::-1] if self.upside_down else x
            scale = 15 if x.max() <= 1 else 1 / 17  # whether pixels are scaled is one test's matter
            found = np.rint(scale * (16 * x[:, 0, 0] + x[:, 5, 7])).astype(int)
            read.append(found.tolist())
            self.pairs += zip(found.tolist(), y.tolist(), strict=True)
        return read


def flat(batches):
    return [number for batch in batches for number in batch]


def labels_of(rng, count):
    return rng.integers(0, 10, size=count).astype(np.uint8)


@pytest.mark.task("4.1", points=2, hint="Cut one list of image numbers in two")
def test_split_is_clean(student, rng):
    """No image is in both datasets, and none is missing."""
    for count, share, held_out in ((160, 0.25, 40), (160, 0.1, 16), (107, 0.25, 27)):
        split = Split(student, labels_of(rng, count), 10, validation_share=share)
        training, validation = flat(split.training[0]), flat(split.validation[0])
        text = f"with validation_share={share} {len(validation)} of {count} images are for validation"
        expect(len(validation) == held_out, f"{text}; expected {held_out}: {share * count:g}, rounded.")
        both = set(training) & set(validation)
        expect(not both, f"{len(both)} images are in both datasets: validation must not know what was learnt.")
        missing = count - len(set(training) | set(validation))
        # The last batch for training may be left out, where it is not full.
        expect(missing < 10, f"{missing} of {count} images are in neither dataset.")
        expect(len(set(training)) == len(training), "an image comes twice in an epoch.")


@pytest.mark.task("4.1", points=1, hint="Draw who is held out")
def test_split_is_random(student):
    """Who is held out is drawn at random, so that sorted labels do no harm."""
    labels = np.repeat(np.arange(10), 16).astype(np.uint8)
    held_out = sorted(flat(Split(student, labels, 10, validation_share=0.25).validation[0]))
    classes = len({int(labels[number]) for number in held_out})
    # 40 of 160 drawn at random miss more than two of ten classes of 16 less than once in a million times.
    text = f"of images sorted by digit, the validation data has {classes} of 10 digits"
    expect(classes >= 7, f"{text}: draw it at random.")
    steps = set(np.diff(held_out).tolist())
    expect(len(steps) > 2, "who is held out follows a regular pattern: draw it at random.")


@pytest.mark.task("4.1", points=1.5, hint="Generators that start from `seed`, for the split and for `shuffle`")
def test_seed_fixes_everything(student, rng):
    """The same seed gives the same split and the same batches, another seed others."""
    labels = labels_of(rng, 120)
    first, again = (Split(student, labels, 10, seed=3, shake=shake, passes=2) for shake in (11, 12))
    expect(first.validation == again.validation, "two calls with the same seed split the images differently.")
    expect(first.training == again.training, "two calls with the same seed shuffle the batches differently.")
    student.restart()
    anew = Split(student, labels, 10, seed=3, shake=13, passes=2)
    expect(anew.training == first.training, "started anew, with the same seed, the batches are others.")
    other = Split(student, labels, 10, seed=4)
    expect(set(flat(other.validation[0])) != set(flat(first.validation[0])), "another seed gives the same split.")


@pytest.mark.task("4.1", points=1.5, hint="x and y pass through the same operations; scale to [0, 1] before the order")
def test_pairs_and_scale(student, rng):
    """Every image keeps its digit, and pixels are between 0 and 1."""
    labels = labels_of(rng, 100)
    split = Split(student, labels, 10, validation_share=0.3, upside_down=True)
    read = [number for number, _ in split.pairs]
    expect(any(read), "the sequences are not what `order` makes of the images.")
    wrong = sum(digit != labels[number] for number, digit in split.pairs if number < len(labels))
    lost = sum(number >= len(labels) for number in read)
    expect(
        not wrong and not lost, f"{wrong + lost} of {len(split.pairs)} images have lost their digit or their pixels."
    )
    grey = np.full((40, 28, 28), 102, np.uint8)
    found = as_dict(student.datasets(images=grey, labels=labels[:40], batch_size=10), "the datasets", ["training"])
    x, _ = as_items(as_items(as_items(found["training"], "passes")[0], "batches")[0], "a batch", length=2)
    assert_close(x, np.full((10, 28, 28), 0.4), "x of grey images of 102", rtol=1e-5, atol=1e-5)


@pytest.mark.task("4.1", points=1, hint="`shuffle` with a buffer as large as the data, for the training data alone")
def test_epochs_are_shuffled(student, rng):
    """Training images come in a new order in each epoch, validation images always in the same."""
    split = Split(student, labels_of(rng, 160), 10, passes=2)
    first, second = map(flat, split.training)
    expect(first != sorted(first), "the training images come in their old order.")
    expect(first != second, "two epochs have their images in the same order.")
    early = first[: len(first) // 2]
    # Shuffled as a whole, the first half comes half from the first images, give or take 14.
    mixed = sum(number < 80 for number in early)
    expect(10 < mixed < len(early) - 10, "images come close to where they were: is the buffer of `shuffle` small?")
    again = {frozenset(batch) for batch in split.training[0]} & {frozenset(batch) for batch in split.training[1]}
    expect(not again, f"{len(again)} batches of one epoch come again in the next: shuffle the images, then batch them.")
    expect(split.validation[0] == split.validation[1], "two passes over the validation data differ.")


# -- 4.2 --------------------------------------------------------------------------------------------------------------

# Of the kit's model: kernel, recurrent kernel and bias of a GRU, two of its normalization, two of its readout.
SHAPES = [(3, 12), (4, 12), (2, 12), (4,), (4,), (4, 10), (10,)]
RECURRENT, READOUT = slice(0, 3), slice(5, 7)


def clip(student, gradients, clip_norm, **options):
    """What came back, as float64."""
    found = student.clipped(gradients=gradients, clip_norm=clip_norm, **options)
    found = as_items(found, "what `clip_gradients` returned", length=len(SHAPES))
    what = "a clipped gradient"
    return [as_array(one, what, shape=shape).astype(np.float64) for one, shape in zip(found, SHAPES, strict=True)]


def with_norms(rng, norms):
    """Random gradients with these norms."""
    drawn = [rng.normal(size=shape) for shape in SHAPES]
    return [(norm * one / np.linalg.norm(one)).astype(np.float32) for one, norm in zip(drawn, norms, strict=True)]


@pytest.mark.task("4.2", points=2, hint="Scaled, not cut off entry by entry; below `clip_norm` nothing happens")
def test_clipping_by_norm(student, rng):
    """A long gradient is scaled down to the norm, a short one stays as it is."""
    # A gradient of zeros, as of weights that nothing depends on yet, has the norm 0.
    for norms, clip_norm in (((9, 7, 5, 1, 1, 1, 1), 2.0), ((0.3, 0.2, 0, 1, 1, 1, 1), 0.5)):
        gradients = with_norms(rng, norms)
        for gradient, found in zip(gradients[RECURRENT], clip(student, gradients, clip_norm)[RECURRENT], strict=True):
            norm = float(np.linalg.norm(gradient))
            what = f"a gradient of norm {norm:.2g}, clipped to {clip_norm:g}"
            expected = gradient.astype(np.float64) * min(1, clip_norm / max(norm, 1e-9))
            assert_close(found, expected, what, rtol=1e-4, atol=1e-6)


@pytest.mark.task("4.2", points=2, hint="`variable.path` holds the name of the layer")
def test_readout_is_spared(student, rng):
    """The gradients of the readout pass as they are, wherever they stand."""
    gradients = with_norms(rng, (3, 3, 3, 1, 1, 8, 6))
    for other in (False, True):
        found = clip(student, gradients, 1.0, backwards=other, nested=other)
        for gradient, one in zip(gradients[READOUT], found[READOUT], strict=True):
            assert_close(one, gradient, "a gradient of the readout", rtol=1e-5, atol=1e-6, hint="It is not clipped.")


@pytest.mark.task("4.2", points=2, hint="tf.clip_by_norm for each; tf.clip_by_global_norm is another method")
def test_each_by_its_own_norm(student, rng):
    """Each gradient is judged by its own norm: a long one does not shorten the others."""
    gradients = with_norms(rng, (50, 0.6, 0.7, 30, 30, 30, 30))
    found = clip(student, gradients, 1.0)
    for gradient, one in zip(gradients[1:3], found[1:3], strict=True):
        assert_close(one, gradient, "a short gradient beside long ones", rtol=1e-5, atol=1e-6)
    norm = float(np.linalg.norm(found[0]))
    expect(abs(norm - 1) < 1e-3, f"a gradient of norm 50 has the norm {norm:.3g} afterwards; expected 1.")
