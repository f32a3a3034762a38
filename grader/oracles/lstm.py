"""An LSTM in NumPy float64, and its recovery from a black box.

    i = sigmoid(x W_xi + h W_hi + b_i)    c' = f * c + i * g
    f = sigmoid(x W_xf + h W_hf + b_f)    h' = o * tanh(c')
    g = tanh   (x W_xg + h W_hg + b_g)
    o = sigmoid(x W_xo + h W_ho + b_o)    (Hochreiter & Schmidhuber 1997; Gers et al. 2000)

A submission may name and shape its weights as it likes: one Dense a gate, one fused kernel, either order of concat.
`recover` therefore reads the weights off the answers of a step function alone:

- c' is affine in c: its slope is f, its value at c = 0 is i * g; and o = h' / tanh(c'). The logits of f and o are
  affine in (x, h), so least squares gives their weights.
- i * g needs a far field: where |x|, |h| are large, tanh is +1 or -1 to float precision, and where i is small too,
  log|i * g| is the logit of i, again affine. Then g = (i * g) / i close to the origin, and atanh(g) is affine.

Shapes: N points, D features of the input, U units; v = (x, h) is of size D + U.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grader.oracles.compare import Mismatch, expect

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Step = Callable[[Array, Array, Array], tuple[Array, Array]]

GATES = {"i": "input gate", "f": "forget gate", "g": "candidate", "o": "output gate"}


@dataclass(frozen=True)
class Affine:
    """z = x @ W_x + h @ W_h + b, with W_x `(D, U)`, W_h `(U, U)`, b `(U,)`."""

    W_x: Array
    W_h: Array
    b: Array

    def __call__(self, x: Array, h: Array) -> Array:
        z: Array = x @ self.W_x + h @ self.W_h + self.b
        return z


@dataclass(frozen=True)
class LSTM:
    """The pre-activations of the four gates."""

    i: Affine
    f: Affine
    g: Affine
    o: Affine

    def step(self, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        """One time step.

        Args:
            x: `(N, D)`.
            h: `(N, U)`, and c likewise.

        Returns:
            The new (h, c).
        """
        c = sigmoid(self.f(x, h)) * c + sigmoid(self.i(x, h)) * np.tanh(self.g(x, h))
        return sigmoid(self.o(x, h)) * np.tanh(c), c


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), without overflow."""
    s: Array = 0.5 * (1 + np.tanh(0.5 * z))
    return s


def logit(p: Array) -> Array:
    """The inverse of `sigmoid`, for p inside (0, 1)."""
    z: Array = np.log(p) - np.log1p(-p)
    return z


def random_lstm(rng: np.random.Generator, input_size: int, units: int, scale: float = 0.5) -> LSTM:
    """An LSTM with normal weights of standard deviation `scale` and, as usual, a forget bias around 1."""

    def affine(bias: float) -> Affine:
        draw = rng.standard_normal
        return Affine(
            scale * draw((input_size, units)), scale * draw((units, units)), bias + 0.1 * scale * draw((units,))
        )

    return LSTM(i=affine(0), f=affine(1), g=affine(0), o=affine(0))


def constant_step(x: Array, h: Array, c: Array, kernel: float, forget_bias: float) -> tuple[Array, Array]:
    """One step of an LSTM whose matrices hold one number everywhere and whose biases are 0, but for the forget gate's.

    Every pre-activation is then kernel * (sum of x + sum of h), whatever the layout of the matrices.
    """
    z = kernel * (x.sum(axis=1, keepdims=True) + h.sum(axis=1, keepdims=True))
    c = sigmoid(z + forget_bias) * c + sigmoid(z) * np.tanh(z)
    return sigmoid(z) * np.tanh(c), c


@dataclass(frozen=True)
class Split:
    """A step taken apart at N points (x, h): f, o and i * g, each `(N, U)`."""

    f: Array
    o: Array
    ig: Array


def split_step(step: Step, x: Array, h: Array, units: int) -> Split:
    """Takes a step apart by giving it c = 1 and c = -1: f is half the difference of c', i * g half the sum."""
    c = np.ones((len(x), units))
    h_up, c_up = step(x, h, c)
    h_down, c_down = step(x, h, -c)
    f, ig = (c_up - c_down) / 2, (c_up + c_down) / 2
    larger = np.abs(c_up) >= np.abs(c_down)  # where tanh(c') is larger, the quotient is more exact
    with np.errstate(divide="ignore", invalid="ignore"):
        o = np.where(larger, h_up, h_down) / np.tanh(np.where(larger, c_up, c_down))
    return Split(f, o, ig)


def recover(step: Step, input_size: int, units: int, rng: np.random.Generator) -> LSTM:
    """Recovers the four gates of an LSTM from its answers.

    Args:
        step: (x, h, c) -> (h', c'), with N rows each; computed in float32 or better.
        input_size: D.
        units: U.
        rng: Draws the points of the probe.

    Raises:
        Mismatch: The step is no LSTM; the message names the gate that is not as the equations say.
    """
    size = input_size + units
    points = _near_points(step, size, input_size, units, rng)
    x, h = points[:, :input_size], points[:, input_size:]
    parts = split_step(step, x, h, units)
    f = _fit_logit("f", parts.f, points, input_size)
    o = _fit_logit("o", parts.o, points, input_size)
    i = _fit_input_gate(step, f, input_size, units, rng)
    gate = sigmoid(i(x, h))
    with np.errstate(divide="ignore", invalid="ignore"):
        candidate = parts.ig / gate
        usable = (np.abs(candidate) < 0.9) & (gate > 0.02)
        z = np.arctanh(np.where(usable, candidate, 0))
    # i is known to 1e-4 (its bias comes from afar), i * g to 1e-7 / 0.02, and tanh's slope is above 1 - 0.9 ** 2.
    g = _fit("g", z, usable, points, input_size, tolerance=2e-3)
    return LSTM(i, f, g, o)


