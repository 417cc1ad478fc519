"""Finds the shards of a data set that TensorFlow Datasets prepared, and its class names.

The form: a folder `<name>/<version>` with `dataset_info.json`, `features.json`, for each feature of
classes `<feature>.labels.txt`, and shards `<name>-<split>.tfrecord-00000-of-00016`. Labels are
positions in the labels file, whose order is the data set's own; it maps them to names.
"""

import json
import re
from typing import Any

from components.example_gen.readers import storage
from components.example_gen.readers.items import EVAL, TEST, TRAIN
from components.example_gen.readers.shards import ShardReader
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.task.sources import TensorFlowDatasets, TFRecords

_INFO = "dataset_info.json"
_SHARD = re.compile(r"-(?P<split>[^-/]+)\.tfrecord-\d{5}-of-(?P<count>\d{5})$")


def tfds_reader(root: str, source: TensorFlowDatasets, problem: Problem) -> ShardReader:
    """Returns the reader of a prepared data set.

    Raises:
      BadInputError: If there is none, it is of another format, lacks shards or class names, or is
        about other classes than the task.
    """
    folder = prepared(root, source.name)
    below = storage.join(root, folder)
    info = _json(below, _INFO)
    kind = str(info.get("fileFormat", "tfrecord"))
    if kind != "tfrecord":
        raise BadInputError(
            f"{below} contains a TensorFlow Datasets data set in the format {kind}. Prepare it as "
            "TFRecords: tfds build --file_format=tfrecord."
        )
    wanted = ((TRAIN, source.train), (EVAL, source.eval), (TEST, source.test))
    by_split = _by_split(below)
    shards = tuple(
        (split, storage.join(folder, name))
        for split, theirs in wanted
        if theirs
        for name in _complete(below, theirs, by_split)
    )
    classes = problem.names
    # Numbers to be predicted have no names.
    names = label_names(below, source) if classes else ()
    if classes and not set(names) & set(classes):
        raise BadInputError(
            f"{below}: none of its {len(names)} classes ({names[0]}, …) is among the task's "
            f"{len(classes)} ({classes[0]}, …)."
        )
    return ShardReader(
        root=root,
        source=TFRecords(image=source.image, label=source.label, id="id"),
        problem=problem,
        shards=shards,
        label_names=names,
        label_file=storage.join(folder, f"{source.label}.labels.txt") if names else "",
    )


def prepared(root: str, name: str) -> str:
    """Returns the folder of the one prepared version of a data set, relative to the root.

    Raises:
      BadInputError: If there is none, or more than one.
    """
    if storage.exists(storage.join(root, _INFO)):
        return ""
    for start in ("", name):
        place = storage.join(root, start)
        if not storage.is_folder(place):
            continue
        versions = [
            storage.join(start, folder)
            for folder in storage.subfolders(place)
            if storage.exists(storage.join(place, folder, _INFO))
        ]
        if len(versions) > 1:
            raise BadInputError(
                f"{place} contains {len(versions)} versions of a data set: {', '.join(versions)}. "
                f"Choose one: --data {storage.join(root, versions[-1])}."
            )
        if versions:
            return versions[0]
    raise BadInputError(
        f"{root} contains no data set prepared by TensorFlow Datasets. Expected {_INFO} and "
        f"shards {name}-<split>.tfrecord-00000-of-00001 in it, or in {name}/<version> below it."
    )


def _by_split(folder: str) -> dict[str, list[tuple[str, int]]]:
    """Returns split → (name, how many shards there should be) of every shard."""
    shards: dict[str, list[tuple[str, int]]] = {}
    for entry in storage.files(folder):
        if shard := _SHARD.search(entry.relative):
            shards.setdefault(shard["split"], []).append((entry.relative, int(shard["count"])))
    return shards


def _complete(folder: str, split: str, shards: dict[str, list[tuple[str, int]]]) -> list[str]:
    """Returns a split's shards.

    Raises:
      BadInputError: If there are none, or fewer than their names announce.
    """
    if split not in shards:
        raise BadInputError(f"{folder}: the split {did_you_mean(split, sorted(shards))}.")
    count = max(count for _, count in shards[split])
    if len(shards[split]) != count:
        raise BadInputError(
            f"{folder} holds {len(shards[split])} of the {count} shards of split '{split}'. Copy "
            "the missing shards, or prepare the data set again."
        )
    return sorted(name for name, _ in shards[split])


def label_names(folder: str, source: TensorFlowDatasets) -> tuple[str, ...]:
    """Returns the class name of each of the data set's numbers.

    Raises:
      BadInputError: If the labels file is missing.
    """
    path = storage.join(folder, f"{source.label}.labels.txt")
    if not storage.exists(path):
        raise BadInputError(
            f"{path} does not exist. It maps each number of the label '{source.label}' to its "
            "class."
        )
    return tuple(storage.read(path).decode("utf-8").splitlines())


def _json(folder: str, name: str) -> dict[str, Any]:
    path = storage.join(folder, name)
    try:
        document = json.loads(storage.read(path))
    except ValueError as error:
        raise BadInputError(f"{path} is not valid JSON: {error}") from error
    return document if isinstance(document, dict) else {}
