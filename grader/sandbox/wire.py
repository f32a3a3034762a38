"""Frames of plain values and arrays: what crosses the pipe between a judge and a worker, and nothing else.

A frame is `magic (4 bytes) | u32 header length | u32 payload length | header | payload`, lengths big-endian. The header
is JSON: scalars and lists as they are, a tuple as `{"t": [...]}`, a dict as `{"d": {...}}`, an array as
`{"a": [dtype, shape]}`, whose little-endian bytes in C order lie in the payload, one array after the other. Reading a
frame checks every claim before it allocates anything and builds nothing but values of these kinds.

The handout holds a copy of this file, so it imports the standard library and NumPy alone and runs on any platform.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC = b"RNN1"
PREFIX_BYTES = 12
DTYPES = frozenset(("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"))
_INT_DIGITS = 20  # of a 64-bit integer with its sign
_CHUNK_BYTES = 1 << 20


class WireError(ValueError):
    """A value that can't be sent, or bytes that are no frame."""


@dataclass(frozen=True)
class Caps:
    """What one frame may hold.

    Attributes:
        nodes: Values in all, containers included and arrays counted as one.
        depth: Containers inside one another.
        ndim: Axes of an array.
    """

    header_bytes: int = 256 << 10
    payload_bytes: int = 64 << 20
    nodes: int = 20_000
    depth: int = 32
    ndim: int = 8


CAPS = Caps()


def encode(value: object, caps: Caps = CAPS) -> tuple[bytes, list[memoryview]]:
    """Turns a value into a header and the bytes of its arrays.

    Args:
        value: ndarray of bool, int or float; NumPy scalar (sent as a plain one); bool, int of 64 bits, float, str,
            None; list, tuple or dict with str keys of these; anything with a `.numpy()` method (tensors, variables).

    Raises:
        WireError: Anything else, or more than `caps` allow; the message completes "the answer holds ...".
    """
    encoder = _Encoder(caps)
    tree = encoder.tree(value, 0)
    header = json.dumps(tree, separators=(",", ":")).encode("ascii")
    if len(header) > caps.header_bytes:
        raise WireError(
            f"{len(header) >> 10} kB of plain values; expected at most {caps.header_bytes >> 10} kB "
            "(arrays may be larger: return numbers as one array)"
        )
    return header, encoder.payload


def pack_frame(message: object, caps: Caps = CAPS) -> bytes:
    """Returns the whole frame of a value.

    Raises:
        WireError: See `encode`.
    """
    header, payload = encode(message, caps)
    size_bytes = sum(len(part) for part in payload)
    return b"".join((MAGIC, struct.pack(">II", len(header), size_bytes), header, *payload))


def parse_prefix(prefix: bytes, caps: Caps = CAPS) -> tuple[int, int]:
    """Reads a frame's first `PREFIX_BYTES` bytes.

    Returns:
        The lengths of header and payload, both within `caps`.

    Raises:
        WireError: No magic, no header, or a length above the cap.
    """
    if len(prefix) != PREFIX_BYTES or prefix[: len(MAGIC)] != MAGIC:
        raise WireError("bytes that are no message")
    header_bytes, payload_bytes = struct.unpack(">II", prefix[len(MAGIC) :])
    if not 0 < header_bytes <= caps.header_bytes or payload_bytes > caps.payload_bytes:
        raise WireError(f"a message that claims {header_bytes} + {payload_bytes} bytes")
    return header_bytes, payload_bytes


def unpack_frame(header: bytes, payload: bytes | bytearray | memoryview, caps: Caps = CAPS) -> Any:
    """Rebuilds the value of a frame; every array is a fresh, writable one.

    Raises:
        WireError: The bytes are no frame within `caps`.
    """
    if len(header) > caps.header_bytes or len(payload) > caps.payload_bytes:
        raise WireError("a message above the cap")
    try:
        tree = json.loads(header, parse_int=_parse_int)
    except WireError:
        raise
    except (ValueError, RecursionError) as error:
        raise WireError(f"a header that is no JSON ({type(error).__name__})") from None
    decoder = _Decoder(memoryview(payload), caps)
    value = decoder.value(tree, 0)
    if decoder.offset != len(payload):
        raise WireError(f"{len(payload) - decoder.offset} bytes too many")
    return value


