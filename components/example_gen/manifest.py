"""The list of work, cut into parts of about a thousand examples.

It is written to files line by line, so that neither the launcher nor a Beam job graph ever holds
all paths, and every worker sees the same snapshot of the data.
"""

import hashlib
import math
import zlib
from collections.abc import Iterable
from contextlib import ExitStack

from tfx.dsl.io import fileio

from components.example_gen.readers import storage
from components.example_gen.readers.items import Item, Rejected, from_line, to_line

_PART = 1000
_MOST_PARTS = 256


def write(entries: Iterable[Item | Rejected], folder: str, *, holds_many: bool) -> int:
    """Writes `part-<i>` files into `folder`.

    Args:
      entries: What there is to read.
      folder: An empty folder.
      holds_many: Whether each entry stands for many examples.

    Returns:
      How many parts there are, at least 1.
    """
    fileio.makedirs(folder)
    whole = storage.join(folder, "all")
    count = 0
    with storage.create(whole) as f:
        for entry in entries:
            f.write(to_line(entry))
            count += 1
    weight = _PART if holds_many else 1
    parts = min(_MOST_PARTS, max(1, math.ceil(count * weight / _PART)))
    with ExitStack() as stack, fileio.open(whole, "r") as f:
        outputs = [stack.enter_context(storage.create(_part(folder, i))) for i in range(parts)]
        for position, line in enumerate(iter(f.readline, "")):
            key = zlib.crc32(_key(from_line(line)).encode())
            outputs[position % parts if holds_many else key % parts].write(line)
    fileio.remove(whole)
    return parts


def read(folder: str, part: int) -> list[Item | Rejected]:
    """Returns the entries of one part, in an order that mixes classes and stays the same."""
    with fileio.open(_part(folder, part), "r") as f:
        entries = [from_line(line) for line in iter(f.readline, "")]
    return sorted(entries, key=lambda e: hashlib.sha256(_key(e).encode()).digest())


def _part(folder: str, part: int) -> str:
    return storage.join(folder, f"part-{part:05d}")


def _key(entry: Item | Rejected) -> str:
    return entry.key if isinstance(entry, Item) else entry.id
