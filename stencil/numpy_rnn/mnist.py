"""MNIST: the four idx files where they are, else the sample of 6,000 + 1,000 images that comes along.

The file format is described on the page of the data set by LeCun, Cortes and Burges: two zero bytes, one for the type
(8: unsigned byte), one for the number of dimensions, then the sizes as big-endian 32-bit integers, then the values.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
SAMPLE = "mnist-mini.npz"
SIDE = 28  # pixels
_UNSIGNED_BYTE = 8


@dataclass(frozen=True)
class Mnist:
    """Digits and their labels, of people who write for the training set and of others who write for the test set.

    Attributes:
        name: "mnist" for all 60,000 + 10,000 images, "mnist-mini" for the sample.
        train_images: (N, 28, 28), uint8: 0 is paper, 255 is ink.
        train_labels: (N,), uint8 in 0 to 9.
        test_images: (M, 28, 28), uint8.
        test_labels: (M,), uint8.
    """

    name: str
    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes

    @property
    def is_sample(self) -> bool:
        return self.name != "mnist"


def load(folder: Path | str | None = None) -> Mnist:
    """Reads the whole data set, or the sample where one of its files is missing.

    Args:
        folder: Where the files lie; by default the first `data/` with any of them, beside this file or further up.

    Raises:
        FileNotFoundError: There is neither; the message says what to do.
        ValueError: A file is there, and isn't what it should be.
    """
    folder = _find_folder() if folder is None else Path(folder)
    if all((folder / file).is_file() for file in FILES.values()):
        arrays = {name: read_idx(folder / file) for name, file in FILES.items()}
        return _checked(Mnist("mnist", **arrays), folder)
    if (folder / SAMPLE).is_file():
        with np.load(folder / SAMPLE) as sample:
            arrays = {name: np.asarray(sample[name]) for name in FILES}
        return _checked(Mnist("mnist-mini", **arrays), folder / SAMPLE)
    raise FileNotFoundError(f"no MNIST in {folder}: put {SAMPLE} there, or run ./download.sh")


def read_idx(path: Path | str) -> Bytes:
    """Reads one idx file of unsigned bytes.

    Returns:
        An array of the shape that the file states.

    Raises:
        ValueError: It is no such file, or longer or shorter than it says.
    """
    path = Path(path)
    content = path.read_bytes()
    zero, kind, rank = struct.unpack(">HBB", content[:4]) if len(content) >= 4 else (1, 0, 0)
    if (zero, kind) != (0, _UNSIGNED_BYTE) or len(content) < 4 + 4 * rank:
        raise ValueError(f"{path} is no idx file of bytes: it begins with {content[:4].hex(' ') or 'nothing'}")
    shape = struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * rank)
    expected = int(np.prod(shape, dtype=np.int64))
    if len(values) != expected:
        raise ValueError(f"{path} holds {len(values)} values; its header says {expected} of shape {shape}")
    return values.reshape(shape)


def _find_folder() -> Path:
    here = Path(__file__).resolve().parent
    for above in (here, *here.parents):
        folder = above / "data"
        if any((folder / name).is_file() for name in (SAMPLE, *FILES.values())):
            return folder
    return here / "data"


def _checked(mnist: Mnist, where: Path) -> Mnist:
    for split in ("train", "test"):
        images, labels = getattr(mnist, f"{split}_images"), getattr(mnist, f"{split}_labels")
        if images.shape[1:] != (SIDE, SIDE) or labels.shape != images.shape[:1] or not len(labels):
            raise ValueError(f"{where}: {split} images of shape {images.shape} with labels of shape {labels.shape}")
        if images.dtype != np.uint8 or labels.max() > 9:
            raise ValueError(f"{where}: the {split} split holds something else than bytes with labels from 0 to 9")
    return mnist
