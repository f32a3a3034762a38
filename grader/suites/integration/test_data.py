"""Task 1: the noise generator, its wrapper, and the input pipeline."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_dict, as_items, as_number, as_numbers, as_shape, expect

# A sum this close to 0 may have another sign in float32 than in float64: such labels are not judged.
UNCLEAR = 1e-4


def checked_count(found, what, num_samples):
    """What `noise_samples` found, as a dict, once it is known to be that many samples."""
    found = as_dict(found, "the answer", ["count", "first", "noise", "labels"])
    count = as_number(found["count"], "the number of samples")
    expect(count == num_samples, f"{what} yielded {count:.0f} samples; expected {num_samples}.")
    return found


def flat_samples(found, seq_len, what):
    """Noise `(N, seq_len)` in float64 and labels `(N,)`; axes of length 1 are the matter of one test alone."""
    found = as_dict(found, "the answer", ["count", "first", "noise", "labels"])
    count = int(as_number(found["count"], "the number of samples"))
    expect(count > 0, f"{what} yielded nothing.")
    as_items(found["first"], f"the first sample of {what}", length=2, names="noise and label")
    one_shape = found["noise"] is not None and found["labels"] is not None
    expect(one_shape, f"the samples of {what} are not all pairs of one shape.")
    noise, labels = (as_array(found["noise"], "the noise"), as_array(found["labels"], "the labels", kind="any"))
    expect(noise.size == count * seq_len, f"the noise of {what} has shape {noise.shape[1:]}; expected ({seq_len}, 1).")
    expect(labels.size == count, f"the labels of {what} have shape {labels.shape[1:]}; expected (1,).")
    return noise.reshape(count, seq_len).astype(np.float64), labels.ravel()


def alike(first, second):
    """How many signals of two draws are the same."""
    many = min(len(first), len(second))
    return int((np.abs(first[:many] - second[:many]).max(axis=1) == 0).sum())


def check_labels(noise, labels):
    """Labels say whether the sum is above 0; the message names the likely slip."""
    labels = labels.astype(np.float64)
    values = np.unique(labels)
    expect(np.isin(values, (0, 1)).all(), f"the labels hold the values {values[:5].tolist()}; expected 0 and 1 alone.")
    sums = noise.sum(axis=1)
    clear = np.abs(sums) > UNCLEAR
    sums, found = sums[clear], labels[clear] == 1
    wrong = found != (sums > 0)
    if not wrong.any():
        return
    first_half = noise[:, : noise.shape[1] // 2].sum(axis=1)[clear]
    slips = {
        "they are inverted": found == (sums <= 0),
        "they compare the sum with 1 instead of 0": found == (sums > 1),
        "they compare the sum's absolute value": found == (np.abs(sums) > 1),
        "they look at the last step alone": found == (noise[clear, -1] > 0),
        "they look at the first half of the signal alone": found == (first_half > 0),
    }
    advice = next((f": {slip}" for slip, labelled in slips.items() if np.mean(labelled == 1) > 0.99), "")
    expect(False, f"{int(wrong.sum())} of {len(wrong)} labels do not say whether the sum is above 0{advice}.")


# -- 1.1 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task("1.1", points=2, limit_s=8, hint="Draw one signal for each `yield`; store none of them")
def test_generator_is_lazy(student):
    """The first of a billion samples comes at once: nothing is drawn or stored in advance."""
    found = student.noise_samples(seq_len=25, num_samples=10**9, at_most=3)
    checked_count(found, "integration_task(25, 10**9), asked for 3,", 3)


@pytest.mark.task("1.1", points=1)
def test_generator_ends(student):
    """`integration_task` yields exactly `num_samples` samples."""
    for num_samples in (1, 7, 100):
        found = student.noise_samples(seq_len=3, num_samples=num_samples)
        checked_count(found, f"integration_task(3, {num_samples})", num_samples)


@pytest.mark.task("1.1", points=2, hint="The handout fixes (seq_len, 1) and (1,)")
def test_generator_shapes(student):
    """Noise is (seq_len, 1) and the label (1,), for any sequence length from 1 on."""
    for seq_len in (1, 5, 40):
        what = f"a sample of integration_task({seq_len}, 4)"
        found = student.noise_samples(seq_len=seq_len, num_samples=4)
        found = as_dict(found, "the answer", ["first", "noise", "labels"])
        noise, label = as_items(found["first"], what, length=2, names="noise and label")
        as_array(noise, f"the noise of {what}", shape=(seq_len, 1), axes="time x 1")
        as_array(label, f"the label of {what}", shape=(1,), kind="any")
        one_shape = found["noise"] is not None and found["labels"] is not None
        expect(one_shape, f"the samples of integration_task({seq_len}, 4) are not all of one shape.")


@pytest.mark.task("1.1", points=1, hint="NumPy draws in float64 and compares to booleans: `astype` converts")
def test_generator_dtypes(student):
    """Noise is float32, labels are integers."""
    found = as_dict(student.noise_samples(seq_len=6, num_samples=3), "the answer", ["first"])
    noise, label = as_items(found["first"], "a sample", length=2, names="noise and label")
    as_array(noise, "the noise", dtype="float32")
    as_array(label, "the label", kind="integer")


@pytest.mark.task("1.1", points=2, hint="Sum over all time steps, then compare with 0")
def test_label_is_sign_of_sum(student):
    """The label is 1 where the whole signal sums to more than 0, else 0."""
    for seq_len in (1, 25):
        found = student.noise_samples(seq_len=seq_len, num_samples=1000)
        check_labels(*flat_samples(found, seq_len, f"integration_task({seq_len}, 1000)"))


@pytest.mark.task("1.1", points=1, hint="Draw anew for every sample: `np.random.normal(size=...)` inside the loop")
def test_noise_is_white(student):
    """The noise is white: mean 0, every step and every sample drawn by itself."""
    steps = 8
    noise, _ = flat_samples(student.noise_samples(seq_len=steps, num_samples=4000), steps, "integration_task(8, 4000)")
    scale = noise.std()
    expect(scale > 1e-3, "the noise is the same number everywhere.")
    expect((noise.std(axis=0) > 0.1 * scale).all(), "all samples are alike: draw new noise for each.")
    # Tossed coins give all steps of a sample one side now and then.
    expect(np.mean(noise.std(axis=1) > 1e-6 * scale) > 0.5, "within a sample all time steps are alike.")
    # Each bound is six standard errors: a right generator fails one of some 60 comparisons in 10 million runs or fewer.
    mean = noise.mean() / scale
    expect(abs(mean) < 6 / np.sqrt(noise.size), f"the mean is {mean:.3f} standard deviations; expected 0.")
    between_steps = np.corrcoef(noise, rowvar=False) - np.eye(steps)
    related = np.abs(between_steps).max() >= 6 / np.sqrt(len(noise))
    expect(not related, "time steps depend on one another; white noise has no memory.")
    following = noise[1:].ravel() @ noise[:-1].ravel() / (noise.size * scale**2)
    expect(abs(following) < 6 / np.sqrt(noise.size), "samples depend on the ones before.")


@pytest.mark.task("1.1", points=1, hint="A fixed seed inside the generator gives the same noise in every epoch")
def test_noise_is_fresh(student):
    """Every call of `integration_task` draws other noise."""
    (first, _), (second, _) = (
        flat_samples(student.noise_samples(seq_len=40, num_samples=20), 40, "integration_task(40, 20)")
        for _ in range(2)
    )
    many = alike(first, second)
    expect(many == 0, f"{many} of 20 samples of a second call are those of the first.")


# -- 1.2 --------------------------------------------------------------------------------------------------------------


@pytest.mark.task(
    "1.2", points=2, hint="The function is called once for each epoch: it makes a new generator every time"
)
def test_wrapper_starts_anew(student):
    """Every call of `my_integration_task()` starts anew, with at least 25 time steps and other noise."""
    calls = as_items(student.wrapper_samples(num_samples=200), "the answer", length=2)
    first, second = (
        checked_count(found, f"{which} call of `my_integration_task()`, asked for 200,", 200)
        for found, which in zip(calls, ("the first", "a second"), strict=True)
    )
    pair = as_items(first["first"], "a sample", length=2, names="noise and label")
    seq_len = len(as_items(pair[0], "the noise"))
    expect(seq_len >= 25, f"the noise has {seq_len} time steps; expected at least 25.")
    noise, other = (flat_samples(found, seq_len, "`my_integration_task()`")[0] for found in (first, second))
    if alike(noise, other):
        # Where `integration_task` itself repeats its noise, that is counted there.
        direct = [student.noise_samples(seq_len=seq_len, num_samples=20) for _ in range(2)]
        own = alike(*(flat_samples(found, seq_len, "`integration_task`")[0] for found in direct))
        expect(own, f"{alike(noise, other)} of 200 samples of a second call are those of the first.")


@pytest.mark.task("1.2", points=1)
def test_wrapper_count(student):
    """`my_integration_task()` yields 80,000 samples, and does so again when it is called again."""
    found = as_dict(student.wrapper_count(at_most=80_002), "the answer", ["first", "second"])
    count = as_number(found["first"], "the number of samples")
    more = " or more" if count == 80_002 else ""
    expect(count == 80_000, f"it yielded {count:.0f}{more}; expected 80000.")
    again = as_number(found["second"], "the number of samples")
    expect(again > 0, "once the first call is used up, a second one yields nothing; each epoch calls it anew.")


# -- 1.3 --------------------------------------------------------------------------------------------------------------


def checked_passes(student, num_samples, seq_len, batch_size, passes=1):
    """The numbers of the marked samples and their labels, for each pass, in the order in which they came."""
    found = student.dataset_passes(num_samples=num_samples, seq_len=seq_len, batch_size=batch_size, passes=passes)
    results = []
    for number, one in enumerate(as_items(found, "the answer", length=passes), start=1):
        as_dict(one, "the answer", ["ended", "shapes", "dtypes", "numbers", "labels", "spread"])
        expect(one["numbers"] is not None, f"pass {number} through the dataset gave no batch.")
        numbers = as_array(one["numbers"], "the noise", kind="float").ravel()
        labels = as_array(one["labels"], "the labels", kind="integer").ravel()
        expect(len(numbers) == len(labels), "there are not as many labels as signals.")
        results.append((one, numbers, labels))
    return results


def check_end(found):
    expect(found["ended"] is True, "the dataset has no end; an epoch is one run of the generator.")


@pytest.mark.task("1.3", points=1, hint="`output_signature` describes one sample, `batch` adds the first axis")
def test_batches(student, rng):
    """Batches are (B, seq_len, 1) float32 and (B, 1) integer, and hold every sample once."""
    seq_len, batch_size = int(rng.integers(4, 9)), int(rng.integers(9, 14))
    num_samples = 12 * batch_size + 3
    ((found, numbers, _),) = checked_passes(student, num_samples, seq_len, batch_size)
    check_end(found)
    for x, y in (as_items(shapes, "the shapes", length=2) for shapes in as_items(found["shapes"], "the shapes")):
        x, y = as_shape(x, "the shape"), as_shape(y, "the shape")
        # The last batch holds what is left, or was dropped.
        expect(
            x[:1] in ((batch_size,), (3,)), f"a batch has shape {x}; expected {batch_size} samples (or 3, the last)."
        )
        expect(x[1:] == (seq_len, 1), f"a batch of noise has shape {x}; expected (B, {seq_len}, 1).")
        expect(y == (*x[:1], 1), f"a batch of labels has shape {y} where the noise has {x}; expected (B, 1).")
    for x, y in (as_items(dtypes, "the dtypes", length=2) for dtypes in as_items(found["dtypes"], "the dtypes")):
        expect(str(x) == "float32", f"the noise has dtype {x}; expected float32.")
        expect("int" in str(y), f"the labels have dtype {y}; expected an integer.")
    expect(as_number(found["spread"], "the spread") == 0, "time steps of different samples are mixed.")
    unique = len(np.unique(numbers))
    expect(unique == len(numbers), f"{len(numbers) - unique} samples came twice in one epoch.")
    expect(np.isin(numbers, np.arange(num_samples)).all(), "the dataset holds other samples than the generator yields.")
    expect(unique >= num_samples - batch_size, f"of {num_samples} samples the dataset holds {unique}.")


@pytest.mark.task("1.3", points=2, hint="Shuffle pairs, as the dataset holds them: never noise and labels apart")
def test_pairs_stay_together(student):
    """After shuffling, each label still belongs to its noise."""
    ((_, numbers, labels),) = checked_passes(student, num_samples=300, seq_len=4, batch_size=16)
    wrong = int((numbers % 2 != labels).sum())
    expect(wrong == 0, f"{wrong} of {len(labels)} labels belong to other noise.")


@pytest.mark.task("1.3", points=1, hint="`shuffle` comes before `batch`, or whole batches are shuffled")
def test_dataset_is_shuffled(student):
    """Samples come in another order than the generator yields them."""
    ((_, numbers, _),) = checked_passes(student, num_samples=300, seq_len=3, batch_size=10)
    expect((np.diff(numbers) != 1).any(), "the samples come in the generator's order: the dataset is not shuffled.")
    within = np.mean(np.diff(numbers) == 1)
    expect(within < 0.8, "whole batches are shuffled, not samples.")


@pytest.mark.task(
    "1.3", points=1, hint="`from_generator` takes the function, not what it returned; `cache` keeps old noise"
)
def test_second_epoch(student):
    """A second epoch calls the generator again: as many samples, and new ones."""
    passes = checked_passes(student, num_samples=64, seq_len=3, batch_size=8, passes=2)
    (found, first, _), (_, second, _) = passes
    check_end(found)
    expect(len(second) == len(first), f"the second epoch has {len(second)} samples; the first had {len(first)}.")
    expect(
        not np.isin(second, first).any(), "the second epoch repeats samples of the first instead of drawing new ones."
    )


@pytest.mark.task(
    "1.3", points=2, tier="outstanding", limit_s=40, hint="Hand the generator over as it is; end with `prefetch`"
)
def test_pipeline_works_ahead(student):
    """The pipeline draws what it needs from an endless generator, and the next batch while the last is in use."""
    available = 200_000
    found = student.dataset_ahead(seq_len=5, batch_size=16, available=available)
    found = as_dict(found, "the answer", ["drawn", "exhausted", "ahead"])
    expect(
        as_number(found["drawn"], "the number") > 0, "the dataset does not draw from the generator that it is given."
    )
    expect(
        found["exhausted"] is False,
        f"the first batch came only after all {available} samples had been drawn; draw them as they are needed.",
    )
    expect(
        found["ahead"] is True,
        "nothing is drawn while a batch is in use: each batch is waited for. Look at `prefetch`.",
    )


@pytest.mark.task(
    "1.3", points=1, tier="outstanding", limit_s=40, hint="Work on batches: each call on a sample is dear"
)
def test_pipeline_is_fast(student, thresholds):
    """The pipeline keeps up: at most 60 times slower than the bare generator."""
    times = student.dataset_speed(seq_len=1000, batch_size=64, num_samples=400, rounds=3)
    times = as_dict(times, "the answer", ["generator", "pipeline"])
    bare = as_numbers(times["generator"], "the generator's times", length=2)
    piped = as_numbers(times["pipeline"], "the pipeline's times", length=2)
    # On a busy machine one of the two clocks may run away; right pipelines need some 15 times as long.
    ratio = min(slow / max(fast, 1e-6) for slow, fast in zip(piped, bare, strict=True))
    most = thresholds["samples_ratio"]
    expect(ratio <= most, f"a sample takes {ratio:.0f} times as long as from the bare generator; at most {most:.0f}.")
