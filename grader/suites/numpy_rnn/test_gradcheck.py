"""Task 3: the gradient check, on gradients that the suite hands it, right and broken.

What it is given as right comes from differences of the submission's own `rnn_forward`: whatever that computes, the
check must agree. It is broken in one entry by the adapter. Your `bptt` takes no part.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from grader.oracles import nearby, rnn
from grader.oracles.compare import as_array, as_dict, as_items, as_number, as_numbers, expect

NAMES = rnn.NAMES
# Central differences by steps of 1e-5 err by some 1e-10, and no derivative here is below SMALLEST: 1e-7 at most,
# whatever the floor of the relative error. One-sided differences err by 5e-6 times the second derivative.
SMALLEST = 2e-3
ACCEPTED = 2e-6
THRESHOLD = 1e-4  # the default of the handout


class Check:
    """One problem, and the gradient of the submission's own loss."""

    def __init__(self, student, rng, steps=3, sizes=(2, 3, 4, 3), change=None):
        self.student = student
        for _ in range(60):
            self.draw(rng, steps, sizes)
            gradient = rnn.loss_gradient(self.model, self.x, self.labels, self.h)
            if change is not None or min(np.abs(grad).min() for grad in gradient.values()) > SMALLEST:
                break
        if change is not None:
            change(self)
        self.problem = {"X": self.x, "y": self.labels, "model": self.model, "initial_state": self.h}
        moves = nearby.moves(self.model)
        answer = student.losses_nearby(**self.problem, **moves.arguments)
        losses = as_numbers(answer, "the losses of `rnn_forward`", length=len(moves.names))
        self.grads = nearby.gradients(self.model, np.array(losses))

    def draw(self, rng, steps, sizes):
        batch, size, units, classes = sizes
        self.model = rnn.random_model(rng, size, units, classes, 0.6)
        self.x, self.labels = rng.normal(size=(steps, batch, size)), rng.integers(0, classes, size=(steps, batch))
        self.h = 0.5 * rng.normal(size=(batch, units))

    def run(self, broken=None, **settings):
        """What the check answered: errors by name, what it printed, which arrays it changed."""
        answer = self.student.gradient_check(**self.problem, grads=self.grads, broken=broken, settings=settings)
        answer = as_dict(answer, "the answer", ["errors", "printed", "changed", "clips"])
        self.clips = as_items(answer["clips"], "the values of clip")
        found = as_dict(answer["errors"], "what `rnn_gradient_check` returned", NAMES)
        errors = {name: as_number(found[name], f"the error of {name}", low=0) for name in NAMES}
        return errors, str(answer["printed"]), [str(name) for name in as_items(answer["changed"], "the names")]

    def break_(self, name, factor, which="largest"):
        """How to break an entry of a gradient, and bounds of the error that this makes.

        The bounds are those for floors from 0 to 0.01. Where all entries are 0 the factor would not break one, so a
        number is added.
        """
        sizes = np.abs(self.grads[name])
        flat = {"largest": sizes.argmax(), "smallest": sizes.argmin(), "first": 0, "last": sizes.size - 1}[which]
        index = np.unravel_index(flat, sizes.shape)
        number = 0.0 if sizes[index] > SMALLEST else 0.05
        right = float(self.grads[name][index])
        wrong = right * factor + number
        off, size = abs(right - wrong), abs(right) + abs(wrong)
        return [name, [int(i) for i in index], factor, number], (off / (size + 0.01), off / size)


def expect_accepted(errors):
    for name in NAMES:
        text = (
            f"for a right gradient it reports an error of {errors[name]:.2g} in {name}; expected less than {ACCEPTED}."
        )
        expect(errors[name] < ACCEPTED, text)


@pytest.mark.task("3.1", points=2, hint="(loss(w + h) - loss(w - h)) / 2h: both sides, and twice h below")
def test_right_gradient_is_accepted(student, rng):
    """A right gradient has hardly any error, in any parameter."""
    for sizes in ((1, 4, 3, 2), (2, 3, 4, 3)):
        check = Check(student, rng, sizes=sizes)
        errors, _, _ = check.run()
        expect_accepted(errors)
    largest = max(check.run(h=0.1)[0].values())  # of the order of h squared
    text = f"differences by steps of h = 0.1 are off by a thousandth; the errors reported are {largest:.2g} at most."
    expect(largest > 5 * ACCEPTED, f"{text} Is `h` used?")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.task("3.1", points=0.6, hint="Every entry of every parameter"), id=name)
        for name in NAMES
    ],
)
def test_broken_gradient_is_found(student, rng, name):
    """A gradient that is wrong in a single entry has that entry's error, and the other parameters are not blamed."""
    check = Check(student, rng)
    before, _, _ = check.run()
    for which, factor in (("largest", 1.02), ("first", -1.0), ("last", 0.0), ("smallest", 3.0)):
        broken, (low, high) = check.break_(name, factor, which)
        errors, _, _ = check.run(broken=broken)
        text = f"the {which} entry of the gradient of {name} is wrong (times {factor}); the error reported is "
        expect(errors[name] > THRESHOLD, f"{text}{errors[name]:.2g}.")
        text += f"{errors[name]:.4g}; expected the largest |a - b| / max(|a| + |b|, floor): {low:.4g} to {high:.4g}."
        # Errors that are off for a right gradient, too, are charged there.
        expect(0.97 * low < errors[name] < 1.03 * high or before[name] > ACCEPTED, text)
        for other in set(NAMES) - {name}:
            blamed = errors[other] > 1.01 * before[other] + 1e-7
            expect(not blamed, f"that raises the error reported for {other}, too, from {before[other]:.2g}.")


