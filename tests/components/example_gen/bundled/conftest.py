"""Small files as Keras' data sets have them."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest


def idx(values: np.ndarray) -> bytes:
    shape = b"".join(struct.pack(">I", n) for n in values.shape)
    return bytes([0, 0, 8, values.ndim]) + shape + values.astype(np.uint8).tobytes()


@pytest.fixture
def tiny_mnist(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    folder = tmp_path / "files"
    folder.mkdir()
    for part, count in (("train", 12), ("t10k", 4)):
        images = rng.integers(0, 256, (count, 28, 28))
        labels = np.arange(count) % 10
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return folder
