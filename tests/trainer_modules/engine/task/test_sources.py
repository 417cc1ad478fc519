"""Layouts of data: what a split may be, and that every layout survives a job's JSON."""

import dataclasses
import typing
from pathlib import PurePosixPath
from typing import Any

import pytest

from trainer_modules.engine.task import serialisation
from trainer_modules.engine.task.sources import (
    Bundled,
    HashSplit,
    ImageFolders,
    LabelledPaths,
    PathTable,
    Source,
    Table,
    TensorFlowDatasets,
)

NEEDED: dict[Any, dict[str, Any]] = {
    PathTable: {"paths": LabelledPaths(csv="a.csv", split="part", slices=("camera",))},
    TensorFlowDatasets: {"name": "food101"},
    Bundled: {"loader": "sklearn:load_digits", "stored": Table(file="b.csv")},
}
"""What some layouts cannot do without."""


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"eval": -0.1}, "fractions >= 0 with a sum below 1. Received: eval=-0.1, test=0.0"),
        ({"test": -0.1}, "Received: eval=0.2, test=-0.1"),
        ({"eval": 1.0}, "Received: eval=1.0"),
        ({"eval": 0.5, "test": 0.5}, "Received: eval=0.5, test=0.5"),
        ({"group": "scene_(\\d+"}, r"group must be a regular expression \(.*unterminated"),
    ],
)
def test_a_split_that_leaves_nothing_to_train_on_is_refused(
    settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        HashSplit(**settings)


def test_splits_that_leave_something() -> None:
    HashSplit(eval=0.0)
    HashSplit(eval=0.5, test=0.49)
    HashSplit(group=r"scene_(\d+)")


@pytest.mark.parametrize("kind", typing.get_args(Source), ids=lambda kind: kind.__name__)
def test_a_layout_survives_the_json_of_a_job(kind: Any) -> None:
    source = kind(**NEEDED.get(kind, {}))
    back = serialisation.from_json(serialisation.to_json(source))
    assert back == source and hash(back) == hash(source)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(source, dataclasses.fields(source)[0].name, "other")


@pytest.mark.parametrize("kind", typing.get_args(Source), ids=lambda kind: kind.__name__)
def test_no_layout_assumes_a_place_on_one_machine(kind: Any) -> None:
    """Paths are relative to the data root, which may be a laptop's folder or a bucket."""
    plain = dataclasses.asdict(kind(**NEEDED.get(kind, {})))
    texts = [value for value in plain.values() if isinstance(value, str)]
    assert not [t for t in texts if PurePosixPath(t).is_absolute() or "://" in t]


def test_a_split_may_be_folders_or_a_list() -> None:
    listed = ImageFolders(train="Train", test=LabelledPaths(csv="Test.csv", path="Path"))
    back = serialisation.from_json(serialisation.to_json(listed))
    assert back.test == LabelledPaths(csv="Test.csv", path="Path") and back.train == "Train"
