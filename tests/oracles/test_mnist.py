"""The loader of MNIST: the sample, idx files, and files that are not what they should be."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from grader.catalog import ROOT_DIR
from grader.oracles import mnist


def write_idx(path: Path, array: np.ndarray, kind: int = 8) -> None:
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.tobytes())


def write_all(folder: Path, train: int = 12, test: int = 3) -> None:
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("test", test)):
        write_idx(folder / mnist.FILES[f"{split}_images"], rng.integers(256, size=(count, 28, 28), dtype=np.uint8))
        write_idx(folder / mnist.FILES[f"{split}_labels"], rng.integers(10, size=count, dtype=np.uint8))


def test_the_sample_is_stratified(tmp_path: Path) -> None:
    (tmp_path / mnist.SAMPLE).symlink_to(ROOT_DIR / "data" / mnist.SAMPLE)
    sample = mnist.load(tmp_path)
    assert (sample.name, sample.is_sample) == ("mnist-mini", True)
    assert sample.train_images.shape == (6000, 28, 28)
    assert np.bincount(sample.train_labels).tolist() == [600] * 10
    assert np.bincount(sample.test_labels).tolist() == [100] * 10


def test_idx_files_come_before_the_sample(tmp_path: Path) -> None:
    (tmp_path / mnist.SAMPLE).symlink_to(ROOT_DIR / "data" / mnist.SAMPLE)
    write_all(tmp_path)
    data = mnist.load(tmp_path)
    assert (data.name, data.is_sample) == ("mnist", False)
    assert (data.train_images.shape, data.test_labels.shape) == ((12, 28, 28), (3,))


def test_values_are_read_row_by_row(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    write_idx(tmp_path / "x", array)
    assert np.array_equal(mnist.read_idx(tmp_path / "x"), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (b"\x1f\x8b\x08\x00", "begins with 1f 8b 08 00"),
        (struct.pack(">HBBI", 0, 13, 1, 1) + b"1234", "no idx file of bytes"),
        (struct.pack(">HBBI", 0, 8, 3, 1), "no idx file of bytes"),
        (struct.pack(">HBBII", 0, 8, 2, 2, 3) + b"12345", r"5 values; its header says 6 of shape \(2, 3\)"),
        (struct.pack(">HBBII", 0, 8, 2, 2**31, 2**31) + b"1", "1 values"),
    ],
    ids=["empty", "gzip", "floats", "cut header", "cut values", "huge"],
)
def test_a_file_that_is_no_idx_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "images").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        mnist.read_idx(tmp_path / "images")
    assert "images" in str(caught.value)


def test_images_and_labels_belong_together(tmp_path: Path) -> None:
    write_all(tmp_path)
    write_idx(tmp_path / mnist.FILES["test_labels"], np.zeros(4, np.uint8))
    with pytest.raises(ValueError, match=r"test images of shape \(3, 28, 28\) with labels of shape \(4,\)"):
        mnist.load(tmp_path)


def test_labels_are_digits(tmp_path: Path) -> None:
    write_all(tmp_path)
    write_idx(tmp_path / mnist.FILES["train_labels"], np.full(12, 10, np.uint8))
    with pytest.raises(ValueError, match="labels from 0 to 9"):
        mnist.load(tmp_path)


def test_where_there_is_nothing_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"mnist-mini\.npz there, or run \./download\.sh"):
        mnist.load(tmp_path)