def copied(value: object, caps: Caps = CAPS) -> Any:
    """Returns what the other side of a pipe would see of a value.

    Raises:
        WireError: See `encode`.
    """
    header, payload = encode(value, caps)
    return unpack_frame(header, b"".join(payload), caps)


def read_frame(fd: int, caps: Caps = CAPS) -> Any:
    """Reads one frame from a blocking file descriptor.

    Raises:
        EOFError: The other side is closed.
        WireError: The bytes are no frame.
        OSError: The descriptor can't be read.
    """
    header_bytes, payload_bytes = parse_prefix(bytes(_read_exactly(fd, PREFIX_BYTES)), caps)
    header = bytes(_read_exactly(fd, header_bytes))
    return unpack_frame(header, _read_exactly(fd, payload_bytes), caps)


def write_frame(fd: int, message: object, caps: Caps = CAPS) -> None:
    """Writes one frame to a blocking file descriptor.

    Raises:
        WireError: See `encode`; nothing was written.
        OSError: The descriptor can't be written.
    """
    rest = memoryview(pack_frame(message, caps))
    while rest:
        rest = rest[os.write(fd, rest[:_CHUNK_BYTES]) :]


def _read_exactly(fd: int, size_bytes: int) -> bytearray:
    data = bytearray()
    while len(data) < size_bytes:
        chunk = os.read(fd, min(_CHUNK_BYTES, size_bytes - len(data)))
        if not chunk:
            raise EOFError("the other side closed the pipe")
        data += chunk
    return data


class _Encoder:
    """Walks a value once; keeps the arrays' bytes in order."""

    def __init__(self, caps: Caps) -> None:
        self.caps = caps
        self.nodes = 0
        self.size_bytes = 0
        self.payload: list[memoryview] = []

    def tree(self, value: Any, depth: int) -> object:
        self.nodes += 1
        if self.nodes > self.caps.nodes:
            raise WireError(f"more than {self.caps.nodes} values; expected numbers as one array")
        if depth > self.caps.depth:
            raise WireError(f"containers nested more than {self.caps.depth} deep")
        if value is None or isinstance(value, (bool, np.bool_)):
            return None if value is None else bool(value)
        if isinstance(value, np.generic) and not isinstance(value, np.str_):
            return self.scalar(value)
        if isinstance(value, str):
            # A lone surrogate can't be written to any report.
            return str.encode(value, "utf-8", "backslashreplace").decode("utf-8")
        if isinstance(value, int):
            return self.integer(int(value))
        if isinstance(value, float):
            return float(value)
        if isinstance(value, np.ndarray):
            return {"a": self.array(np.asarray(value))}
        if isinstance(value, tuple):
            return {"t": [self.tree(item, depth + 1) for item in value]}
        if isinstance(value, list):
            return [self.tree(item, depth + 1) for item in value]
        if isinstance(value, Mapping):
            return {"d": dict(self.entry(key, item, depth) for key, item in value.items())}
        if callable(getattr(value, "numpy", None)):
            return self.tensor(value)
        raise WireError(
            f"an object of type {type(value).__name__}; expected an array, number, text, list, tuple or dict"
        )

    def entry(self, key: Any, value: Any, depth: int) -> tuple[str, object]:
        if not isinstance(key, str):
            raise WireError(f"a dict key of type {type(key).__name__}; expected str")
        return str.encode(key, "utf-8", "backslashreplace").decode("utf-8"), self.tree(value, depth + 1)

    def integer(self, value: int) -> int:
        if not -(1 << 63) <= value < 1 << 64:
            raise WireError("an integer of more than 64 bits")
        return value

    def scalar(self, value: np.generic) -> object:
        self.check_dtype(value.dtype, "a NumPy scalar")
        plain = value.item()
        return self.integer(plain) if isinstance(plain, int) else plain

    def tensor(self, value: Any) -> object:
        kind = type(value).__name__
        try:
            array = value.numpy()
        except Exception as error:
            raise WireError(f"a {kind} without a value ({type(error).__name__}); expected an eager tensor") from None
        if isinstance(array, np.generic):
            return self.scalar(array)
        if not isinstance(array, np.ndarray):
            raise WireError(f"an object of type {kind}; expected an array")
        return {"a": self.array(np.asarray(array))}

    def check_dtype(self, dtype: np.dtype[Any], what: str) -> None:
        if dtype.str not in DTYPES:
            raise WireError(f"{what} of dtype {dtype}; expected bool, int or float (float16 to float64)")

    def array(self, array: np.ndarray[Any, Any]) -> list[object]:
        self.check_dtype(array.dtype, "an array")
        if array.ndim > self.caps.ndim:
            raise WireError(f"an array of {array.ndim} axes; expected at most {self.caps.ndim}")
        shape = list(array.shape)
        size_bytes = _claimed_bytes(shape, array.dtype.itemsize, self.caps)
        self.size_bytes += size_bytes
        if self.size_bytes > self.caps.payload_bytes:
            raise WireError(
                f"{self.size_bytes >> 20} MB of arrays; expected at most {self.caps.payload_bytes >> 20} MB"
            )
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        self.payload.append(flat.data)
        return [array.dtype.str, shape]


