"""Images whose splits are list files: food101 as it is published."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.example_gen import ingest as ingestion
from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import encoded, picture, write
from trainer_modules import food101
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.sources import ImageFolders, ImageLists

LISTED = ("apple_pie/1005649", "apple_pie/1011328", "waffles/1000490", "waffles/101325")


def published(root: Path) -> Path:
    """A small food-101 with everything that the published archive holds."""
    for i, name in enumerate((*LISTED, "apple_pie/7", "waffles/8")):
        write(root / "images" / f"{name}.jpg", encoded(picture(i), "JPEG"))
    write(root / "meta" / "train.txt", "\n".join(LISTED) + "\n")
    write(root / "meta" / "test.txt", "apple_pie/7\nwaffles/8\n")
    write(root / "meta" / "classes.txt", "\n".join(food101.TASK.problem.names))
    write(root / "meta" / "labels.txt", "Apple pie\nWaffles")
    write(root / "README.txt", "Food-101")
    write(root / "license_agreement.txt", "…")
    return root


def as_json(root: Path) -> None:
    for split in ("train", "test"):
        by_class: dict[str, list[str]] = {}
        for line in (root / "meta" / f"{split}.txt").read_text().split():
            by_class.setdefault(line.split("/")[0], []).append(line)
        write(root / "meta" / f"{split}.json", json.dumps(by_class))
        (root / "meta" / f"{split}.txt").unlink()


@pytest.mark.parametrize("lists", ["text", "json"])
def test_food101_is_split_as_published(ingest: Any, tmp_path: Path, lists: str) -> None:
    root = published(tmp_path / "food-101")
    if lists == "json":
        as_json(root)
    task, data, source = ingestion.prepare(food101.TASK, str(root), str(tmp_path))
    assert isinstance(source, ImageLists)
    found = ingest(Path(data), source, task.problem)
    assert set(found.splits["train"]) == {f"images/{name}.jpg" for name in LISTED}
    assert set(found.splits["eval"]) == {"images/apple_pie/7.jpg", "images/waffles/8.jpg"}
    assert found.examples["images/waffles/8.jpg"]["label"] == b"waffles"
    assert found.rejected == {}, "neither the lists nor the licence are images gone wrong"


def test_what_lists_and_images_disagree_about_is_rejected(ingest: Any, tmp_path: Path) -> None:
    root = published(tmp_path)
    (root / "images" / "waffles" / "101325.jpg").unlink()
    write(root / "images" / "waffles" / "9.jpg", encoded(picture(50), "JPEG"))
    with (root / "meta" / "test.txt").open("a") as f:
        f.write("\nwafles/10\nwaffles/1000490\n")
    found = ingest(root, food101.TASK.source, food101.TASK.problem)
    reasons = found.rejected
    assert reasons["images/waffles/101325.jpg"] == "meta/train.txt:4: there is no such file"
    assert reasons["images/waffles/9.jpg"] == "not listed in any of meta/train.txt, meta/test.txt"
    assert "there is no such file" in reasons["images/wafles/10.jpg"]
    again = "images/waffles/1000490.jpg (meta/test.txt:5)"
    assert (
        reasons[again] == "meta/test.txt:5: listed a second time; first listed in meta/train.txt:3"
    )
    assert len(reasons) == 4
    assert "images/waffles/1000490.jpg" in found.splits["train"]


def test_missing_lists_are_named_with_the_way_out(tmp_path: Path) -> None:
    published(tmp_path / "food-101")
    with pytest.raises(BadInputError, match="Did you mean --data .*/food-101"):
        reader_for(str(tmp_path), food101.TASK.source, food101.TASK.problem)
    root = published(tmp_path / "other")
    write(root / "meta" / "train.json", '["apple_pie/1"]')
    (root / "meta" / "train.txt").unlink()
    reader = reader_for(str(root), food101.TASK.source, food101.TASK.problem)
    with pytest.raises(BadInputError, match="must be a JSON object"):
        list(reader.items())


def test_class_folders_without_lists_are_read_as_before(tmp_path: Path) -> None:
    write(tmp_path / "pizza" / "1.jpg", encoded(picture(1), "JPEG"))
    _, _, source = ingestion.prepare(food101.TASK, str(tmp_path), str(tmp_path))
    assert isinstance(source, ImageFolders)
