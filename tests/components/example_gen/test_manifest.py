"""The list of work in parts: nothing lost, nothing twice, and old parts stay as they are."""

import dataclasses
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.example_gen import manifest
from components.example_gen.manifest import Part
from components.example_gen.memory import Memory, Row
from components.example_gen.places import Place
from components.example_gen.readers.items import Item, Rejected
from trainer_modules.engine.task.sources import HashSplit

pytestmark = pytest.mark.usefixtures("tfx_ready")


@dataclasses.dataclass(frozen=True)
class _Reader:
    """Lists what it is told to."""

    entries: tuple[Item | Rejected, ...]
    holds_many: bool = False
    hash_split = HashSplit()
    splits = ("train", "eval")

    def places(self) -> list[str]:
        return ["/data"]

    def items(self) -> Iterator[Item | Rejected]:
        yield from self.entries


def _entries(count: int, folder: str = "/data") -> list[Item | Rejected]:
    items: list[Item | Rejected] = [
        Item(key=f"k{i}", id=f"ä {i}\n.png", path=f"{folder}/{i}", split="train", label=f"{i % 3}")
        for i in range(count)
    ]
    return [*items, Rejected(id="broken.png", split="eval", reason="is empty")]


def _place(entries: Any, *, holds_many: bool = False) -> Place:
    return Place(reader=_Reader(tuple(entries), holds_many))  # type: ignore[arg-type]


def _found(work: Path, parts: list[Part]) -> list[Item | Rejected]:
    read = [manifest.read(str(work), part.number) for part in parts]
    files: list[Item | Rejected] = [entry.item for listed, _ in read for entry in listed]
    return [*files, *(entry for _, rejected in read for entry in rejected)]


@pytest.mark.parametrize(
    ("count", "holds_many", "parts"),
    [(0, False, 1), (999, False, 1), (2500, False, 3), (2, True, 2)],
)
def test_every_entry_is_in_one_part(
    tmp_path: Path, count: int, holds_many: bool, parts: int
) -> None:
    made = manifest.write(
        (_place(_entries(count), holds_many=holds_many),), str(tmp_path), Memory("")
    )
    assert len(made) == len(list(tmp_path.iterdir())) == parts
    found = _found(tmp_path, made)
    assert sorted(found, key=lambda e: e.id) == sorted(_entries(count), key=lambda e: e.id)


def test_a_part_does_not_depend_on_the_order_of_the_listing(tmp_path: Path) -> None:
    one = manifest.write((_place(_entries(2500)),), str(tmp_path / "one"), Memory(""))
    two = manifest.write((_place(reversed(_entries(2500))),), str(tmp_path / "two"), Memory(""))
    assert one == two and len({part.key for part in one}) == 3
    for part in range(3):
        listed, _ = manifest.read(str(tmp_path / "one"), part)
        assert listed == manifest.read(str(tmp_path / "two"), part)[0]
    # Mixed: neighbours in the listing do not stay together.
    keys = [int(entry.item.key[1:]) for entry in listed]
    assert keys != sorted(keys)


def test_there_is_an_end_to_parts(tmp_path: Path) -> None:
    made = manifest.write((_place(_entries(300), holds_many=True),), str(tmp_path), Memory(""))
    assert len(made) == 256


class _Nights:
    """Lists one place night after night and remembers it, as the executor does."""

    def __init__(self, tmp_path: Path) -> None:
        self.data, self.memory = tmp_path / "data", Memory(str(tmp_path / "store"))
        self.data.mkdir()
        self._work = (tmp_path / f"work-{n}" for n in range(1000))

    def files(self, first: int, last: int) -> None:
        for i in range(first, last):
            (self.data / str(i)).touch()
            os.utime(self.data / str(i), ns=(i, i))

    def night(self) -> list[tuple[str, int, int]]:
        """Returns (key, files, files known in their state) of each part."""
        names = sorted(self.data.iterdir())
        entries = [Item(key=p.name, id=p.name, path=str(p), split="") for p in names]
        place, work = _place(entries), str(next(self._work))
        parts = manifest.write((place,), work, self.memory)
        shown = []
        for part in parts:
            listed, _ = manifest.read(work, part.number)
            shown.append((part.key, len(listed), sum(bool(entry.known) for entry in listed)))
            rows = [
                Row(
                    **{"path": e.item.path, "stamp": e.stamp, "key": e.item.key, "id": e.item.id},
                    digest=hashlib.sha256(e.item.key.encode()).digest(),
                    **{"mask": b"", "split": "", "label": None, "slices": "{}", "empty": False},
                )
                for e in listed
            ]
            self.memory.put_rows(part.key, rows)
        self.memory.remember(place, [part.key for part in parts])
        assert sum(count for _, count, _ in shown) == len(names)
        return shown


def test_only_new_files_form_new_parts(tmp_path: Path) -> None:
    nights = _Nights(tmp_path)
    nights.files(0, 2500)
    first = nights.night()
    assert nights.night() == [(key, count, count) for key, count, _ in first]
    nights.files(2500, 2600)
    third = nights.night()
    assert third[:3] == [(key, count, count) for key, count, _ in first]
    assert third[3][1:] == (100, 0)


def test_a_changed_or_removed_file_touches_its_own_part(tmp_path: Path) -> None:
    nights = _Nights(tmp_path)
    nights.files(0, 2500)
    first = nights.night()
    os.utime(nights.data / "7", ns=(1, 1))
    (nights.data / "8").unlink()
    second = nights.night()
    pairs = [(now, then) for now, then in zip(second, first, strict=True) if now[0] != then[0]]
    assert len(pairs) in (1, 2)
    assert sum(then[1] - now[1] for now, then in pairs) == 1, "removed"
    assert sum(now[1] - now[2] for now, _ in pairs) == 1, "read again"


def test_a_year_of_small_nights_is_not_a_year_of_shards(tmp_path: Path) -> None:
    nights = _Nights(tmp_path)
    nights.files(0, 1000)
    nights.night()
    read = 0
    for night in range(60):
        nights.files(1000 + 40 * night, 1040 + 40 * night)
        shown = nights.night()
        read += sum(count for _, count, known in shown if known < count)
    assert len(shown) <= 14
    assert sum(count for _, count, _ in shown) == 3400
    # Merging parts repeats none of the reading of their files, and not much of the writing.
    assert read <= 60 * 40 * 6
