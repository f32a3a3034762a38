"""Reads event files of TensorBoard without TensorFlow: the scalars and histograms in them, and at which step.

An event file is a row of records: the length of the content (8 bytes, little-endian), its checksum (4), the content,
its checksum (4). A content is a protocol-buffer message `Event`; the numbers of fields below are those of event.proto,
summary.proto and tensor.proto of TensorFlow. A histogram comes either as a tensor `(buckets, 3)` of left edge, right
edge and count (tf.summary, TensorFlow 2) or as a `HistogramProto`. Checksums are not checked: a file cut short by a
crash is read as far as it goes, and what it says is held against other evidence.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.oracles.compare import Mismatch

MAX_RECORDS = 100_000
MAX_RANK, MAX_SIZE = 4, 100_000  # of a tensor
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# By their numbers in types.proto.
_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 2: np.dtype("<f8"), 3: np.dtype("<i4"), 9: np.dtype("<i8")}

Value = int | bytes


@dataclass(frozen=True)
class Events:
    """What an event file holds.

    Attributes:
        scalars: tag -> step -> value.
        histograms: tag -> step -> buckets `(n, 3)` float64: left edge, right edge, count.
    """

    scalars: dict[str, dict[int, float]] = field(default_factory=dict)
    histograms: dict[str, dict[int, npt.NDArray[np.float64]]] = field(default_factory=dict)


def read_events(content: bytes, into: Events | None = None) -> Events:
    """Reads one event file.

    Args:
        content: Of the file.
        into: Receives what is found, so that several files can be read as one.

    Raises:
        Mismatch: It is no event file.
    """
    events = into if into is not None else Events()
    for record in _records(content):
        step, summary = 0, b""
        for number, value in _fields(record):
            if number == 2 and isinstance(value, int):
                step = value
            elif number == 5 and isinstance(value, bytes):
                summary = value
        for number, value in _fields(summary):
            if number == 1 and isinstance(value, bytes):
                _read_value(value, step, events)
    return events


def _records(content: bytes) -> Iterator[bytes]:
    place = 0
    for _ in range(MAX_RECORDS):
        if place + 12 > len(content):
            return
        (length,) = struct.unpack_from("<Q", content, place)
        start = place + 12
        if length > len(content) - start:
            if place == 0:
                raise Mismatch("the event file does not begin with a record of TensorBoard.")
            return
        yield content[start : start + length]
        place = start + length + 4


def _read_value(message: bytes, step: int, events: Events) -> None:
    """One `Summary.Value`."""
    tag = ""
    for number, value in _fields(message):
        if number == 1 and isinstance(value, bytes):
            tag = value.decode("utf-8", errors="replace")
        elif number == 2 and isinstance(value, bytes):  # simple_value
            events.scalars.setdefault(tag, {})[step] = float(np.frombuffer(value, "<f4")[0])
        elif number == 5 and isinstance(value, bytes):  # histo
            events.histograms.setdefault(tag, {})[step] = _histogram(value)
        elif number == 8 and isinstance(value, bytes):  # tensor
            tensor = _tensor(value)
            if tensor.ndim == 2 and tensor.shape[1] == 3:
                events.histograms.setdefault(tag, {})[step] = tensor
            elif tensor.size == 1:
                events.scalars.setdefault(tag, {})[step] = float(tensor.reshape(()))


def _tensor(message: bytes) -> npt.NDArray[np.float64]:
    """A `TensorProto` of numbers; of anything else an empty array."""
    kind, content, listed = 0, b"", b""
    shape: list[int] = []
    for number, value in _fields(message):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2 and isinstance(value, bytes):
            shape = [_dimension(size) for number, size in _fields(value) if number == 2 and isinstance(size, bytes)]
        elif number == 4 and isinstance(value, bytes):
            content = value
        elif number in (5, 6) and isinstance(value, bytes):  # float_val, double_val: packed or one by one
            listed += value
    dtype = _DTYPES.get(kind)
    data = content or listed
    if dtype is None or len(data) % dtype.itemsize:
        return np.zeros(0)
    values = np.frombuffer(data, dtype).astype(np.float64)
    # The file comes from student code: sizes are believed inside bounds alone.
    bounded = len(shape) <= MAX_RANK and all(0 <= n <= MAX_SIZE for n in shape)
    size = math.prod(shape) if bounded else -1
    if len(values) == 1 and 1 < size <= MAX_SIZE:
        values = np.repeat(values, size)  # all entries alike are written once
    return values.reshape(shape) if len(values) == size else np.zeros(0)


def _dimension(message: bytes) -> int:
    return next((value for number, value in _fields(message) if number == 1 and isinstance(value, int)), 0)


def _histogram(message: bytes) -> npt.NDArray[np.float64]:
    """A `HistogramProto`: upper edges (field 6) and counts (field 7)."""
    edges, counts, low = b"", b"", 0.0
    for number, value in _fields(message):
        if isinstance(value, bytes):
            edges += value if number == 6 else b""
            counts += value if number == 7 else b""
            if number == 1 and len(value) == 8:
                low = float(np.frombuffer(value, "<f8")[0])
    if len(edges) % 8 or len(counts) != len(edges):
        return np.zeros((0, 3))
    right, found = np.frombuffer(edges, "<f8"), np.frombuffer(counts, "<f8")
    left = np.concatenate([[low], right[:-1]])[: len(right)]
    return np.stack([left, right, found], axis=1)


def _fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """The fields of a message, in their order: number, and an integer (varint) or bytes (all else).

    Raises:
        Mismatch: It is no message.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == _BYTES:
            size, place = _varint(message, place)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise Mismatch("a record of the event file is no message of TensorBoard.")
        if size > len(message) - place:
            raise Mismatch("a record of the event file ends too early.")
        yield number, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise Mismatch("a record of the event file ends too early.")
