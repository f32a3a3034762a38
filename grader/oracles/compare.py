"""Compares what a submission answered with what was expected, in words for the student.

A value from a submission may be anything that crosses the pipe: None, a string, a ragged list, an array of the wrong
dtype. So a test first asks for what it needs (`as_array`, `as_pair`, `as_number`, ...) and computes afterwards; each of
these raises `Mismatch`, never a TypeError. Messages show one entry at most: never an input or a whole expected array.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# NumPy's one-letter kinds behind the words of a handout.
KINDS = {"float": "f", "integer": "iu", "bool": "b", "number": "fiu", "any": "fiub"}
_SHOWN_CHARS = 60


class Mismatch(AssertionError):
    """What came is not what was expected; the message is what the student reads."""


def expect(condition: object, message: str) -> None:
    """Fails with that message unless the condition holds.

    Raises:
        Mismatch: It doesn't.
    """
    if not condition:
        raise Mismatch(message)


def describe(value: object) -> str:
    """What a value is, in a few words: its type, and its shape and dtype where it has them."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}, dtype {value.dtype}"
    if isinstance(value, (bool, int, float)):
        return f"the {type(value).__name__} {value!r}"
    if isinstance(value, str):
        text = value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "..."
        return f"the string {text!r}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)} {'entry' if len(value) == 1 else 'entries'}"
    if isinstance(value, Mapping):
        keys = ", ".join(sorted(repr(key) for key in value)[:8])
        return f"a dict with the keys {keys}" if value else "an empty dict"
    return f"a value of type {type(value).__name__}"


def as_array(
    value: object,
    what: str,
    *,
    shape: Sequence[int | None] | None = None,
    axes: str = "",
    kind: str = "number",
    dtype: str | None = None,
    finite: bool = True,
) -> Array:
    """The value as an array of the expected kind and shape.

    Plain numbers and (nested, even) lists of numbers count as arrays: whether a handout wants an ndarray or a tensor is
    for a type check to say.

    Args:
        value: What the submission answered.
        what: Its name, as in "`LSTMCell.call` returned h".
        shape: Expected shape; None in it stands for any size.
        axes: What the axes mean ("batch x units"), for the message.
        kind: A key of `KINDS`.
        dtype: Name of the exact dtype, where the handout fixes one. Asked of arrays alone.
        finite: Whether NaN and infinity are refused.

    Raises:
        Mismatch: It isn't.
    """
    wanted = f"expected {_wanted(shape, axes, dtype or kind)}"
    expect(isinstance(value, (np.ndarray, bool, int, float, list, tuple)), f"{what} is {describe(value)}; {wanted}.")
    array = _to_array(value)
    if array is None:
        raise Mismatch(f"{what} is {describe(value)}, which makes no array; {wanted}.")
    expect(array.dtype.kind in KINDS[kind], f"{what} has dtype {array.dtype}; {wanted}.")
    if dtype is not None and isinstance(value, np.ndarray):
        expect(array.dtype.name == dtype, f"{what} has dtype {array.dtype}; {wanted}.")
    if shape is not None:
        fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
        expect(fits, f"{what} has shape {array.shape}; {wanted}.")
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise Mismatch(f"{what} holds NaN or infinity in {bad} of {array.size} entries.")
    return array


def as_items(value: object, what: str, *, length: int | None = None, names: str = "") -> list[Any]:
    """The value as a list; a tuple counts, and so does an array with that many rows.

    Raises:
        Mismatch: It is something else, or has another length.
    """
    wanted = f"expected {'a list or tuple' if length is None else f'{length} values'}{f': {names}' if names else ''}"
    is_list = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)
    expect(is_list, f"{what} is {describe(value)}; {wanted}.")
    items: list[Any] = list(value)  # type: ignore[call-overload]
    expect(length is None or len(items) == length, f"{what} is {describe(value)}; {wanted}.")
    return items


