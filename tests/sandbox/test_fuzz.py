"""2,000 mutated frames through the way that a worker's replies take: an answer, a refusal in words, or the deadline."""

from __future__ import annotations

import os
import random
import struct
import time
import tracemalloc
from collections import Counter

import numpy as np
import pytest

from grader.errors import StudentError
from grader.sandbox import answers, pump, wire

REQUEST_ID = "0123456789abcdef"
DEADLINE_S = 0.05
SLACK_S = 1.0  # of a thread that has to be woken, on a busy machine
CAPS = wire.CAPS


def replies() -> list[bytes]:
    """Frames as workers send them."""
    place = {"file": "hw.py", "line": 3, "function": "f", "code": "return x"}
    error = {"kind": "raised", "type": "ValueError", "message": "axis", "name": "f", "task": None, "place": place}
    values = [
        None,
        1.5,
        np.arange(12, dtype=np.float32).reshape(3, 4),
        {"h": np.ones((2, 3)), "names": ["a", "b"], "shape": (1, 2, 3), "flags": np.array([True, False])},
        [[[]]] * 20,
        "text with \N{GREEK SMALL LETTER ALPHA}",
    ]
    messages = [{"id": REQUEST_ID, "reply": {"ok": True, "value": value}} for value in values]
    messages.append({"id": REQUEST_ID, "reply": {"ok": False, "error": error}})
    return [wire.pack_frame(message) for message in messages]


