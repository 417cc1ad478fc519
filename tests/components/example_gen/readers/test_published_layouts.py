"""Food-101 as it is published: lists of a split's images, and what TensorFlow Datasets prepares."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.example_gen import ingest as ingestion
from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import encoded, picture, write, write_shard
from trainer_modules import food101
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task.sources import ImageFolders, ImageLists, TensorFlowDatasets
from trainer_modules.engine.task.task import Task

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


def prepared(folder: Path, names: tuple[str, ...], shards: int = 2) -> Path:
    """Writes what TensorFlow Datasets 4.9 writes for food101: its files, keys and JSON."""
    seeds = iter(range(1000))
    splits = []
    for split, count in (("train", 3), ("validation", 2)):
        for shard in range(shards):
            rows = [
                {"image": encoded(picture(next(seeds)), "JPEG"), "label": i % len(names)}
                for i in range(count)
            ]
            write_shard(folder / f"food101-{split}.tfrecord-{shard:05d}-of-{shards:05d}", rows)
        splits.append(
            {
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
                "name": split,
                "numBytes": "42795",
                "shardLengths": [str(count)] * shards,
            }
        )
    info = {"fileFormat": "tfrecord", "name": "food101", "splits": splits, "version": "2.0.0"}
    write(folder / "dataset_info.json", json.dumps(info, indent=2))
    package = "tensorflow_datasets.core.features"
    features = {
        "image": {
            "image": {
                "dtype": "uint8",
                "encodingFormat": "jpeg",
                "shape": {"dimensions": ["-1", "-1", "3"]},
            },
            "pythonClassName": f"{package}.image_feature.Image",
        },
        "label": {
            "classLabel": {"numClasses": str(len(names))},
            "pythonClassName": f"{package}.class_label_feature.ClassLabel",
        },
    }
    write(folder / "features.json", json.dumps({"featuresDict": {"features": features}}))
    write(folder / "label.labels.txt", "\n".join(names))
    return folder


@pytest.mark.parametrize("given", ["", "food101", "food101/2.0.0"])
def test_tensorflow_datasets_are_read_by_name(ingest: Any, tmp_path: Path, given: str) -> None:
    """The order of its classes is its own: here the reverse of the task's."""
    names = tuple(reversed(food101.TASK.problem.names))
    prepared(tmp_path / "food101" / "2.0.0", names)
    task, data, source = ingestion.prepare(food101.TASK, str(tmp_path / given), str(tmp_path))
    assert isinstance(source, TensorFlowDatasets)
    found = ingest(Path(data), source, task.problem)
    assert found.summary["counts"] == {"train": 6, "eval": 4}
    assert found.rejected == {}
    by_label = {e["label"] for e in found.examples.values()}
    assert by_label == {b"waffles", b"tuna_tartare", b"tiramisu"}
    inner = "" if given.endswith("2.0.0") else ("2.0.0/" if given else "food101/2.0.0/")
    first = found.examples[f"{inner}food101-train.tfrecord-00001-of-00002:0"]
    assert first["label"] == b"waffles"


def test_other_label_names_are_other_data(tmp_path: Path) -> None:
    """Labels become names by that file: the cache must notice when it changes."""
    from components.example_gen.driver import of_files

    names = food101.TASK.problem.names
    prepared(tmp_path / "2.0.0", names)
    source = TensorFlowDatasets(name="food101")

    def fingerprint() -> str:
        return of_files(reader_for(str(tmp_path), source, food101.TASK.problem))

    before = fingerprint()
    assert fingerprint() == before
    write(tmp_path / "2.0.0" / "label.labels.txt", "\n".join(reversed(names)))
    assert fingerprint() != before


def test_what_tensorflow_datasets_lack_is_said(tmp_path: Path) -> None:
    source, problem = TensorFlowDatasets(name="food101"), food101.TASK.problem
    folder = prepared(tmp_path / "2.0.0", problem.names)

    def refused(says: str) -> None:
        with pytest.raises(BadInputError, match=says):
            reader_for(str(tmp_path), source, problem)

    info = (folder / "dataset_info.json").read_text()
    write(folder / "dataset_info.json", info.replace('"tfrecord"', '"array_record"'))
    refused("--file_format=tfrecord")
    write(folder / "dataset_info.json", info)
    (folder / "food101-train.tfrecord-00001-of-00002").unlink()
    refused("1 of the 2 shards of split 'train'")
    prepared(folder, ("cat", "dog"))
    refused("none of its 2 classes .cat, ….")
    (folder / "label.labels.txt").unlink()
    refused("label.labels.txt does not exist")
    prepared(folder, problem.names)
    with pytest.raises(BadInputError, match="'train, validation|one of train, validation"):
        reader_for(str(tmp_path), TensorFlowDatasets(name="food101", eval="test"), problem)
    prepared(tmp_path / "2.1.0", problem.names)
    refused("2 versions of a data set: 2.0.0, 2.1.0")


def test_open_classes_are_those_of_the_labels_file(tmp_path: Path) -> None:
    prepared(tmp_path, ("pie", "apple"))
    task = Task(
        name="pies",
        source=TensorFlowDatasets(name="food101"),
        input=food101.TASK.input,
        problem=Classification(),
        model=food101.TASK.model,
        phases=food101.TASK.phases,
    )
    assert ingestion.with_classes(task, str(tmp_path), task.source).problem.names == (
        *("apple", "pie"),
    )
