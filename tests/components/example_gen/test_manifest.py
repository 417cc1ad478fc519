"""The list of work in parts: nothing lost, nothing twice, the same for every reader."""

from pathlib import Path

import pytest

from components.example_gen import manifest
from components.example_gen.readers.items import Item, Rejected

pytestmark = pytest.mark.usefixtures("tfx_ready")


def entries(count: int) -> list[Item | Rejected]:
    items: list[Item | Rejected] = [
        Item(key=f"k{i}", id=f"ä {i}\n.png", path=f"/data/{i}.png", split="train", label=f"{i % 3}")
        for i in range(count)
    ]
    return [*items, Rejected(id="broken.png", split="eval", reason="is empty")]


@pytest.mark.parametrize(
    ("count", "holds_many", "parts"),
    [(0, False, 1), (999, False, 1), (2500, False, 3), (2, True, 3)],
)
def test_every_entry_is_in_one_part(
    tmp_path: Path, count: int, holds_many: bool, parts: int
) -> None:
    folder = str(tmp_path / "work")
    assert manifest.write(entries(count), folder, holds_many=holds_many) == parts
    assert len(list(Path(folder).iterdir())) == parts
    found = [entry for part in range(parts) for entry in manifest.read(folder, part)]
    assert sorted(found, key=lambda e: e.id) == sorted(entries(count), key=lambda e: e.id)


def test_a_part_does_not_depend_on_the_order_of_the_listing(tmp_path: Path) -> None:
    manifest.write(entries(2500), str(tmp_path / "one"), holds_many=False)
    manifest.write(reversed(entries(2500)), str(tmp_path / "two"), holds_many=False)
    for part in range(3):
        one = manifest.read(str(tmp_path / "one"), part)
        assert one == manifest.read(str(tmp_path / "two"), part)
    # Mixed: neighbours in the listing do not stay together.
    keys = [int(entry.key[1:]) for entry in one if isinstance(entry, Item)]
    assert keys != sorted(keys)


def test_there_is_an_end_to_parts(tmp_path: Path) -> None:
    assert manifest.write(entries(300), str(tmp_path / "work"), holds_many=True) == 256