@pytest.mark.task("3.1", points=1, hint="Divide by max(|a| + |b|, a small number)")
def test_nothing_by_nothing(student, rng):
    """Where both derivatives are 0 the error is 0, and not NaN."""

    def silence(check):
        check.x[:, :, 1] = 0.0  # an input that is always 0: so are the derivatives by its weights

    errors, _, _ = Check(student, rng, change=silence).run()
    text = f"where both derivatives are 0 it reports an error of {errors['Wxh']:.2g} in Wxh."
    expect(errors["Wxh"] < 0.9, text)


@pytest.mark.task("3.1", points=1, hint="`bptt_fn(..., clip=None)`")
def test_clipping_is_off(student, rng):
    """`bptt_fn` is called without clipping, which would make large gradients look wrong."""
    check = Check(student, rng)
    check.run()
    expect(check.clips, "`bptt_fn` was never called.")
    for clip in check.clips:
        value = np.inf if clip is None else float(as_array(clip, "clip", shape=(), finite=False))
        expect(value >= 1e6, f"`bptt_fn` was called with clip={clip}, 5 being its default; expected clip=None.")


@pytest.mark.task("3.1", points=1, hint="Keep the old value, and put that back; a - h + h may be another number")
def test_model_is_unchanged(student, rng):
    """The model is the same afterwards, bit by bit, whether the check passes or fails."""
    check = Check(student, rng)
    for broken in (None, check.break_("Whh", 3.0)[0]):
        _, _, changed = check.run(broken=broken)
        expect(not changed, f"afterwards {', '.join(changed)} differs from what it was.")


def print_of(check, broken=None):
    """What the check prints, with plain indices in place of those that NumPy 2 writes for `unravel_index`."""
    return re.sub(r"np\.int\w*\((\d+)\)", r"\1", check.run(broken=broken)[1])


def news(printed, usual):
    """The lines that are not printed for a right gradient, too: there may be one for each entry."""
    return "\n".join(line for line in printed.splitlines() if line not in usual)


@pytest.mark.task("3.1", points=1, hint="Print name and index of the worst entry, such as Whh[1, 2]")
def test_failure_is_located(student, rng):
    """Where it fails it says so, with the name and the index of the entry."""
    check = Check(student, rng)
    for name, places in (("Whh", ("smallest", "last", "first")), ("by", ("smallest", "largest"))):
        said, usual = {}, print_of(check).splitlines()
        for which in places:
            broken, _ = check.break_(name, -3.0, which)
            index = tuple(broken[1])
            said[index] = printed = print_of(check, broken)
            # The name, and soon the index, however they are written: Whh[1, 2], Whh (1, 2), parameter=Whh ix=(1, 2)
            place = r"(?<!\d)" + r"[^\d.]{1,9}".join(map(str, index)) + r"(?!\d)"
            found = re.search(rf"\b{name}\b[\s\S]{{0,300}}?{place}", printed) and re.search(place, news(printed, usual))
            expect(found, f"entry {index} of {name} was wrong; what is printed does not say which one.")
        for index, printed in said.items():
            for other in said.keys() - {index}:
                place = rf"\b{name}\b[^\n]{{0,300}}?[\[(]{other[0]}, ?{other[1]}[\])]"
                named = re.search(place, news(printed, usual))
                expect(not named, f"entry {index} of {name} was wrong; what is printed names {other}, too.")
    broken, (_, highest) = check.break_("Whh", 1.02)
    strict, loose = (check.run(broken=broken, error_threshold=least)[1] for least in (1e-4, 0.5))
    text = f"an error of {highest:.2g} passes with `error_threshold=0.5` and fails with 1e-4; the same is printed."
    expect(strict != loose, text)
