"""The shards of raw Examples, each with a key that says what it contains."""

import hashlib
import os
import re
from dataclasses import dataclass

from tfx.dsl.io import fileio

# A shard that tells its content by its name: equal names have equal bytes.
_TELLING = re.compile(r"data_tfrecord-([0-9a-f]{16})")


@dataclass(frozen=True)
class RawShard:
    """A shard of raw Examples.

    Attributes:
      path: The file.
      key: What it contains, letters and digits.
    """

    path: str
    key: str


def raw_shards(folder: str) -> list[RawShard]:
    """Returns the shards of a split, by name; a file without a telling name is read for its key."""
    if not fileio.exists(folder):
        return []
    paths = sorted(os.path.join(folder, name) for name in fileio.listdir(folder))
    return [RawShard(path=path, key=_key(path)) for path in paths if not fileio.isdir(path)]


def compression(path: str) -> str:
    """Returns TensorFlow's name for the compression of a shard."""
    return "GZIP" if path.endswith(".gz") else ""


def _key(path: str) -> str:
    if told := _TELLING.fullmatch(os.path.basename(path)):
        return told[1]
    digest = hashlib.sha256()
    with fileio.open(path, "rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:32]
