"""Round trips, and frames that nobody should send."""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from grader.sandbox import wire


def same(left: object, right: object) -> bool:
    if isinstance(left, np.ndarray):
        return (
            isinstance(right, np.ndarray)
            and left.dtype == right.dtype
            and left.shape == right.shape
            and left.tobytes() == right.tobytes()
        )
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))  # type: ignore[arg-type]
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)  # type: ignore[union-attr, index]
    if isinstance(left, float) and math.isnan(left):
        return math.isnan(right)  # type: ignore[arg-type]
    return left == right


class Tensor:
    """What a TensorFlow tensor is to the wire."""

    def __init__(self, value: object) -> None:
        self.value = value

    def numpy(self) -> object:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@pytest.mark.parametrize("dtype", sorted(wire.DTYPES))
def test_arrays_of_every_allowed_dtype_come_back_bit_for_bit(dtype: str) -> None:
    array = (np.arange(24).reshape(2, 3, 4) % 2).astype(dtype)
    assert same(wire.copied(array), array)


@pytest.mark.parametrize(
    "array",
    [
        np.array(3.5),
        np.zeros((0, 4), np.float32),
        np.array([np.nan, np.inf, -np.inf, -0.0]),
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12)[::-2],
        np.zeros((1,) * 8),
        np.array([], bool),
    ],
    ids=["0-d", "empty", "special", "transposed", "reversed", "8 axes", "no element"],
)
def test_arrays_of_odd_layout_come_back(array: np.ndarray) -> None:
    assert same(wire.copied(array), np.ascontiguousarray(array).reshape(array.shape))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**63),
        2**64 - 1,
        0.1,
        math.nan,
        -math.inf,
        "",
        "Zürich 🎓\x00\n",
        [],
        (),
        {},
        [1, (2.0, [None]), {"a": (np.ones(2),), "": []}],
    ],
)
def test_plain_values_come_back_with_their_types(value: object) -> None:
    assert same(wire.copied(value), value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(-3), -3),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (Tensor(np.float32(2.0)), 2.0),
        (Tensor(np.ones(3)), np.ones(3)),
        (np.ma.masked_array([1, 2], [True, False]), np.array([1, 2])),
        ("\ud800", "\\ud800"),
    ],
)
def test_relatives_of_plain_values_become_plain(value: object, expected: object) -> None:
    assert same(wire.copied(value), expected)


def test_a_decoded_array_is_writable_and_its_own() -> None:
    first, second = wire.copied([np.zeros(3), np.zeros(3)])
    first += 1
    assert second.tolist() == [0, 0, 0]


DEEP: list[object] = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.array([1, "a", None], dtype=object), "an array of dtype object; expected bool, int or float"),
        (np.zeros(2, ">f8"), "an array of dtype >f8"),
        (np.zeros(2, [("a", int)]), "an array of dtype"),
        (np.array(["a"]), "an array of dtype <U1"),
        (np.zeros(2, complex), "complex128"),
        (np.zeros(2, "datetime64[s]"), "datetime64"),
        (np.datetime64("2026-01-01"), "a NumPy scalar of dtype datetime64"),
        (np.zeros((1,) * 9), "an array of 9 axes; expected at most 8"),
        (
            np.broadcast_to(np.float64(0), (40_000_000,)),
            "an array of shape (40000000,), 305 MB; expected at most 64 MB",
        ),
        (np.broadcast_to(np.float32(0), (0, 2**40)), "expected at most 64 MB"),
        ([np.zeros(5_000_000)] * 2, "76 MB of arrays; expected at most 64 MB"),
        ([[0]] * 3_000_000, "more than 20000 values; expected numbers as one array"),
        (DEEP, "containers nested more than 32 deep"),
        ("x" * 300_000, "kB of plain values; expected at most 256 kB"),
        (2**64, "an integer of more than 64 bits"),
        ({1: 2}, "a dict key of type int; expected str"),
        (b"bytes", "an object of type bytes"),
        (object(), "an object of type object; expected an array"),
        (1j, "an object of type complex"),
        ({1, 2}, "an object of type set"),
        (Tensor(NotImplementedError("symbolic")), "a Tensor without a value (NotImplementedError)"),
        (Tensor("text"), "an object of type Tensor"),
    ],
)
def test_other_values_are_refused_in_clear_words(value: object, words: str) -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.encode(value)
    assert words in str(caught.value)


