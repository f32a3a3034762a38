"""Replies that a hostile process may send instead of an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.errors import BadAnswer, StudentRaised, TimeLimit
from grader.sandbox.box import JailedBox, WorkerSpec

Submission = Callable[..., WorkerSpec]
Answer = Callable[..., Any]
Call = Callable[..., Any]
# Sends what a reply would be, to every descriptor that may be the line to the grader.
FORGE = """
    import os
    def f(data):
        for fd in range(3, 64):
            try:
                os.write(fd, data.tobytes())
            except OSError:
                pass
        import time
        time.sleep(60)
"""


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 4096,
        b"RNN1" + b"\xff" * 8,
        b"RNN1\x00\x00\x00\x02\x00\x00\x00\x00{}",
        b'RNN1\x00\x00\x00\x2f\x00\x00\x00\x00{"d":{"id":"0000","reply":{"d":{"ok":true}}}}  ',
        b"RNN1\x00\x00\x00\x04\x00\x00\x00\x01nullx",
    ],
    ids=["garbage", "claims 4 GB", "no value", "another id", "trailing"],
)
def test_forged_frames_are_a_bad_answer_and_end_the_worker(answer: Answer, data: bytes) -> None:
    with pytest.raises(BadAnswer, match="instead of the answer of `f`"):
        answer(FORGE, data=np.frombuffer(data, np.uint8))


def test_an_answer_given_before_it_was_asked_for_is_refused(box: JailedBox, submission: Submission, call: Call) -> None:
    source = """
        import os
        def f():
            frame = b'{"d":{"id":"00","reply":{"d":{"ok":true,"value":1}}}}'
            for fd in range(3, 64):
                try:
                    os.write(fd, b"RNN1" + len(frame).to_bytes(4, "big") + bytes(4) + frame)
                except OSError:
                    pass
            return 1
    """
    with box.start(submission(source)) as worker, pytest.raises(BadAnswer, match="answers no question"):
        call(worker)


def test_a_reply_byte_by_byte_has_one_deadline(answer: Answer) -> None:
    source = """
        import os, time
        def f():
            for byte in b"RNN1\\x00\\x00\\x10\\x00\\x00\\x00\\x00\\x00" + b" " * 4000:
                for fd in range(3, 9):
                    try:
                        os.write(fd, bytes([byte]))
                    except OSError:
                        pass
                time.sleep(0.02)
    """
    started = time.monotonic()
    with pytest.raises(TimeLimit):
        answer(source, limit_s=0.5)
    assert time.monotonic() - started < 20  # the drip alone would take 80


@pytest.mark.parametrize(
    "error",
    [
        "{'kind': ['raised']}",
        "{'kind': 'raised', 'type': 5, 'message': None, 'task': {}, 'place': {'file': 1, 'line': 'x'}}",
        "{'kind': 'raised', 'place': {'file': 'a' * 9999, 'line': 10**18}}",
        "{'kind': 'SystemExit'}",
        "[]",
    ],
)
def test_a_lying_error_stays_the_students(box: JailedBox, submission: Submission, call: Call, error: str) -> None:
    source = f"""
        import sys
        def f():
            sys.modules["grader.sandbox.calls"].call = lambda *_: {{"ok": False, "error": {error}}}
            return 1
    """
    with box.start(submission(source)) as worker:
        assert call(worker) == 1
        with pytest.raises((BadAnswer, StudentRaised)) as caught:
            call(worker)
    assert len(str(caught.value)) < 1000
