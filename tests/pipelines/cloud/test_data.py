"""The layout and the classes that a compiled job needs, and the upload of a task's own data."""

from pathlib import Path

import pytest

from pipelines import tasks
from pipelines.cloud import data as cloud_data
from pipelines.cloud.parts import WorkConfig
from tests.components.example_gen.conftest import encoded, parse, picture, write
from trainer_modules import digits, flowers, gtsrb, image_folder
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.sources import ImageFolders, TFRecords

NAMED = ("problem.classes=('cat', 'dog')",)


def _classes(root: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        for j in range(3):
            write(root / name / f"{j}.png", encoded(picture(10 * i + j)))
    return root


@pytest.mark.usefixtures("tfx_ready")
def test_a_job_is_compiled_for_the_newest_span(tmp_path: Path) -> None:
    data = f"{tmp_path}/span-{{SPAN}}"
    _classes(tmp_path / "span-1", "cat", "dog")
    _classes(tmp_path / "span-2", "bird", "cat")
    task, root, source = cloud_data.located(image_folder.TASK, WorkConfig(data=data))
    assert task.problem.names == ("bird", "cat")
    # The job keeps the pattern: each run of a schedule finds its own newest span.
    assert root == data and isinstance(source, ImageFolders)
    named = WorkConfig(data=data, layout="ImageFolders")
    assert cloud_data.located(image_folder.TASK, named)[0].problem.names == ("bird", "cat")
    elsewhere = WorkConfig(data="/mnt/elsewhere/{SPAN}")
    with pytest.raises(BadInputError, match="cannot be read from here"):
        cloud_data.located(image_folder.TASK, elsewhere)
    _classes(tmp_path / "span-3", *flowers.TASK.problem.names)
    assert isinstance(cloud_data.located(flowers.TASK, WorkConfig(data=data))[2], ImageFolders)


@pytest.mark.parametrize("data", ["gs://bucket/pets", "/mnt/only/in/the/containers"])
def test_classes_that_cannot_be_known_are_asked_for(data: str) -> None:
    with pytest.raises(BadInputError, match=r"task 'image_folder'.*problem\.classes"):
        cloud_data.located(image_folder.TASK, WorkConfig(task="image_folder", data=data))
    task = tasks.load("image_folder", NAMED)
    assert cloud_data.located(task, WorkConfig(data=data)) == (task, data, task.source)


def test_a_layout_out_of_sight_is_the_first_or_the_one_that_is_named() -> None:
    layouts = (flowers.TASK.source, *flowers.TASK.alternatives)
    first, other = layouts[0], next(x for x in layouts if type(x) is not type(layouts[0]))
    assert cloud_data.located(flowers.TASK, WorkConfig(data="gs://b/d"))[2] == first
    named = WorkConfig(data="gs://b/d", layout=type(other).__name__)
    assert cloud_data.located(flowers.TASK, named)[2] == other
    with pytest.raises(BadInputError, match=r"--layout must be one of .*did you mean 'ImageFold"):
        cloud_data.located(flowers.TASK, WorkConfig(data="gs://b/d", layout="ImageFolder"))


def test_of_several_layouts_of_one_class_the_first_has_its_name() -> None:
    assert sum(isinstance(x, ImageFolders) for x in gtsrb.TASK.alternatives) > 0
    named = WorkConfig(data="gs://b/d", layout="ImageFolders")
    assert cloud_data.located(gtsrb.TASK, named)[2] == gtsrb.TASK.source


def test_data_that_a_library_carries_have_their_stored_layout_in_the_cloud() -> None:
    _, _, source = cloud_data.located(digits.TASK, WorkConfig(data="gs://b/d"))
    assert isinstance(source, TFRecords) and source == digits.TASK.source.stored


def test_what_is_uploaded_is_what_the_job_reads(tmp_path: Path) -> None:
    import tensorflow as tf
    from sklearn.datasets import load_digits

    target = tmp_path / "bucket"
    cloud_data.upload("digits", str(target))
    _, root, source = cloud_data.located(digits.TASK, WorkConfig(data=str(target)))
    assert isinstance(source, TFRecords) and root == str(target)
    patterns = [str(target / glob) for glob in (source.train, source.eval)]
    files = sorted(tf.io.gfile.glob(patterns))
    rows = [parse(r) for r in tf.data.TFRecordDataset(files).as_numpy_iterator()]
    truth = load_digits().target
    assert len(rows) == len(truth)
    assert sorted(row[source.label] for row in rows) == sorted(truth.tolist())


def test_only_data_of_its_own_can_be_uploaded(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="Task 'flowers' has no data of its own to upload"):
        cloud_data.upload("flowers", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_accelerator_is_an_error_of_the_training() -> None:
    assert cloud_data.for_accelerator(digits.TASK, "tpu").train.accelerator == "tpu"
    assert cloud_data.for_accelerator(digits.TASK, "cpu") == digits.TASK
