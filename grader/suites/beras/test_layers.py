"""Tasks 2 to 4: the dense layer, its initial weights, activations and the loss.

They are in one file, since all are checked in the same way: values, then gradients by differences.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles import differences
from grader.oracles.compare import as_array, as_dict, as_items, as_numbers, assert_close, expect, same

# Sums of a few dozen products of numbers near 1, perhaps in float32.
EXACT = {"rtol": 1e-4, "atol": 1e-5}


def floats(rng, *shape, scale=1.0):
    """Numbers that float32 holds exactly, in float64."""
    return rng.normal(scale=scale, size=shape).astype(np.float32).astype(np.float64)


def away_from_zero(rng, *shape):
    """Of either sign, and no nearer to 0 than 0.1: differences do not step over a kink."""
    return rng.choice((-1.0, 1.0), size=shape) * rng.uniform(0.1, 2.0, size=shape)


def outputs_of(student, part, inputs, width=None):
    """What a layer made of the inputs, as arrays; axes of length 1 are the matter of one test alone."""
    found = as_items(student.part_outputs(part=part, inputs=inputs), "the answer", length=len(inputs))
    arrays = []
    for x, value in zip(inputs, found, strict=True):
        shape = (len(x), width or x.shape[1])
        what = f"`{part['kind']}` for x of shape {x.shape}: its output"
        array = as_array(value, what, kind="float", finite=False)
        unit = tuple(size for size in array.shape if size != 1) == tuple(size for size in shape if size != 1)
        arrays.append(array.reshape(shape) if unit else as_array(value, what, shape=shape, finite=False))
    return arrays


# A Jacobian may have any shape that the layer's own `compose_...` work with: if these give the right thing it is right.
# Where they do not (task 1.1 is another test's matter), the shapes of the handout are composed here.


def through_jacobian(jacobian, J):
    """J (B, d) through a Jacobian (s, d), (B, s, d) or, on the diagonal alone, (B, d); None for other shapes."""
    if not isinstance(jacobian, np.ndarray) or jacobian.dtype.kind != "f":
        return None
    batch, d = J.shape
    if jacobian.ndim == 3 and jacobian.shape[0] in (1, batch) and jacobian.shape[2] == d:
        return np.einsum("bio,bo->bi", np.broadcast_to(jacobian, (batch, *jacobian.shape[1:])), J)
    if jacobian.shape == (batch, d):
        return jacobian * J
    if jacobian.ndim == 2 and jacobian.shape[1] == d:
        return J @ jacobian.T
    return None


def through_weight(gradient, J, shape):
    """The mean over the batch of a weight's gradient times J; None where it does not broadcast as the handout says."""
    if not isinstance(gradient, np.ndarray) or gradient.dtype.kind not in "fiu":
        return None
    aligned = J.reshape(len(J), *[1] * (len(shape) - 1), -1)
    try:
        return (np.broadcast_to(gradient, (len(J), *shape)) * aligned).mean(axis=0)
    except ValueError:
        return None


def check_one_of(values, expected, what, hint="", **tolerance):
    """Passes if one of the values, None aside, is as expected; else tells what is wrong with the first."""
    values = [value for value in values if value is not None]
    expect(values, f"{what}: neither `compose_...` nor the product with the Jacobian works out; look at its shape.")
    if not any(
        isinstance(v, np.ndarray) and v.size == expected.size and near(v, expected, **tolerance) for v in values
    ):
        assert_close(values[0], expected, what, hint=hint, **tolerance)


def near(value, expected, rtol, atol):
    if value.dtype.kind not in "fiu":
        return False
    return bool((np.abs(value.reshape(expected.shape) - expected) <= atol + rtol * np.abs(expected)).all())


def gradients_of(student, part, calls, of="input"):
    """What `part_gradients` in adapters.py found, for each call."""
    found = as_items(student.part_gradients(part=part, calls=calls, of=of), "the answer", length=len(calls))
    return [as_dict(one, "the gradients", ["jacobian", "composed", "again", "overridden", "x"]) for one in found]


def input_gradient(function, x, J):
    """The gradient of sum(function(x) * J), by central differences."""
    return differences.gradient(lambda v: (function(v) * J).sum(), x)


def check_input_gradient(student, part, function, calls, **tolerance):
    for call, found in zip(calls, gradients_of(student, part, calls), strict=True):
        expected = input_gradient(function, **call)
        # A method of the layer's own is what training goes through.
        raw = [] if found["overridden"] is True else [through_jacobian(found["jacobian"], call["J"])]
        values = [*raw, found["composed"]]
        what = f"`{part['kind']}`: J taken back to inputs of shape {call['x'].shape}"
        check_one_of(values, expected, what, **(tolerance or EXACT))


