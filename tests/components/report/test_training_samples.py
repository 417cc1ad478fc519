"""The samples before training: augmented like their masks, labelled as each kind writes it."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from components.report import training_samples
from tests.components.report.runs import image
from tests.components.report.streets import TASK, shard
from trainer_modules.engine.problems import Classification, MultiLabel, Problem, Regression
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Augment, Images, Network, Task

CLASSES = ("sun", "rain", "snow")


@pytest.mark.parametrize(
    ("problem", "label", "shown"),
    [
        (Classification(classes=CLASSES), {"label": [1]}, "rain"),
        (MultiLabel(classes=CLASSES), {"label": [1, 0, 1]}, "sun|snow"),
        (Regression(target="warmth", unit="°C"), {"target": [-3.25]}, "-3.25 °C"),
        (Regression(target="people"), {"target": [1234.0]}, "1,234"),
        (Classification(classes=CLASSES), {}, ""),
    ],
)
def test_a_sample_has_its_label(
    tmp_path: Path, problem: Problem, label: dict[str, list[Any]], shown: str
) -> None:
    import tensorflow as tf

    example = tf.train.Example()
    example.features.feature["image"].bytes_list.value.append(image(1, (8, 8)))
    example.features.feature["id"].bytes_list.value.append(b"a.jpg")
    for name, values in label.items():
        kind = "float_list" if isinstance(values[0], float) else "int64_list"
        getattr(example.features.feature[name], kind).value.extend(values)
    path = str(tmp_path / "train.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(example.SerializeToString())
    task = Task(
        name="weather",
        source=ImageFolders(),
        problem=problem,
        input=Images(height=8, width=8),
        model=Network(),
        phases=(),
    )
    sheet = training_samples.sheet(task, [path])
    assert sheet is not None
    assert (sheet.labels, sheet.ids) == ((shown,), ("a.jpg",))
    assert np.asarray(sheet.blocks[0][1]).shape == (1, 8, 8, 3)


def test_samples_show_the_masks_too(tmp_path: Path) -> None:
    sheet = training_samples.sheet(TASK, [shard(tmp_path / "train.tfrecord", 9)])
    assert sheet is not None
    assert sorted(sheet.ids) == [f"{i}.png" for i in range(9)]
    pixels = np.asarray(Image.open(io.BytesIO(sheet.png())))
    # Image, and half image half colour: 112 × 112 pixels each.
    for colour, times in (((100, 100, 100), 9), ((175, 50, 50), 3), ((50, 50, 175), 3)):
        assert (pixels == colour).all(axis=-1).sum() == times * 112**2


def test_masks_of_changed_images_are_changed_alike(tmp_path: Path) -> None:
    halves = np.zeros((3, 16, 16, 3), np.uint8)
    halves[:, :, 8:] = 200
    ids = (halves[..., 0] > 0).astype(np.uint8)
    augment = Augment(flip=True, translation=0.2)
    task = dataclasses.replace(TASK, train=dataclasses.replace(TASK.train, augment=augment))
    images, masks = training_samples.augmented(halves, ids, task)
    assert masks is not None and not np.array_equal(images, halves)
    grey = images[..., 0]
    clear = (grey == 0) | (grey == 200)
    np.testing.assert_array_equal(masks[clear], grey[clear] > 0)


def test_rows_of_numbers_have_no_samples() -> None:
    from trainer_modules.boston_housing import TASK as housing

    assert training_samples.sheet(housing, ["/no/such/file"]) is None