def _near_points(step: Step, size: int, input_size: int, units: int, rng: np.random.Generator) -> Array:
    """Points v = (x, h) so close to the origin that most gates are not saturated, whatever the size of the weights."""
    points: Array = rng.standard_normal((40 * (size + 1), size))
    for _ in range(8):
        parts = split_step(step, points[:, :input_size], points[:, input_size:], units)
        if np.mean((parts.f > 0.02) & (parts.f < 0.98)) > 0.8:
            return points
        points = points / 2
    return points


def _fit_logit(gate: str, values: Array, points: Array, input_size: int) -> Affine:
    """The gate as a sigmoid of an affine function; off by 1e-7 / (0.01 * 0.99) = 1e-5 at most where it is one."""
    inside = (values > 0.01) & (values < 0.99)
    return _fit(gate, logit(np.where(inside, values, 0.5)), inside, points, input_size, tolerance=5e-4)


def _fit(gate: str, z: Array, usable: Mask, points: Array, input_size: int, tolerance: float) -> Affine:
    """Least squares of z against (v, 1), a unit at a time.

    Raises:
        Mismatch: Too few points are usable, or the residual exceeds the tolerance.
    """
    shape = "tanh" if gate == "g" else "sigmoid"
    text = f"the {GATES[gate]} ({gate}) is no {shape} of a weighted sum of x and h plus a bias"
    design = np.column_stack([points, np.ones(len(points))])
    solutions: list[Array] = []
    for unit in range(z.shape[1]):
        rows = usable[:, unit]
        expect(rows.sum() >= 2 * design.shape[1], f"{text}: its values are not where such a gate's would be.")
        solution = _least_squares(design[rows], z[rows, unit])
        residual = float(np.abs(design[rows] @ solution - z[rows, unit]).max())
        expect(
            residual <= tolerance,
            f"{text}: for unit {unit} the best such function misses by {residual:.2g} before the {shape}.",
        )
        solutions.append(solution)
    return _affine(solutions, input_size)


def _fit_input_gate(step: Step, f: Affine, input_size: int, units: int, rng: np.random.Generator) -> Affine:
    """The input gate from the far field of i * g, a unit at a time."""
    size = input_size + units
    # Pre-activations around 25, by the weights of the forget gate: a layer's gates are of like size at the start. The
    # factors make up for where they are not; the farther out, the fewer candidates are not saturated.
    length = 25 * np.sqrt(size) / max(1e-3, float(np.median(np.linalg.norm(np.vstack([f.W_x, f.W_h]), axis=0))))
    found: dict[int, Array] = {}
    for factor in (8.0, 4.0, 2.0, 1.0, 0.5):
        directions = rng.standard_normal((200 * (size + 1), size))
        points = factor * length * directions / np.linalg.norm(directions, axis=1, keepdims=True)
        _, ig = step(points[:, :input_size], points[:, input_size:], np.zeros((len(points), units)))
        magnitude = np.abs(ig)
        small = (magnitude > 1e-30) & (magnitude < 1e-4)
        z = np.log(np.where(small, magnitude, 1.0))
        design = np.column_stack([points, np.ones(len(points))])
        for unit in set(range(units)) - set(found):
            rows = small[:, unit]
            solution = _robust_plane(design[rows], z[rows, unit])
            if solution is not None:
                found[unit] = solution
    missing = sorted(set(range(units)) - set(found))
    if missing:
        raise Mismatch(
            "c' - f * c is no product of an input gate, sigmoid of a weighted sum of x and h, and a candidate, tanh of "
            f"another one (seen at unit {missing[0]})."
        )
    return _affine([found[unit] for unit in range(units)], input_size)


def _robust_plane(design: Array, z: Array) -> Array | None:
    """The plane through most of the points, or None: where the candidate is not saturated, z lies below it.

    Iteratively reweighted least squares, which minimises the sum of absolute residuals, then one plain fit of the
    points that lie on the plane.
    """
    if len(z) < 4 * design.shape[1]:
        return None
    weights = np.ones(len(z))
    for _ in range(40):
        root = np.sqrt(weights)[:, None]
        solution = _least_squares(design * root, z * root[:, 0])
        weights = 1 / np.maximum(np.abs(design @ solution - z), 1e-4)
    # Rounding a pre-activation of 50 to float32 costs 1e-5; an unsaturated candidate (|z_g| < 4) costs more than 7e-4.
    on_plane = np.abs(design @ solution - z) < 5e-4
    if on_plane.mean() < 0.5 or on_plane.sum() < 2 * design.shape[1]:
        return None
    return _least_squares(design[on_plane], z[on_plane])


def _least_squares(design: Array, z: Array) -> Array:
    return np.asarray(np.linalg.lstsq(design, z, rcond=None)[0], dtype=np.float64)


def _affine(solutions: list[Array], input_size: int) -> Affine:
    weights = np.stack(solutions, axis=1)
    return Affine(weights[:input_size], weights[input_size:-1], weights[-1])