def check_repeats(student, part, calls):
    """A second call of a gradient gives the same, and inputs are not written to."""
    for call, found in zip(calls, gradients_of(student, part, calls), strict=True):
        expect(same(found["jacobian"], found["again"], atol=1e-9), "a second `input_gradients()` gives something else.")
        expect(same(call["x"], found["x"], atol=0), f"`{part['kind']}` writes to its inputs.")


# -- 2.1 --------------------------------------------------------------------------------------------------------------


def dense(rng, s, d):
    part = {"kind": "Dense", "w": floats(rng, s, d), "b": floats(rng, d)}
    return part, (lambda x: x @ part["w"] + part["b"])


@pytest.mark.task("2.1", points=1, hint="`x @ w + b` has the batch first")
def test_dense_shapes(student, rng):
    """The output is (B, d), a batch of one row included."""
    for s, d in ((5, 3), (1, 4), (4, 1)):
        part, _ = dense(rng, s, d)
        inputs = [floats(rng, size, s) for size in (6, 1)]
        found = as_items(student.part_outputs(part=part, inputs=inputs), "the answer", length=2)
        for x, value in zip(inputs, found, strict=True):
            as_array(value, "the output of `Dense`", shape=(len(x), d), axes="batch x outputs", kind="float")


@pytest.mark.task("2.1", points=2, hint="Weights (s, d): inputs are rows")
def test_dense_forward(student, rng):
    """The output is x times the weights plus the biases."""
    for s, d in ((3, 5), (7, 2)):
        part, function = dense(rng, s, d)
        inputs = [floats(rng, 6, s), floats(rng, 1, s)]
        for x, output in zip(inputs, outputs_of(student, part, inputs, d), strict=True):
            hint = "The biases are missing." if same(output, x @ part["w"], atol=1e-4) else ""
            assert_close(output, function(x), "the output of `Dense`", hint=hint, **EXACT)


@pytest.mark.task("2.1", points=2, hint="Entry [i, o] is the derivative of output o by input i")
def test_dense_input_gradient(student, rng):
    """The gradient of the inputs is that of central differences."""
    for s, d in ((3, 5), (6, 2)):
        part, function = dense(rng, s, d)
        calls = [{"x": floats(rng, size, s), "J": floats(rng, size, d)} for size in (8, 1)]
        check_input_gradient(student, part, function, calls)


def weight_gradients(part, x, J):
    """By central differences: those of the mean over the batch of the sum of outputs times J."""

    def loss(w, b):
        return ((x @ w + b) * J).sum() / len(x)

    return {
        "w": differences.gradient(lambda w: loss(w, part["b"]), part["w"]),
        "b": differences.gradient(lambda b: loss(part["w"], b), part["b"]),
    }


@pytest.mark.task("2.1", points=2, hint="dL/dw[i, o] is the mean over the batch of x[b, i] * J[b, o]; dL/db that of J")
def test_dense_weight_gradients(student, rng):
    """The gradients of weights and biases are those of central differences, a mean over the batch."""
    for s, d in ((3, 5), (6, 2)):
        part, _ = dense(rng, s, d)
        calls = [{"x": floats(rng, size, s), "J": floats(rng, size, d)} for size in (8, 1)]
        for call, found in zip(calls, gradients_of(student, part, calls, of="weight"), strict=True):
            raw = as_items(found["jacobian"], "what `weight_gradients()` returned", length=2, names="for w and for b")
            own = found["composed"] if isinstance(found["composed"], list) and len(found["composed"]) == 2 else []
            for k, (name, target) in enumerate(weight_gradients(part, **call).items()):
                values = own[k : k + 1]
                if found["overridden"] is not True:
                    values.insert(0, through_weight(raw[k], call["J"], target.shape))
                check_one_of(values, target, f"the gradient of {name} at B = {len(call['x'])}", **EXACT)


@pytest.mark.task(
    "2.1", points=1, behind="2.1", hint="Gradients belong to the last call; `self.inputs` holds its arguments"
)
def test_dense_gradients_again(student, rng):
    """Gradients follow the last call, come out the same a second time, and inputs are not written to."""
    part, _ = dense(rng, 3, 4)
    calls = [{"x": floats(rng, size, 3), "J": floats(rng, size, 4)} for size in (5, 2, 5)]
    check_repeats(student, part, calls)
    for call, found in zip(calls, gradients_of(student, part, calls, of="weight"), strict=True):
        pairs = [as_items(found[key], "what `weight_gradients()` returned", length=2) for key in ("jacobian", "again")]
        for one, other in zip(*pairs, strict=True):
            expect(same(one, other, atol=1e-9), "a second `weight_gradients()` gives something else.")
        expect(same(call["x"], found["x"], atol=0), "`Dense` writes to its inputs.")


