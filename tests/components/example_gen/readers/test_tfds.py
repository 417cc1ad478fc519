"""Data sets that TensorFlow Datasets prepared."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.example_gen import ingest as ingestion
from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import encoded, labels, picture, write, write_shard
from trainer_modules import food101
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification, MultiLabel
from trainer_modules.engine.task.sources import TensorFlowDatasets
from trainer_modules.engine.task.task import Task

SETS = MultiLabel(classes=("cat", "dog", "indoors"))


def test_indices_of_a_prepared_data_set_have_its_own_names(ingest, tmp_path):
    write(tmp_path / "dataset_info.json", '{"fileFormat": "tfrecord"}')
    write(tmp_path / "labels.labels.txt", "dog\ncat\nindoors\n")
    for split, seed in (("train", 0), ("validation", 10)):
        rows = [{"image": encoded(picture(seed + i)), "labels": [0, 2][: i + 1]} for i in range(2)]
        write_shard(tmp_path / f"pets-{split}.tfrecord-00000-of-00001", rows)
    found = ingest(tmp_path, TensorFlowDatasets(name="pets", label="labels"), SETS)
    assert sorted(labels(found).values()) == ["dog", "dog", "dog|indoors", "dog|indoors"]


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
