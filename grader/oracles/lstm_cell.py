"""What an LSTM cell must do, checked on its answers alone; for the suites whose students write one.

Names, shapes and layout of a cell's weights are the student's matter, so gates are read off the answers: see
grader.oracles.lstm. Shapes: N points, D features of the input, U units.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from grader.oracles import lstm
from grader.oracles.compare import Mismatch, assert_close, expect, same


@dataclass(frozen=True)
class UnknownCell:
    """A cell that is known by its answers; each check raises `Mismatch` with words for the student.

    Attributes:
        step: From x `(N, D)`, h and c `(N, U)` to the new h and c, in float64 and with their shapes checked; it
            computes in float32.
        input_size: D.
        units: U.
        rng: Draws the points.
    """

    step: lstm.Step
    input_size: int
    units: int
    rng: np.random.Generator

    def _points(self, count: int) -> tuple[lstm.Array, lstm.Array, lstm.Array]:
        x, h, c = (self.rng.normal(size=(count, size)) for size in (self.input_size, self.units, self.units))
        return _exact_in_float32(x), _exact_in_float32(h), _exact_in_float32(c)

    def _at_origin(self) -> lstm.Split:
        return lstm.split_step(self.step, np.zeros((1, self.input_size)), np.zeros((1, self.units)), self.units)

    def check_rows_are_independent(self) -> None:
        """Rows of a batch do not touch one another, and a second call answers as the first did."""
        x, h, c = self._points(5)
        whole, again = self.step(x, h, c), self.step(x, h, c)
        single = self.step(x[2:3], h[2:3], c[2:3])
        for name, first, second, row in zip("hc", whole, again, single, strict=True):
            text = f"called twice with the same arguments, the cell returned two different {name}."
            expect(same(first, second, atol=0), text)
            # Another batch size may take another order of summation.
            what = f"{name} of a row alone, against the same row in a batch"
            assert_close(row[0], first[2], what, rtol=1e-5, atol=1e-6)

    def check_state_update(self) -> None:
        """The new c is affine in the old one: kept by a share f in (0, 1), plus what the input adds, in (-1, 1)."""
        x, h, _ = self._points(40)
        levels = (0.0, 1.0, -2.0, 4.0)
        found = [self.step(x, h, np.full((40, self.units), level))[1] for level in levels]
        added, kept = found[0], found[1] - found[0]
        expect(np.abs(kept).max() > 1e-5, "the new c does not depend on the old one at all.")
        for level, state in zip(levels, found, strict=True):
            straight = same(state, added + level * kept, atol=1e-5 * (1 + abs(level)))
            text = "the new c is not affine in the old c; expected c' = f * c + i * g, with gates of x and h alone."
            expect(straight, text)
        low, high = kept.min(), kept.max()
        expect(low > 0 and high < 1, f"c' keeps {low:.3g} to {high:.3g} of c; expected 0 < f < 1.")
        expect(np.abs(added).max() < 1, f"at c = 0 the new c reaches {np.abs(added).max():.3g}; expected |i * g| < 1.")
        one_sign = added.min() >= 0 or added.max() <= 0
        expect(not one_sign, "what is added to c has one sign everywhere; is the candidate g a tanh?")

    def check_output(self) -> None:
        """The new h is the output gate, in (0, 1) and blind to c, times tanh of the new c."""
        x, h, _ = self._points(40)
        gates = []
        for level in (-8.0, -3.0, 3.0, 8.0):
            new_h, new_c = self.step(x, h, np.full((40, self.units), level))
            usable = np.abs(new_c) > 0.05  # closer to 0 the quotient is not exact
            gates.append(np.where(usable, new_h / np.tanh(np.where(usable, new_c, 1)), np.nan))
        quotients = np.stack(gates)
        enough = np.isfinite(quotients).mean() > 0.5
        expect(enough, "the new c stays close to 0 even where the old one is 8.")
        low, high = np.nanmin(quotients), np.nanmax(quotients)
        expect(low > 0 and high < 1, f"h' / tanh(c') lies between {low:.3g} and {high:.3g}; expected 0 < o < 1.")
        with np.errstate(all="ignore"):
            highest = np.nanmax(quotients, axis=0, initial=-np.inf)
            spread = np.nan_to_num(highest - np.nanmin(quotients, axis=0, initial=np.inf))
        # The quotient is exact to 1e-7 / 0.05.
        text = f"h' / tanh(c') changes by {spread.max():.3g} with c; the gate o is one of x and h alone."
        expect(spread.max() < 1e-4, text)

    def check_forget_bias(self) -> None:
        """A new cell's forget gate has a bias of 1: at x = 0 and h = 0 it keeps sigmoid(1) = 0.731 of c."""
        f = self._at_origin().f
        # Float32 makes an error of 1e-7; a bias of 0.99 one of 2e-3.
        off = np.abs(f - lstm.sigmoid(np.ones(1)))
        text = f"at x = 0 and h = 0 the cell keeps {f.min():.3f} to {f.max():.3f} of c; expected 0.731."
        expect(off.max() < 1e-3, text)

    def check_other_biases(self) -> None:
        """In a new cell the bias of 1 is the forget gate's alone."""
        off = np.abs(self._at_origin().o - lstm.sigmoid(np.ones(1)))
        # Where c' stays 0 the gate can't be read; that is another test's matter.
        expect(not (off < 1e-3).all(), "the output gate starts with a bias of 1, too.")
        try:
            recovered = lstm.recover(self.step, self.input_size, self.units, self.rng)
        except Mismatch:  # no such gates, which other tests tell
            return
        if not (np.abs(recovered.f.b - 1) < 1e-2).all():
            return  # the forget gate's bias lies elsewhere, which another test tells
        for name, bias in (("input gate", recovered.i.b), ("candidate", recovered.g.b)):
            expect(not (np.abs(bias - 1) < 1e-2).all(), f"the {name} starts with a bias of 1, too.")

    def check_constant_weights(self, kernel: float) -> None:
        """With one number in all matrices, and biases 0, a step gives what the equations say.

        Args:
            kernel: That number, which the cell's matrices hold by now.
        """
        # A forget bias of 1 may be a variable, and is now 0, or a number that the step adds.
        f = self._at_origin().f
        bias = float(np.round(lstm.logit(np.clip(f, 1e-6, 1 - 1e-6)).mean(), 4))
        text = f"with biases set to 0 the forget gate at x = 0, h = 0 is {f.mean():.3f}; expected 0.5."
        expect(bias in (0.0, 1.0), text)
        x, h, c = self._points(30)
        expected = lstm.constant_step(x, h, c, kernel, bias)
        for name, got, wanted in zip("hc", self.step(x, h, c), expected, strict=True):
            # One step in float32 differs from float64 by some 1e-6; a wrong equation by more than 1e-2.
            assert_close(got, wanted, f"the new {name}", rtol=1e-5, atol=1e-5)

    def check_equations(self) -> None:
        """With all weights different, the cell equals an LSTM whose four gates are read off its answers."""
        recovered = lstm.recover(self.step, self.input_size, self.units, self.rng)
        x, h, c = self._points(60)
        for name, got, wanted in zip("hc", self.step(x, h, c), recovered.step(x, h, c), strict=True):
            # The recovered weights are exact to 1e-4 in z; measured over 600 cells, states differ by 2e-5 at most.
            assert_close(got, wanted, f"the new {name}", rtol=0, atol=3e-4)

    def check_gates_are_four(self) -> None:
        """All four gates look at both x and h, each through weights and with biases of its own.

        To start with, noise with a standard deviation of 0.3 must have been added to each weight.
        """
        recovered = lstm.recover(self.step, self.input_size, self.units, self.rng)
        weights = {}
        for gate, name in lstm.GATES.items():
            affine: lstm.Affine = getattr(recovered, gate)
            for source, matrix in (("x", affine.W_x), ("h", affine.W_h)):
                blind = np.abs(matrix).max(axis=1) < 5e-3  # recovery is exact to 1e-4
                part = "all of " if not blind.all() else ""
                expect(not blind.any(), f"the {name} ({gate}) does not look at {part}{source}.")
            weights[name] = np.vstack([affine.W_x, affine.W_h])
        for (one, first), (other, second) in itertools.combinations(weights.items(), 2):
            distance = min(np.abs(first - second).max(), np.abs(first + second).max())
            expect(distance > 5e-3, f"the {one} and the {other} share their weights; each gate has its own.")
        for gate, name in lstm.GATES.items():
            affine = getattr(recovered, gate)
            fixed = np.abs(affine.b - (gate == "f")) < 5e-3  # a bias that is a variable has noise by now
            expect(not fixed.all(), f"the {name} ({gate}) has no bias that can be learnt.")


def _exact_in_float32(values: lstm.Array) -> lstm.Array:
    return values.astype(np.float32).astype(np.float64)