@pytest.mark.task("2.1", points=1, behind="2.1", limit_s=60, hint="One matrix product for the whole batch")
def test_dense_time(student, rng, thresholds):
    """Time grows no worse than the batch."""
    part, _ = dense(rng, 60, 40)
    small, large = 40, 640
    calls = [{"x": floats(rng, size, 60), "J": floats(rng, size, 40)} for size in (small, large)]
    found = as_items(student.part_times(part=part, calls=calls, rounds=5), "the times", length=2)
    fast, slow = (max(min(as_numbers(times, "the times", length=5)), 2e-4) for times in found)
    ratio, most = slow / fast, thresholds["growth"] * large / small
    expect(ratio <= most, f"{large // small} times the samples take {ratio:.0f} times as long; at most {most:.0f}.")


# -- 2.2 --------------------------------------------------------------------------------------------------------------

SIZES = (100, 400)
# Standard deviations for s = 100, d = 400. Each formula is further from the others than the tolerance.
DEVIATIONS = {"normal": 1.0, "xavier": np.sqrt(2 / 500), "kaiming": np.sqrt(2 / 100)}


def drawn(student, initializer, sizes=SIZES, count=1):
    """Weights and biases of some layers."""
    found = student.initial_weights(sizes=list(sizes), count=count, initializer=initializer)
    pairs = []
    for layer in as_items(found, "the answer", length=count):
        w, b = as_items(layer, "the weights of `Dense`", length=2, names="w and b")
        pairs.append((as_array(w, "w", kind="float"), as_array(b, "b", kind="number")))
    return pairs


def check_moments(w, initializer):
    """Mean, deviation and shape of the distribution of 40,000 draws; a truncated one is as good."""
    expected = DEVIATIONS[initializer]
    mean, deviation = float(w.mean()), float(w.std())
    # Six standard errors of the mean: 6 / sqrt(40000).
    expect(abs(mean) < 0.03 * expected, f"the mean of the weights is {mean:.4g}; expected 0.")
    # Cut at two deviations without making up for it, a normal distribution has 0.88 of its deviation.
    ratio = deviation / expected
    expect(
        0.86 < ratio < 1.04, f"for s = 100, d = 400 the standard deviation is {deviation:.4g}; expected {expected:.4g}."
    )
    kurtosis = float(np.mean(((w - mean) / deviation) ** 4))
    # 3 for a normal distribution, 2.4 for one cut at two deviations, 1.8 for a uniform one.
    expect(2.2 < kurtosis < 3.3, "the weights are not normally distributed.")


@pytest.mark.task("2.2", points=1, hint="Standard deviations: 1, sqrt(2 / (s + d)), sqrt(2 / s)")
@pytest.mark.parametrize("initializer", list(DEVIATIONS))
def test_initial_deviation(student, initializer):
    """The weights have the mean, the deviation and the distribution that the initializer's name says."""
    ((w, _),) = drawn(student, initializer)
    check_moments(w.astype(np.float64), initializer)


@pytest.mark.task("2.2", points=1, hint="w is (s, d) and b is (d,); b starts at 0 whatever the initializer")
def test_initial_shapes(student):
    """Weights are (s, d), and all biases are 0."""
    for initializer in ("zero", *DEVIATIONS):
        for s, d in ((3, 7), (7, 3)):
            ((w, b),) = drawn(student, initializer, (s, d))
            as_array(w, f"w of {initializer!r}", shape=(s, d), axes="inputs x outputs")
            expect(b.shape in ((d,), (1, d)), f"b of {initializer!r} has shape {b.shape}; expected ({d},).")
            expect(not b.any(), f"b of {initializer!r} is not 0 everywhere.")
            expect(initializer != "zero" or not w.any(), "w of 'zero' is not 0 everywhere.")
    flags = as_items(student.initial_flags(sizes=[3, 7]), "the flags", length=2, names="of w and of b")
    for name, flag in zip("wb", flags, strict=True):
        text = f"{name} of a new `Dense` has `trainable` {flag}" if flag is not None else f"{name} is no `Tensor`"
        expect(flag is not None and bool(flag), f"{text}; expected a `Tensor` that is trainable.")