class Mutation:
    """Changes a frame in ways that readers stumble over."""

    # Pieces of JSON, of paths, and numbers at the edges of what fits somewhere.
    TOKENS = (
        *(
            b'{"a":["<f8",[',
            b'{"t":',
            b'{"d":',
            b"[" * 500,
            b"]]]",
            b"null",
            b"NaN",
            b"-Infinity",
            b"1e999",
            b'"\\ud800"',
        ),
        *(
            b"-1",
            b"9" * 30,
            b"18446744073709551616",
            b"0" * 5000,
            b"1." + b"3" * 5000,
            b"\\u0000",
            b"\x00",
            b"\xff\xfe",
        ),
        *(b'"|O8"', b'"<M8[s]"', b'"<c16"', b'"ok":false', b'"kind":"memory"', b'"kind":{}', b"4611686018427387904"),
    )

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw

    def __call__(self, frame: bytes) -> bytes:
        changed = bytearray(frame)
        ways = (self.flip, self.insert, self.drop, self.repeat, self.token, self.lengths, self.cut)
        for _ in range(self.draw.choice([1, 1, 2, 5])):
            self.draw.choice(ways)(changed)
        if self.draw.random() < 0.5:  # so that more than the prefix is read
            self.mend(changed)
        return bytes(changed)

    def at(self, data: bytearray) -> int:
        return self.draw.randrange(len(data) + 1)

    def flip(self, data: bytearray) -> None:
        if data:
            data[self.draw.randrange(len(data))] ^= 1 << self.draw.randrange(8)

    def insert(self, data: bytearray) -> None:
        at = self.at(data)
        data[at:at] = self.draw.randbytes(self.draw.randrange(1, 9))

    def drop(self, data: bytearray) -> None:
        at = self.at(data)
        del data[at : at + self.draw.randrange(1, 20)]

    def repeat(self, data: bytearray) -> None:
        start, at = self.at(data), self.at(data)
        data[at:at] = data[start : start + 50] * self.draw.choice([1, 2, 200])

    def token(self, data: bytearray) -> None:
        at = max(self.at(data), min(len(data), wire.PREFIX_BYTES))
        token = self.draw.choice(self.TOKENS)
        data[at : at + self.draw.choice([0, len(token)])] = token

    def lengths(self, data: bytearray) -> None:
        claims = (
            0,
            1,
            255,
            CAPS.header_bytes,
            CAPS.header_bytes + 1,
            CAPS.payload_bytes,
            CAPS.payload_bytes + 1,
            2**32 - 1,
        )
        data[4:12] = struct.pack(">II", self.draw.choice(claims), self.draw.choice(claims))

    def cut(self, data: bytearray) -> None:
        del data[self.at(data) :]

    def mend(self, data: bytearray) -> None:
        """Claims lengths that fit what is there."""
        rest = max(len(data) - wire.PREFIX_BYTES, 0)
        payload = self.draw.choice([0, rest // 3, struct.unpack(">I", data[8:12])[0] if len(data) > 12 else 0])
        header = max(rest - payload, 0)
        data[:12] = wire.MAGIC + struct.pack(">II", header % 2**32, min(payload, 2**32 - 1))


class Line:
    """The judge's end of a worker that never was: what is written to it arrives as a reply."""

    def __init__(self) -> None:
        request_r, request_w = os.pipe()
        reply_r, self.reply_w = os.pipe()
        output_r, output_w = os.pipe()
        os.close(output_w)
        os.close(request_r)
        self.pump = pump.Pump(
            request_w,
            reply_r,
            output_r,
            output_bytes=1 << 16,
            scratch_dir=None,
            scratch_bytes=0,
            abort=lambda: None,
            kill=lambda: None,
        )
        self.pump.start()

    def outcome(self, data: bytes, closes: bool) -> str:
        """What the judge makes of these bytes, as `Worker.result` does."""
        deadline = time.monotonic() + (DEADLINE_S if not closes else 20.0)
        self.pump.post(b"", deadline)
        with open(self.reply_w, "wb", buffering=0, closefd=False) as out:
            out.write(data[: 1 << 15])  # more than a pipe holds would wait for its reader
        if closes:
            os.close(self.reply_w)
        try:
            header, payload = self.pump.wait(deadline)
            reply = answers.checked_reply(wire.unpack_frame(header, payload), REQUEST_ID)
            if not reply["ok"]:
                raise answers.student_error(reply["error"], "f")
            return "answer"
        except (pump.Overdue, pump.Closed, wire.WireError, StudentError) as error:
            return type(error).__name__ if len(str(error)) < 1_500 else "words without end"
        finally:
            if not closes:
                os.close(self.reply_w)
            self.pump.finish()


def test_2000_mutated_frames_end_in_an_answer_a_refusal_or_the_deadline() -> None:
    draw = random.Random(11)  # noqa: S311 - no secret
    mutate, frames = Mutation(draw), replies()
    outcomes: Counter[str] = Counter()
    largest, longest_s = 0, 0.0
    tracemalloc.start()
    try:
        for _ in range(2_000):
            data, closes = mutate(draw.choice(frames)), draw.random() < 0.9
            tracemalloc.reset_peak()
            before, started = tracemalloc.get_traced_memory()[0], time.monotonic()
            outcomes[Line().outcome(data, closes)] += 1
            if not closes:
                longest_s = max(longest_s, time.monotonic() - started)
            largest = max(largest, tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    print(dict(outcomes), f"largest {largest >> 10} kB, longest wait {longest_s:.3f} s for {DEADLINE_S} s")
    assert outcomes.total() == 2_000
    assert {"answer", "Closed", "Overdue", "WireError"} <= set(outcomes)
    assert "words without end" not in outcomes
    assert longest_s < DEADLINE_S + SLACK_S
    # The cap of one frame; what was sent is far below, and a claim alone must not cost what it claims.
    assert largest < 8 << 20 < CAPS.payload_bytes


@pytest.mark.parametrize("payload_bytes", [0, 1, CAPS.payload_bytes])
def test_a_frame_of_the_largest_size_costs_its_size_and_not_a_multiple(payload_bytes: int) -> None:
    tree = {"id": REQUEST_ID, "reply": {"ok": True, "value": np.zeros(payload_bytes, np.uint8)}}
    header, payload = wire.encode(tree)
    whole = b"".join(payload)
    tracemalloc.start()
    try:
        value = wire.unpack_frame(header, whole)
        assert value["reply"]["value"].nbytes == payload_bytes
        assert tracemalloc.get_traced_memory()[1] < 1.1 * payload_bytes + (1 << 20)
    finally:
        tracemalloc.stop()


def test_a_header_of_the_largest_size_is_read_in_little_time_and_memory() -> None:
    for body in (
        b"[" + b"0," * 131_000 + b"0]",
        b"[" * 262_000,
        b'{"' + b"k" * 262_000 + b'":1}',
        b"1" + b"0" * 262_000,
    ):
        tracemalloc.start()
        started = time.process_time()
        with pytest.raises(wire.WireError):
            wire.unpack_frame(body[: CAPS.header_bytes], b"")
        assert time.process_time() - started < 5
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
        tracemalloc.stop()
