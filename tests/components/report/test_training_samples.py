"""The labels below the samples before training, as each kind of problem writes them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.report import training_samples
from tests.components.report.runs import image
from trainer_modules.engine.problems import Classification, MultiLabel, Problem, Regression
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Images, Network, Task

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
    shard = str(tmp_path / "train.tfrecord")
    with tf.io.TFRecordWriter(shard) as writer:
        writer.write(example.SerializeToString())
    task = Task(
        name="weather",
        source=ImageFolders(),
        problem=problem,
        input=Images(height=8, width=8),
        model=Network(),
        phases=(),
    )
    sheet = training_samples.sheet(task, [shard])
    assert sheet is not None
    assert (sheet.labels, sheet.ids) == ((shown,), ("a.jpg",))
    assert np.asarray(sheet.blocks[0][1]).shape == (1, 8, 8, 3)