def as_dict(value: object, what: str, keys: Sequence[str] = ()) -> dict[str, Any]:
    """The value as a dict that has at least these keys.

    Raises:
        Mismatch: It is no dict, or a key is missing.
    """
    wanted = f"a dict with {', '.join(repr(key) for key in keys)}" if keys else "a dict"
    expect(isinstance(value, Mapping), f"{what} is {describe(value)}; expected {wanted}.")
    found: dict[str, Any] = dict(value)  # type: ignore[call-overload]
    missing = [key for key in keys if key not in found]
    expect(not missing, f"{what} lacks {', '.join(map(repr, missing))}; it is {describe(value)}.")
    return found


def as_shape(value: object, what: str) -> tuple[int, ...]:
    """The value as a tuple of sizes.

    Raises:
        Mismatch: It is no list of integers.
    """
    items = as_items(value, what)
    return tuple(int(as_array(item, what, shape=(), kind="integer")) for item in items)


def as_number(value: object, what: str, *, low: float = -math.inf, high: float = math.inf) -> float:
    """The value as one finite float inside [low, high]; an array that holds one number counts.

    Raises:
        Mismatch: It isn't.
    """
    array = as_array(value, what, kind="number")
    expect(array.size == 1, f"{what} is {describe(value)}; expected one number.")
    number = float(array.reshape(()))
    expect(low <= number <= high, f"{what} is {number:.6g}; expected a number in [{low:g}, {high:g}].")
    return number


def as_numbers(value: object, what: str, *, length: int | None = None) -> list[float]:
    """The value as a list of finite floats.

    Raises:
        Mismatch: It isn't, or has another length.
    """
    return [as_number(item, f"entry {i} of {what}") for i, item in enumerate(as_items(value, what, length=length))]


def assert_close(got: object, expected: npt.ArrayLike, what: str, *, rtol: float, atol: float, hint: str = "") -> Array:
    """Holds the value against the expected array: shape, NaN, then |got - expected| <= atol + rtol * |expected|.

    Args:
        got: What the submission answered.
        expected: The reference, computed in float64.
        what: Name of the value.
        rtol: Relative tolerance.
        atol: Absolute tolerance.
        hint: One sentence that ends the message: where to look.

    Returns:
        The value as an array.

    Raises:
        Mismatch: They differ; the message says in how many entries, and where and by how much at most.
    """
    reference = np.asarray(expected, dtype=np.float64)
    array = as_array(got, what, shape=reference.shape)
    deviation = np.abs(array.astype(np.float64) - reference)
    excess = deviation - (atol + rtol * np.abs(reference))
    wrong = int(np.count_nonzero(excess > 0))
    if wrong:
        place = tuple(int(i) for i in np.unravel_index(int(np.argmax(excess)), excess.shape))
        where = f" at index {place}" if place else ""
        raise Mismatch(
            f"{what}: {wrong} of {array.size} entries differ from what was expected. The largest deviation is "
            f"{deviation[place]:.3g}{where}: expected {reference[place]:.5g}, got {float(array[place]):.5g}."
            + (f" {hint}" if hint else "")
        )
    return array


def same(a: object, b: object, *, atol: float) -> bool:
    """Whether two values are arrays of one shape that nowhere differ by more than `atol`; False for anything else."""
    first, second = _to_array(a), _to_array(b)
    if first is None or second is None or first.shape != second.shape:
        return False
    if first.dtype.kind not in KINDS["any"] or second.dtype.kind not in KINDS["any"]:
        return False
    with np.errstate(invalid="ignore"):  # infinity less infinity is NaN, which is not close to anything
        difference = np.abs(first.astype(np.float64) - second.astype(np.float64))
    return bool((difference <= atol).all())


def _to_array(value: object) -> Array | None:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError):  # a ragged list, or integers past 64 bits
        return None
    return array if array.dtype.kind in KINDS["any"] else None


def _wanted(shape: Sequence[int | None] | None, axes: str, kind: str) -> str:
    article = "an" if kind[0] in "aeiou" else "a"
    text = f"{article} {kind} array" if kind not in ("number", "any") else "an array of numbers"
    if shape is not None:
        sizes = ", ".join("any" if size is None else str(size) for size in shape)
        text += f" of shape ({sizes}{',' if len(shape) == 1 else ''})"
    return text + (f": {axes}" if axes else "")
