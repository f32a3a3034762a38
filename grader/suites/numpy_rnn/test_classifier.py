"""Task 6: the classifier. Its weights are found by their shapes, whatever their names and order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_items, as_number, assert_close, expect, same

FEW = {"num_steps": 4, "pixels_per_step": 196}  # for tests to which it is all the same: few steps take little time
PIECES = 7
KEPT = 0.02  # a share of kept outputs at which nearly all are dropped


def drawn_images(rng, count):
    return rng.uniform(size=(count, 784)).astype(np.float32)


def made(student, shake=0.0, spread=0.0, **arguments):
    """Makes a classifier; its weights."""
    answer = student.make_classifier(arguments=arguments, shake=shake, spread=spread)
    return [as_array(weight, "a weight") for weight in as_items(answer, "the weights")]


def scores_of(student, images, classes=10, training=False):
    """Scores of the classifier, checked for their shape."""
    answer = student.classify(images=images, training=training)
    return as_array(answer, "the scores", shape=(len(images), classes), axes="batch x classes", kind="float")


# -- 6.1 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("6.1", points=1, limit_s=60, hint="`tf.reshape(images, (-1, num_steps, pixels_per_step))`")
def test_scores_for_both_forms(student, rng):
    """Flat and square images give the same scores, one for each class, for every cell and any batch; no softmax."""
    images = drawn_images(rng, 5)
    for cell, classes in (("rnn", 10), ("gru", 4), ("lstm", 7)):
        made(student, shake=0.1, cell=cell, memory_units=6, output_size=classes)
        flat = scores_of(student, images, classes)
        square = scores_of(student, images.reshape(5, 28, 28), classes)
        assert_close(square, flat.astype(np.float64), f"scores of square images ({cell})", rtol=1e-4, atol=1e-5)
        alone = scores_of(student, images[2:3], classes)
        assert_close(alone, flat[2:3].astype(np.float64), f"scores of a single image ({cell})", rtol=1e-3, atol=1e-4)
        expect(np.ptp(flat, axis=1).min() > 0, f"all classes get the same score ({cell}).")
        softmax = flat.min() >= 0 and np.allclose(flat.sum(axis=1), 1, atol=1e-4)
        expect(not softmax, "the scores of each image add up to 1: the softmax is left to the loss.")
        if student.scale_readout(units=6, classes=classes, factor=-3.0) == 1:  # else it has weights of other shapes
            scaled = scores_of(student, images, classes)
            what, hint = f"scores with the readout's weights times -3 ({cell})", "Is there an activation after it?"
            assert_close(scaled, -3 * flat.astype(np.float64), what, rtol=1e-3, atol=1e-4, hint=hint)


def effects_of_pieces(student, rng, cell):
    """How much scores change where a piece is wiped out, for pieces that are all alike; by order, the last one's is 1.

    Where all weights are small a gated cell forgets by about half from step to step, and a vanilla cell nearly all. So
    the effects tell the order, whatever the cell looks like inside.
    """
    size, units = 784 // PIECES, 32
    images = np.tile(drawn_images(rng, 4)[:, :size], PIECES)
    weights = made(student, spread=0.02, cell=cell, memory_units=units, num_steps=PIECES, pixels_per_step=size)
    # Weights of input and state may be one array.
    fits = any({size, size + units} & set(weight.shape) for weight in weights)
    expect(fits, f"with pixels_per_step={size} no weight of {cell!r} has {size} rows: are pieces of another size read?")
    wiped = np.stack([images] * (1 + PIECES))  # the last of these as they are; all in one call, to save time
    for number, piece in enumerate(np.split(np.arange(784), PIECES)):
        wiped[number][:, piece] = 0
    scores = scores_of(student, wiped.reshape(-1, 784)).reshape(1 + PIECES, len(images), -1)
    effects = np.abs(scores[:-1] - scores[-1]).mean(axis=(1, 2)).tolist()
    expect(effects[-1] > 0, f"the last piece has no effect on the scores of {cell!r}.")
    return [effect / effects[-1] for effect in effects]


@pytest.mark.task(
    "6.1", points=1.5, limit_s=60, hint="The pieces follow one another in the order of the pixels; read out the last"
)
def test_image_is_read_in_order(student, rng):
    """A classifier reads the pieces from first to last and scores what it knows at the end."""
    for cell in ("rnn", "gru", "lstm"):
        effects = effects_of_pieces(student, rng, cell)
        for piece, (sooner, later) in enumerate(itertools.pairwise(effects), start=1):
            text = f"with small weights, of {PIECES} pieces that are alike piece {piece} has {sooner:.2g} of the effect"
            text += f" of the last on the scores of {cell!r}, piece {piece + 1} has {later:.2g}; expected more."
            expect(sooner < 0.9 * later + 1e-5, text)


@pytest.mark.task("6.1", points=0.5, limit_s=60, hint="`cell` chooses between SimpleRNN, GRU and LSTM")
def test_cells_differ(student):
    """The three kinds of cell have weights for one, three and four gates."""
    counts = {}
    for cell in ("rnn", "gru", "lstm"):
        weights = made(student, cell=cell, memory_units=30, **FEW)
        counts[cell] = sum(weight.size for weight in weights) - 30 * 10 - 10
    for cell, gates in (("gru", 3), ("lstm", 4)):
        ratio = counts[cell] / max(counts["rnn"], 1)
        # A GRU of Keras has a second bias.
        text = f"{cell!r} has {ratio:.2f} times the weights of 'rnn'; expected {gates} times as many."
        expect(gates - 0.05 <= ratio <= gates + 0.2, text)


@pytest.mark.task(
    "6.1", points=1.5, limit_s=60, hint="Make a new cell for each layer: `[cell] * n` is n times the same one"
)
def test_layers_have_cells_of_their_own(student, rng):
    """Each further layer brings weights of its own, and has an effect."""
    units = 28  # as many as pixels: layers could share a cell
    for cell in ("rnn", "lstm"):
        counts = []
        for layers in (1, 2, 3):
            weights = made(student, shake=0.1, cell=cell, memory_units=units, num_layers=layers)
            counts.append(sum(weight.size for weight in weights))
        for layers, (fewer, more) in enumerate(itertools.pairwise(counts), start=2):
            wanted = counts[0] - 10 * units - 10  # as many as the first layer, which has as many inputs
            text = f"{cell!r}: layer {layers} brings {more - fewer} weights of its own; expected {wanted}."
            expect(more - fewer == wanted, text)
    images = drawn_images(rng, 3)
    found = scores_of(student, images)
    expect(not same(found[0], found[1], atol=1e-7), "with three layers all images get the same scores.")


@pytest.mark.task("6.1", points=1.5, limit_s=60, hint="`dropout(x, training=training)`")
def test_dropout_in_training_alone(student, rng):
    """Dropout changes the scores in training, and never otherwise."""
    images = drawn_images(rng, 6)
    made(student, shake=0.1, cell="gru", memory_units=8, dropout_keep_prob=0.5, **FEW)
    first, second = scores_of(student, images), scores_of(student, images)
    expect(same(first, second, atol=1e-6), "without training two calls give different scores: dropout is still on.")
    noisy = [scores_of(student, images, training=True) for _ in range(2)]
    expect(not same(*noisy, atol=1e-6), "with training=True and half of the outputs dropped two calls give the same.")
    without = {"cell": "gru", "memory_units": 8, **FEW}
    alike = as_array(student.classify_alike(images=images, arguments=without), "the scores", shape=first.shape)
    expect(same(alike, first, atol=1e-5), "without training a classifier with dropout gives other scores than without.")
    made(student, cell="gru", memory_units=8, **FEW)
    quiet = [scores_of(student, images, training=True) for _ in range(2)]
    expect(same(*quiet, atol=1e-6), "with dropout_keep_prob=1 dropout is on in training.")


@pytest.mark.task("6.1", points=1, limit_s=60, hint="keras.layers.Dropout takes the share that is dropped: 1 - keep")
def test_dropout_takes_outputs(student, rng):
    """It is the outputs of the cells that are dropped, all but a share of `dropout_keep_prob`."""
    count = 60
    images = drawn_images(rng, count)
    made(student, shake=0.1, cell="lstm", memory_units=4, dropout_keep_prob=KEPT, **FEW)
    scores = scores_of(student, images, training=True)
    # An image keeps none of its 4 outputs with a probability of 0.98 ** 4 = 0.92; what is left is the readout's bias.
    _, counts = np.unique(np.round(scores, 4), axis=0, return_counts=True)
    share = counts.max() / count
    text = f"with a share of {KEPT} kept, {share:.0%} of different images have the same scores; expected nearly all."
    expect(share > 0.6, f"{text} Either the share is taken for that which is dropped, or something else is dropped.")
    made(student, shake=0.1, cell="lstm", memory_units=4, dropout_keep_prob=0.9, **FEW)
    scores = scores_of(student, images, training=True)
    few = len(np.unique(np.round(scores, 4), axis=0))
    expect(few > count // 2, "with a share of 0.9 kept most images have the same scores.")
    options = {"cell": "lstm", "memory_units": 2, "dropout_keep_prob": 0.5, **FEW}
    if student.raises(arguments={**options, "num_layers": 2}):
        return  # a cell that serves two layers, which is another test's matter
    single, double = (len(made(student, shake=0.1, num_layers=layers, **options)) for layers in (1, 2))
    if double <= single:
        return  # there is no second layer, which is that test's matter, too
    alike = np.repeat(images[:1], count, axis=0)
    few = len(np.unique(np.round(scores_of(student, alike, training=True), 5), axis=0))
    # What is kept of the last layer's two outputs: both, one, the other or none.
    text = f"two layers of two units: {count} copies of an image get {few} different scores; expected more than 4."
    expect(few > 4, f"{text} Are the outputs of each layer dropped, or those of the last alone?")


@pytest.mark.task("6.1", points=1, limit_s=60, hint="`raise ValueError(...)` in `__init__`")
def test_bad_arguments(student):
    """An unknown cell, or steps and pixels that make no image, are refused with a ValueError."""
    cases = ({"cell": "transformer"}, {"num_steps": 28, "pixels_per_step": 27}, {"num_steps": 7, "pixels_per_step": 28})
    for arguments in cases:
        shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        found = str(student.raises(arguments=arguments))
        expect(found == "ValueError", f"RNNSequenceClassifier({shown}) ends with {found or 'no error'}.")
    found = str(student.raises(arguments={"num_steps": 56, "pixels_per_step": 14, "memory_units": 3}))
    expect(found == "", f"56 steps of 14 pixels are an image; it ends with {found}.")


# -- 6.2 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("6.2", points=1.5, hint="l2_lambda * sum(w ** 2) / 2 over the kernel of the readout")
def test_l2_loss(student):
    """`l2_loss` is l2_lambda times half the sum of squares of the readout's kernel, and of nothing else."""
    for arguments in (
        {"cell": "rnn", "memory_units": 13, "output_size": 7, "l2_lambda": 0.5},
        {"cell": "gru", "memory_units": 11, "output_size": 5, "l2_lambda": 2.0},
    ):
        weights = made(student, shake=0.3, **arguments, **FEW)
        shape = (arguments["memory_units"], arguments["output_size"])
        kernels = [weight for weight in weights if weight.shape == shape]
        text = f"there are {len(kernels)} weights of shape {shape}; expected one, the kernel of the readout."
        expect(len(kernels) == 1, text)
        expected = arguments["l2_lambda"] * float(np.sum(kernels[0].astype(np.float64) ** 2)) / 2
        found = as_number(student.l2_loss(), "the L2 loss")
        expect(abs(found - expected) < 1e-4 * expected, f"it is {found:.5g}; expected {expected:.5g}.")
