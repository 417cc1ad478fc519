"""The list of work, cut into parts of about a thousand examples.

It is written to files line by line, so that a Beam job graph never holds all paths, and every
worker sees the same snapshot of the data. A file that was read on an earlier night stays in its
part; new files form new parts, so that the parts without a new file need not be read.
"""

import collections
import dataclasses
import hashlib
import json
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from tfx.dsl.io import fileio

from components.example_gen.memory import Memory, Stamp
from components.example_gen.places import Place
from components.example_gen.readers import storage
from components.example_gen.readers.items import UNLABELLED, Item, Rejected, from_line, to_line

_PART = 1000
_MOST_PARTS = 256
# A year of nights with a few new images each must not become a year of tiny shards.
_TINY, _MOST_TINY = _PART // 2, 8
# In place of the part that a file was in.
_NEW, _NO_FILE = -1, -2


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A file to read.

    Attributes:
      item: The file.
      stamp: Its size and time, and its mask's.
      known: Key of the part that was last seen with this file in this state; "" if none was.
    """

    item: Item
    stamp: Stamp
    known: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Files that are read and written together.

    Attributes:
      number: Position in the list of work.
      place: Position of its place.
      key: Names the files of the part, with their sizes and times.
    """

    number: int
    place: int
    key: str


def write(places: tuple[Place, ...], work: str, memory: Memory) -> list[Part]:
    """Writes `part-<number>` files into a folder.

    Args:
      places: What there is to read.
      work: An empty folder.
      memory: Of earlier nights.

    Returns:
      The parts, at least one for each place, those of a place together.
    """
    fileio.makedirs(work)
    parts: list[Part] = []
    for position, place in enumerate(places):
        parts += _write_place(place, position, work, memory, first=len(parts))
    return parts


def read(work: str, part: int) -> tuple[list[Listed], list[Rejected]]:
    """Returns the files of one part and what the listing rejected.

    The files are in an order that mixes classes and stays the same.
    """
    files: list[Listed] = []
    rejected: list[Rejected] = []
    with fileio.open(_file(work, part), "r") as f:
        for line in iter(f.readline, ""):
            stamp, known, entry = line.split("\t", 2)
            found = from_line(entry)
            if isinstance(found, Rejected):
                rejected.append(found)
            else:
                times = tuple(json.loads(stamp))
                files.append(Listed(item=found, stamp=times, known=known))
    return sorted(files, key=lambda e: _order(e.item)), rejected


def _write_place(
    place: Place, position: int, work: str, memory: Memory, *, first: int
) -> list[Part]:
    """Lists one place twice: into one file while it is counted, then into the parts' files."""
    before = memory.parts_of(place)
    known = {
        path: (number, stamp)
        for number, key in enumerate(before)
        for path, stamp in memory.stamps(key)
    }
    whole = storage.join(work, "all")
    # Of each file, in the order of the listing: the part it was in.
    belongs: list[int] = []
    with storage.create(whole) as f:
        for entry, stamp in _stamped(place):
            old, seen = _NO_FILE, stamp
            if isinstance(entry, Item):
                old, seen = known.get(entry.path, (_NEW, stamp))
            same = before[old] if old >= 0 and seen == stamp else ""
            f.write(f"{json.dumps(stamp)}\t{same}\t{to_line(entry)}")
            belongs.append(old)
    del known
    kept, new = _chosen(belongs, weight=_PART if place.reader.holds_many else 1)
    files = [_file(work, first + n) for n in range(len(kept) + new)]
    keys = [_Key(place) for _ in files]
    with ExitStack() as stack, fileio.open(whole, "r") as f:
        outputs = [stack.enter_context(storage.create(file)) for file in files]
        fresh = 0
        for old, line in zip(belongs, iter(f.readline, ""), strict=True):
            target = kept.get(old, 0)
            if old != _NO_FILE:
                stamp, _, entry = line.split("\t", 2)
                item = from_line(entry)
                assert isinstance(item, Item)
                if old not in kept:
                    spread = fresh if place.reader.holds_many else zlib.crc32(item.key.encode())
                    target, fresh = len(kept) + spread % new, fresh + 1
                keys[target].add(item, stamp)
            outputs[target].write(line)
    fileio.remove(whole)
    return [Part(number=first + n, place=position, key=key.value) for n, key in enumerate(keys)]


def _chosen(belongs: list[int], *, weight: int) -> tuple[dict[int, int], int]:
    """Returns which old parts stay, and at which position, and how many new ones there are.

    Args:
      belongs: Of each entry the part that it was in, `_NEW` or `_NO_FILE`.
      weight: How many examples a file stands for.
    """
    counts = collections.Counter(old for old in belongs if old != _NO_FILE)
    new = counts.pop(_NEW, 0)
    by_size = sorted(counts, key=lambda part: (-counts[part], part))
    tiny = [part for part in by_size if counts[part] * weight < _TINY]
    stay = by_size[: _MOST_PARTS - 1]
    if len(tiny) > _MOST_TINY:
        stay = [part for part in stay if part not in tiny]
    new += sum(counts[part] for part in by_size if part not in stay)
    kept = {part: position for position, part in enumerate(sorted(stay))}
    room = max(1, _MOST_PARTS - len(kept))
    made = min(room, math.ceil(new * weight / _PART))
    return kept, made if kept else max(1, made)


class _Key:
    """Collects the files of a part; their order does not matter."""

    def __init__(self, place: Place) -> None:
        self._settings, self._lines = place.settings, list[bytes]()

    def add(self, item: Item, stamp: str) -> None:
        line = f"{item.path}\n{item.mask}\n{stamp}"
        self._lines.append(hashlib.sha256(line.encode("utf-8", "surrogatepass")).digest())

    @property
    def value(self) -> str:
        digest = hashlib.sha256(self._settings.encode())
        for line in sorted(self._lines):
            digest.update(line)
        return digest.hexdigest()[:32]


def _stamped(place: Place) -> Iterator[tuple[Item | Rejected, Stamp]]:
    """Yields what a reader lists, with the state of each file."""
    listing: dict[str, Stamp] = {}
    for root in place.reader.places():
        if storage.is_remote(root):
            # Asking for the state of one object at a time would take longer than reading it.
            for file in storage.files(root) if storage.is_folder(root) else ():
                listing[storage.join(root, file.relative)] = (file.size, file.modified)
    for entry in place.reader.items():
        if isinstance(entry, Rejected):
            yield dataclasses.replace(entry, id=place.prefix + entry.id), ()
        elif not (place.fixed and entry.split == UNLABELLED):
            mask = _stamp(entry.mask, listing) if entry.mask else (0, 0)
            yield entry, (*_stamp(entry.path, listing), *mask)


def _stamp(path: str, listing: dict[str, Stamp]) -> Stamp:
    if path in listing:
        return listing[path]
    try:
        if not storage.is_remote(path):
            status = os.stat(path)
            return status.st_size, status.st_mtime_ns
        entry = storage.entry(path)
    except Exception:  # TensorFlow's file systems have errors of their own; reading will say it.
        return -1, 0
    return entry.size, entry.modified


def _order(item: Item) -> bytes:
    return hashlib.sha256(f"{item.id}\n{item.label}\n{item.split}".encode()).digest()


def _file(work: str, part: int) -> str:
    return storage.join(work, f"part-{part:05d}")
