from __future__ import annotations

import os
import struct
import subprocess
import sys

import numpy as np
import pytest

from grader.oracles.compare import Mismatch
from grader.oracles.tfevents import read_events

# In a process of its own: this one is the trusted side, which imports no TensorFlow.
WRITER = """
import sys
import numpy as np
import tensorflow as tf
writer = tf.summary.create_file_writer(sys.argv[1])
with writer.as_default():
    tf.summary.scalar("loss", 1.5, step=3)
    tf.summary.scalar("count", 7, step=4)
    tf.summary.histogram("weights", np.arange(100.0) - 7, step=250)
    tf.summary.histogram("zeros", np.zeros(4), step=250)
    tf.summary.text("note", "hello", step=1)
writer.close()
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An event file by TensorFlow itself."""
    folder = tmp_path_factory.mktemp("events")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", WRITER, str(folder)], env=environment, check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path.read_bytes()


def field(number: int, content: bytes | int) -> bytes:
    """A field of a message; sizes and integers below 128."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2, len(content)]) + content


def record(message: bytes) -> bytes:
    return struct.pack("<Q", len(message)) + bytes(4) + message + bytes(4)


def test_scalars_and_histograms_are_read_with_their_steps(written: bytes):
    events = read_events(written)
    assert events.scalars == {"loss": {3: 1.5}, "count": {4: 7.0}}
    assert set(events.histograms) == {"weights", "zeros"}
    buckets = events.histograms["weights"][250]
    assert (buckets[0, 0], buckets[-1, 1], buckets[:, 2].sum()) == (-7, 92, 100)
    assert not events.histograms["zeros"][250][:, :2].any()


def test_several_files_are_read_as_one(written: bytes):
    events = read_events(written)
    value = field(1, b"loss") + bytes([2 << 3 | 5]) + struct.pack("<f", 0.5)
    read_events(record(field(2, 9) + field(5, field(1, value))), into=events)
    assert events.scalars["loss"] == {3: 1.5, 9: 0.5}


def test_a_histogram_of_the_older_format_is_read():
    proto = bytes([1 << 3 | 1]) + struct.pack("<d", -1.0)
    proto += field(6, struct.pack("<2d", 0.0, 2.0)) + field(7, struct.pack("<2d", 3.0, 4.0))
    events = read_events(record(field(2, 5) + field(5, field(1, field(1, b"h") + field(5, proto)))))
    assert np.array_equal(events.histograms["h"][5], [[-1, 0, 3], [0, 2, 4]])


def test_a_file_that_was_cut_short_is_read_as_far_as_it_goes(written: bytes):
    whole = read_events(written)
    for end in range(0, len(written), 7):
        events = read_events(written[:end]) if end > 100 else None
        assert events is None or set(events.scalars) <= set(whole.scalars)


def test_what_is_no_event_file_is_refused():
    with pytest.raises(Mismatch, match="does not begin with a record"):
        read_events(b"PK\x03\x04" + b"some zip file " * 20)
    with pytest.raises(Mismatch, match="is no message"):
        read_events(record(b"\x0f\x00"))
    with pytest.raises(Mismatch, match="too early"):
        read_events(record(b"\x2a\x7f"))
    with pytest.raises(Mismatch, match="too early"):
        read_events(record(b"\xff" * 20))


def test_a_tensor_that_claims_to_be_huge_is_not_believed():
    size = field(2, field(2, field(1, 127)) * 4)  # 127^4 entries
    tensor = field(1, 1) + size + field(5, struct.pack("<f", 1.0))
    events = read_events(record(field(5, field(1, field(1, b"bomb") + field(8, tensor)))))
    assert not events.scalars
    assert not events.histograms


def test_random_bytes_never_break_the_reader():
    rng = np.random.default_rng(1)
    for _ in range(300):
        message = rng.integers(0, 256, size=rng.integers(0, 60), dtype=np.uint8).tobytes()
        try:
            read_events(record(field(5, message) if len(message) < 128 else message))
        except Mismatch:
            continue