def frame(tree: object, payload: bytes = b"") -> tuple[bytes, bytes]:
    return json.dumps(tree).encode(), payload


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        frame({"a": ["<f8", [1]]}),
        frame({"a": ["<f8", [1]]}, bytes(16)),
        frame(0, b"x"),
        frame({"a": ["|O8", [1]]}, bytes(8)),
        frame({"a": ["<f8", [-1]]}, bytes(8)),
        frame({"a": ["<f8", [True]]}, bytes(8)),
        frame({"a": ["<f8", [1.0]]}, bytes(8)),
        frame({"a": ["<f8", 1]}, bytes(8)),
        frame({"a": ["<f8", [1] * 9]}, bytes(8)),
        frame({"a": ["<f8", [0, 2**62, 2**62]]}),
        frame({"a": [["<f8"], [1]]}, bytes(8)),
        frame({"a": ["<f8"]}, bytes(8)),
        frame({"x": 1}),
        frame({"t": 1}),
        frame({"d": [1]}),
        frame({"t": [], "d": {}}),
        frame({}),
        (b"", b""),
        (b"nonsense", b""),
        (b"[" * 200_000, b""),
        (b"1" * 5_000, b""),
        (b"99999999999999999999", b""),
        (b'"\\ud800"', b""),
        (b'{"d": {"\\ud800": 1}}', b""),
        (b"\xff\xfe", b""),
        (b"[" + b"0," * 30_000 + b"0]", b""),
        (b" " * (257 << 10), b""),
    ],
)
def test_malformed_frames_are_refused(header: bytes, payload: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.unpack_frame(header, payload)


@pytest.mark.parametrize(
    "prefix",
    [
        b"",
        b"RNN1",
        b"XXXX" + struct.pack(">II", 2, 0),
        b"RNN1" + struct.pack(">II", 0, 0),
        b"RNN1" + struct.pack(">II", 4_000_000_000, 0),
        b"RNN1" + struct.pack(">II", 2, 4_000_000_000),
    ],
)
def test_prefixes_that_lie_are_refused(prefix: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.parse_prefix(prefix)


def test_frames_cross_a_pipe_one_after_the_other_until_it_is_closed() -> None:
    reader, writer = os.pipe()
    wire.write_frame(writer, {"x": np.arange(3)})
    wire.write_frame(writer, "second")
    os.close(writer)
    assert same(wire.read_frame(reader), {"x": np.arange(3)})
    assert wire.read_frame(reader) == "second"
    with pytest.raises(EOFError):
        wire.read_frame(reader)
    os.close(reader)


PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20)
ARRAYS = npst.arrays(
    st.sampled_from(sorted(wire.DTYPES)), npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
)
VALUES = st.recursive(
    PLAIN | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None, database=None)
@given(VALUES)
def test_any_value_comes_back(value: object) -> None:
    assert same(wire.copied(value), value)


@settings(max_examples=150, deadline=None, database=None)
@given(VALUES, st.data())
def test_a_damaged_frame_gives_a_value_or_a_wire_error_and_nothing_else(value: object, data: st.DataObject) -> None:
    frame = bytearray(wire.pack_frame(value))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(wire.WireError):
        header_bytes, payload_bytes = wire.parse_prefix(bytes(frame[:12]))
        wire.unpack_frame(bytes(frame[12 : 12 + header_bytes]), frame[12 + header_bytes :][:payload_bytes])


@settings(max_examples=150, deadline=None, database=None)
@given(st.binary(max_size=200), st.binary(max_size=50))
def test_any_bytes_give_a_value_or_a_wire_error_and_nothing_else(header: bytes, payload: bytes) -> None:
    with contextlib.suppress(wire.WireError):
        wire.unpack_frame(header, payload)