class _Decoder:
    """Rebuilds a value from a header's tree; believes nothing."""

    def __init__(self, payload: memoryview, caps: Caps) -> None:
        self.payload = payload
        self.caps = caps
        self.nodes = 0
        self.offset = 0

    def value(self, tree: object, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > self.caps.nodes or depth > self.caps.depth:
            raise WireError("too many values, or nested too deep")
        if tree is None or isinstance(tree, (bool, float)):
            return tree
        if isinstance(tree, int):
            if not -(1 << 63) <= tree < 1 << 64:
                raise WireError("an integer of more than 64 bits")
            return tree
        if isinstance(tree, str):
            return self.text(tree)
        if isinstance(tree, list):
            return [self.value(item, depth + 1) for item in tree]
        if isinstance(tree, dict) and len(tree) == 1:
            ((tag, body),) = tree.items()
            if tag == "t" and isinstance(body, list):
                return tuple(self.value(item, depth + 1) for item in body)
            if tag == "d" and isinstance(body, dict):
                return {self.text(key): self.value(item, depth + 1) for key, item in body.items()}
            if tag == "a" and isinstance(body, list) and len(body) == 2:
                return self.array(body[0], body[1])
        raise WireError("a header of unknown form")

    def text(self, value: str) -> str:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise WireError("text that is no Unicode") from None
        return value

    def array(self, dtype: object, shape: object) -> np.ndarray[Any, Any]:
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise WireError("an array of unknown dtype")
        if not isinstance(shape, list) or len(shape) > self.caps.ndim:
            raise WireError("an array without a proper shape")
        for size in shape:
            if type(size) is not int or size < 0:
                raise WireError("an array without a proper shape")
        size_bytes = _claimed_bytes(shape, np.dtype(dtype).itemsize, self.caps)
        end = self.offset + size_bytes
        if end > len(self.payload):
            raise WireError("an array longer than its message")
        part = self.payload[self.offset : end]
        self.offset = end
        return np.frombuffer(part, dtype).reshape(shape).copy()


def _claimed_bytes(shape: list[int], itemsize: int, caps: Caps) -> int:
    """Size of an array; an axis of length zero must not hide the absurd size of the others."""
    size_bytes = bound = itemsize
    for size in shape:
        size_bytes *= size
        bound *= max(size, 1)
    if bound > caps.payload_bytes:
        raise WireError(
            f"an array of shape {tuple(shape)}, {bound >> 20} MB; expected at most {caps.payload_bytes >> 20} MB"
        )
    return size_bytes


def _parse_int(digits: str) -> int:
    if len(digits) > _INT_DIGITS:
        raise WireError("an integer of more than 64 bits")
    return int(digits)