@pytest.mark.task("2.2", points=1, hint="A seed belongs in the program, not in the layer; the default is kaiming")
def test_initial_draws(student):
    """The default is `kaiming`, and each layer draws weights of its own."""
    (first, _), (second, _) = drawn(student, None, count=2)
    expect(first.shape == second.shape, "two layers of one size have weights of different shapes.")
    expect(first.shape != SIZES or not same(first, second, atol=1e-9), "two layers start with the very same weights.")
    if first.std() > 0:
        ratio = first.std() / DEVIATIONS["kaiming"]
        own = drawn(student, "kaiming")[0][0].std() / DEVIATIONS["kaiming"]
        # Where `kaiming` itself is off, that is another test's matter.
        expect(0.9 < ratio / max(own, 1e-12) < 1.1, "without a name the weights are not those of `kaiming`.")
    else:
        expect(not drawn(student, "kaiming")[0][0].any(), "without a name all weights are 0; the default is kaiming.")


# -- 3 ----------------------------------------------------------------------------------------------------------------


def leaky(alpha):
    return lambda x: np.where(x > 0, x, alpha * x)


def softmax(x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.task("3.1", points=1, hint="alpha * x where x is negative")
def test_leaky_forward(student, rng):
    """Positive numbers pass, negative ones are multiplied by alpha: 0.3, or what was given."""
    x = np.concatenate([away_from_zero(rng, 5, 4), np.zeros((1, 4)), 1e6 * away_from_zero(rng, 1, 4)])
    for options in ({}, {"alpha": 0.05}, {"alpha": 0.0}):
        part = {"kind": "LeakyReLU", **options}
        for value in outputs_of(student, part, [x]):
            name = f"the output of LeakyReLU at alpha = {options.get('alpha', 0.3)}"
            assert_close(value, leaky(options.get("alpha", 0.3))(x), name, rtol=1e-5, atol=1e-7)


@pytest.mark.task("3.1", points=2, hint="The slope is 1 or alpha, number by number")
def test_leaky_gradient(student, rng):
    """The gradient is that of central differences."""
    for options in ({}, {"alpha": 0.05}):
        calls = [{"x": away_from_zero(rng, size, 5), "J": floats(rng, size, 5)} for size in (7, 1)]
        check_input_gradient(student, {"kind": "LeakyReLU", **options}, leaky(options.get("alpha", 0.3)), calls)


@pytest.mark.task("3.1", points=1, behind="3.1", hint="At 0 the slope may be 0, alpha or 1")
def test_leaky_again(student, rng):
    """At 0 the slope is one of 0, alpha and 1; a second call gives the same, and inputs are not written to."""
    part = {"kind": "LeakyReLU"}
    check_repeats(student, part, [{"x": away_from_zero(rng, size, 5), "J": floats(rng, size, 5)} for size in (4, 2)])
    J = away_from_zero(rng, 3, 4)
    (found,) = gradients_of(student, part, [{"x": np.zeros((3, 4)), "J": J}])
    values = [through_jacobian(found["jacobian"], J), found["composed"]]
    values = [value for value in values if isinstance(value, np.ndarray) and value.shape == J.shape]
    expect(values, "at x = 0 neither `compose_to_input` nor the product with the Jacobian works out.")
    slopes = (0.0, 0.3, 1.0)
    right = any(np.isclose((value / J)[..., None], slopes, atol=1e-5).any(axis=-1).all() for value in values)
    expect(right, "at x = 0 the slope of LeakyReLU is none of 0, alpha and 1.")


@pytest.mark.task("3.2", points=2, hint="exp over the sum of exp, along the last axis")
def test_softmax_forward(student, rng):
    """Each row becomes its exponentials over their sum."""
    for size, d in ((6, 4), (1, 7), (4, 2)):
        x = floats(rng, size, d, scale=2)
        (value,) = outputs_of(student, {"kind": "Softmax"}, [x])
        assert_close(value, softmax(x), "the output of Softmax", rtol=1e-5, atol=1e-7)


@pytest.mark.task("3.2", points=2, hint="Subtract the largest entry of each row, not of the whole array")
def test_softmax_is_stable(student, rng):
    """Large and small rows, side by side, become probabilities without overflow, each row by itself."""
    rows = floats(rng, 6, 5, scale=2)
    shifts = np.array([[1000.0], [-1000.0], [0.0], [1e5], [-1e5], [50.0]])
    (value,) = outputs_of(student, {"kind": "Softmax"}, [rows + shifts])
    expect(np.isfinite(value).all(), f"{int((~np.isfinite(value)).any(axis=1).sum())} of 6 rows hold NaN or infinity.")
    # At 1e5, 64-bit floats keep 11 digits behind the point, 32-bit ones two.
    assert_close(value[[0, 1, 2, 5]], softmax(rows)[[0, 1, 2, 5]], "the output of Softmax", rtol=1e-3, atol=1e-4)
    expect(np.abs(value.sum(axis=1) - 1).max() < 1e-5, "rows of the output do not sum to 1.")
    # Far apart within a row: the largest entry takes it all.
    wide = np.array([[1000.0, 0.0, -1000.0, 2.0, 990.0], [-900.0, -2000.0, -990.0, -1e4, -950.0]])
    (value,) = outputs_of(student, {"kind": "Softmax"}, [wide])
    expect(np.isfinite(value).all(), "rows with numbers far apart, such as 1000 and -1000, give NaN or infinity.")
    assert_close(value, softmax(wide), "the output of Softmax for numbers far apart", rtol=1e-3, atol=1e-6)


@pytest.mark.task("3.2", points=2, hint="diag(p) - p p^T for each row: it is no elementwise function")
def test_softmax_gradient(student, rng):
    """The gradient is that of central differences."""
    for d in (4, 2):
        calls = [{"x": floats(rng, size, d), "J": floats(rng, size, d)} for size in (6, 1)]
        check_input_gradient(student, {"kind": "Softmax"}, softmax, calls)


@pytest.mark.task("3.2", points=1, behind="3.2", hint="Keep the outputs apart from what you compute with them")
def test_softmax_again(student, rng):
    """Gradients come out the same a second time, and inputs are not written to."""
    calls = [{"x": floats(rng, size, 4), "J": floats(rng, size, 4)} for size in (5, 2)]
    check_repeats(student, {"kind": "Softmax"}, calls)


# -- 4.1 --------------------------------------------------------------------------------------------------------------


def mean_square(y_pred, y_true):
    return np.mean((y_pred - y_true) ** 2)


def predictions(rng, *sizes):
    return [{"y_pred": floats(rng, size, n), "y_true": floats(rng, size, n)} for size, n in sizes]


def losses_of(student, calls, gradients=True):
    """What `run_loss` in adapters.py found, for each call."""
    found = as_items(student.run_loss(calls=calls, gradients=gradients), "the answer", length=len(calls))
    keys = ["loss", "y_pred", "y_true", *(["first", "second"] if gradients else [])]
    return [as_dict(one, "the answer", keys) for one in found]


@pytest.mark.task("4.1", points=1, hint="The mean over all samples and outputs")
def test_mse_forward(student, rng):
    """The loss is one number: the mean over all samples and outputs of the squared difference."""
    calls = predictions(rng, (6, 4), (1, 3), (5, 1))
    for call, found in zip(calls, losses_of(student, calls, gradients=False), strict=True):
        array = as_array(found["loss"], "the loss", kind="float")
        expect(array.size == 1, f"the loss has shape {array.shape}; expected one number.")
        what = f"the loss of predictions of shape {call['y_pred'].shape}"
        assert_close(array.reshape(()), mean_square(**call), what, rtol=1e-5, atol=1e-7)


@pytest.mark.task("4.1", points=2, hint="2 * (y_pred - y_true) / n; the mean over the batch comes later")
def test_mse_gradient(student, rng):
    """Row b of the gradient is that of sample b's mean square, by central differences."""
    calls = predictions(rng, (6, 4), (1, 3), (5, 2))
    for call, found in zip(calls, losses_of(student, calls), strict=True):
        y_pred, y_true = call["y_pred"], call["y_true"]
        expected = np.stack(
            [differences.gradient(lambda v, y=y: np.mean((v - y) ** 2), p) for p, y in zip(y_pred, y_true, strict=True)]
        )
        array = as_array(found["first"], "the gradient of the loss", shape=expected.shape, axes="batch x outputs")
        batch, n = expected.shape
        slips = {
            "It is divided by B too; the mean over the batch is taken later.": expected / batch,
            "It has the wrong sign.": -expected,
            "1/n is missing.": expected * n,
            "The 2 is missing.": expected / 2,
        }
        hint = next((text for text, slip in slips.items() if same(array, slip, atol=1e-5)), "")
        assert_close(array, expected, "the gradient of the loss", hint=hint, **EXACT)


@pytest.mark.task("4.1", points=1, behind="4.1", hint="`y_pred -= y_true` changes the predictions themselves")
def test_mse_again(student, rng):
    """A second call of the gradient gives the same, and neither predictions nor labels are written to."""
    calls = predictions(rng, (6, 4), (3, 4))
    for call, found in zip(calls, losses_of(student, calls), strict=True):
        expect(same(found["first"], found["second"], atol=1e-9), "a second `input_gradients()` gives something else.")
        for name in ("y_pred", "y_true"):
            expect(same(found[name], call[name], atol=0), f"`MeanSquaredError` writes to {name}.")
