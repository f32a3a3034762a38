"""Task 6: categorical accuracy and one-hot encoding."""

from __future__ import annotations

import numpy as np
import pytest

from grader.oracles.compare import as_array, as_dict, as_items, as_number, expect


def probabilities(rng, rows, classes, labels, share_right):
    """Rows that sum to 1, whose largest entry is that of the label in a share of them."""
    p = rng.uniform(0.0, 0.3, size=(rows, classes))
    right = np.arange(rows) < round(share_right * rows)
    chosen = np.where(right, labels, (labels + 1 + rng.integers(0, classes - 1, size=rows)) % classes)
    p[np.arange(rows), chosen] = 0.6
    return p / p.sum(axis=1, keepdims=True)


def one_hot(labels, classes):
    return np.eye(classes)[labels]


@pytest.mark.task("6.1", points=2, hint="Compare `argmax` over the last axis, row by row, then take the mean")
def test_accuracy_counts_rows(student, rng):
    """The accuracy is the share of rows whose largest probability is that of the label."""
    calls, shares = [], (0.0, 0.3, 0.75, 1.0)
    for share, (rows, classes) in zip(shares, ((10, 4), (40, 10), (8, 2), (5, 3)), strict=True):
        labels = rng.integers(0, classes, size=rows)
        calls.append({"probs": probabilities(rng, rows, classes, labels, share), "labels": one_hot(labels, classes)})
    found = as_items(student.accuracies(calls=calls), "the answer", length=len(calls))
    for share, value in zip(shares, found, strict=True):
        value = as_number(value, "the accuracy")
        expect(
            abs(value - share) < 1e-6, f"the accuracy is given as {value:.4g} where {share:.4g} of the rows are right."
        )


@pytest.mark.task("6.1", points=1, hint="`argmax`, not a threshold: the largest entry may be small, or above 1")
def test_accuracy_of_flat_rows(student, rng):
    """Only the order in a row counts: its largest entry may be small, negative or above 1."""
    labels = np.array([0, 1, 2, 3, 4, 5])
    flat = 0.1 + 0.01 * one_hot(labels, 6)
    scores = 30 * one_hot(labels, 6) - 50
    half = np.where(np.arange(6)[:, None] < 3, flat, np.roll(flat, 1, axis=1))
    calls = [{"probs": p, "labels": one_hot(labels, 6)} for p in (flat, scores, half, 1e-12 * flat)]
    found = as_items(student.accuracies(calls=calls), "the answer", length=len(calls))
    for share, value, what in zip((1, 1, 0.5, 1), found, ("flat", "negative", "half right", "tiny"), strict=True):
        value = as_number(value, "the accuracy")
        expect(
            abs(value - share) < 1e-6, f"for rows that are {what} the accuracy is given as {value:.4g}, not {share}."
        )


# -- 6.2 --------------------------------------------------------------------------------------------------------------

KINDS = {
    "contiguous": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    "with gaps": [-5, 3, 7, 42, 100],
    "words": ["bee", "ant", "cat", "dog"],
}


def encoded(student, labels, before=None):
    """What the encoder made of labels: see `one_hot_encoder` in adapters.py."""
    found = student.one_hot_encoder(labels=labels, before=before)
    return as_dict(found, "the answer", ["uniq", "table", "encoded", "decoded"])


def drawn(rng, kind, count):
    """Labels of a kind in random order, each at least once."""
    names = KINDS[kind]
    order = np.concatenate([rng.permutation(len(names)), rng.integers(0, len(names), size=count - len(names))])
    return [names[i] for i in rng.permutation(order)]


@pytest.mark.task("6.2", points=2, hint="`np.unique` of the labels, one row of `np.eye` for each")
def test_fit_finds_labels(student, rng):
    """`fit` finds every label once, and gives each a one-hot row of its own."""
    labels = drawn(rng, "with gaps", 30)
    found = encoded(student, labels)
    check_labels(labels, found)
    in_order = [str(label) for label in found["uniq"]] == [str(label) for label in sorted(set(labels))]
    expect(in_order, f"`uniq` is {found['uniq']}; expected it sorted.")


@pytest.mark.task("6.2", points=0, hint="Begin with an empty dictionary at each call of `fit`")
def test_fit_anew(student, rng):
    """A second `fit` knows the labels of its own data alone."""
    labels = drawn(rng, "with gaps", 20)
    check_labels(labels, encoded(student, labels, before=[3, 8, 9]))


def check_labels(labels, found):
    """Holds `uniq` and `uniq2oh` against the labels."""
    uniq = as_items(found["uniq"], "`uniq`")
    expect(
        sorted(map(str, uniq)) == sorted(map(str, set(labels))), f"`uniq` has {len(uniq)} labels; expected each once."
    )
    rows = table_of(found, uniq)
    size = len(uniq)
    for label, row in rows.items():
        row = as_array(row, f"the row of label {label}", shape=(size,), axes="labels", kind="any")
        expect(sorted(row.astype(float)) == [0.0] * (size - 1) + [1.0], f"the row of label {label} is not one-hot.")
    distinct = {tuple(np.asarray(row, dtype=float)) for row in rows.values()}
    expect(len(distinct) == size, "two labels have the same row.")


def table_of(found, uniq):
    """`uniq2oh` as a dict from the label's text to its row."""
    pairs = as_items(found["table"], "`uniq2oh`")
    rows = {}
    for pair in pairs:
        label, row = as_items(pair, "an entry of `uniq2oh`", length=2, names="label and row")
        rows[str(label)] = row
    extra = len(rows) - len(uniq)
    expect(extra <= 0, f"`uniq2oh` has {extra} labels that are not in `uniq`.")
    missing = [str(label) for label in uniq if str(label) not in rows]
    expect(not missing, f"`uniq2oh` lacks {len(missing)} of the labels in `uniq`, such as {missing[:1]}.")
    return rows


@pytest.mark.task("6.2", points=1, hint="Row i of `np.eye` belongs to `uniq[i]`: `inverse` counts on it")
@pytest.mark.parametrize("kind", list(KINDS))
def test_encoding_and_back(student, rng, kind):
    """Labels of any kind are encoded, and `inverse` gives them back."""
    labels = drawn(rng, kind, 25)
    found = encoded(student, labels)
    shape = (len(labels), len(KINDS[kind]))
    array = as_array(found["encoded"], "the encoding", shape=shape, axes="labels x classes", kind="any")
    expect((np.sort(array, axis=1)[:, :-1] == 0).all(), "a row of the encoding has more than one entry.")
    expect((array.max(axis=1) == 1).all(), "a row of the encoding has no 1.")
    decoded = [str(label) for label in as_items(found["decoded"], "the decoded labels", length=len(labels))]
    wrong = sum(one != str(other) for one, other in zip(decoded, labels, strict=True))
    expect(wrong == 0, f"{wrong} of {len(labels)} labels are others after `inverse`.")
