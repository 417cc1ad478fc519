"""An entry is published whole, and every split has a file."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from components.example_gen import shard_files
from components.example_gen.checking import Checked
from components.example_gen.manifest import Part
from components.example_gen.places import Place

pytestmark = pytest.mark.usefixtures("tfx_ready")
PART = Part(number=0, place=0, key="k")


def test_an_entry_is_published_whole_or_not(tmp_path: Path) -> None:
    entry, work, train = (tmp_path / name for name in ("entry", "work", "train"))
    for folder in (entry, work, train):
        folder.mkdir()
    place = Place(reader=SimpleNamespace(splits=("train", "eval")))  # type: ignore[arg-type]
    with shard_files.Writer(str(entry), place) as writer:
        checked = Checked(serialized=b"one", format="", classes=())
        writer.add(checked, id="1", split="train", label="cat", digest=b"1" * 32)
        writer.count({("example", "train", ""): 1})
    folders = {"train": str(train), "eval": str(tmp_path / "eval")}
    assert shard_files.publish(str(entry), str(work), PART, folders)
    (shard,) = train.iterdir()
    assert shard.stat().st_ino == (entry / shard.name).stat().st_ino
    contents = shard_files.read_contents(str(work), PART)
    assert contents == {"shards": {"train": shard.name}, "counts": [["example", "train", "", 1]]}
    shard_files.fill_empty(folders)
    assert [p.name for p in (tmp_path / "eval").iterdir()] == [shard_files.EMPTY_SHARD]
    (entry / shard.name).unlink()
    assert not shard_files.publish(str(entry), str(work), PART, folders)
