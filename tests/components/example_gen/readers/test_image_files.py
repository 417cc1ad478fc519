from pathlib import Path

import pytest

from components.data_validation.data_gate import check_rejected
from components.example_gen import ingest
from components.example_gen.readers.layouts import reader_for
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import ImageNet
from trainer_modules.engine.task.sources import ImageFiles
from trainer_modules.engine.task.task import Backbone, Images, Phase, Task

PROBLEM = ImageNet()


def _task(*phases: Phase) -> Task:
    return Task(
        name="t",
        source=ImageFiles(),
        input=Images(height=224, width=224),
        problem=PROBLEM,
        model=Backbone(name="VGG16", include_top=True),
        phases=phases,
    )


def test_images_at_any_depth_are_unlabelled(tmp_path: Path) -> None:
    (tmp_path / "cats" / "old").mkdir(parents=True)
    for name in ("a.JPG", "cats/b.png", "cats/old/c.webp", "cats/notes.txt", ".hidden.jpg"):
        (tmp_path / name).write_bytes(b"x")
    reader = reader_for(str(tmp_path), ImageFiles(), PROBLEM)
    assert reader.splits == ("unlabelled",)
    found = list(reader.items())
    assert sorted(item.id for item in found) == ["a.JPG", "cats/b.png", "cats/old/c.webp"]
    assert {(item.split, item.label) for item in found} == {("unlabelled", None)}
    inside = list(reader_for(str(tmp_path), ImageFiles(folder="cats/old"), PROBLEM).items())
    assert [item.id for item in inside] == ["cats/old/c.webp"]


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="nowhere"):
        reader_for(str(tmp_path), ImageFiles(folder="nowhere"), PROBLEM)


def test_a_task_that_trains_nothing_can_do_without_data() -> None:
    task, root, source = ingest.prepare(_task(), None, "runs")
    assert (task, root, source) == (_task(), "", ImageFiles())
    with pytest.raises(BadInputError, match="nothing to train on"):
        ingest.prepare(_task(Phase(epochs=1)), None, "runs")


def test_the_gate_wants_images_where_there_is_no_training_split() -> None:
    check_rejected({"unlabelled": 1}, [], 0, 0.01)
    with pytest.raises(BadInputError, match="split 'unlabelled'"):
        check_rejected({"unlabelled": 0}, [], 0, 0.01)
    with pytest.raises(BadInputError, match="split 'train'"):
        check_rejected({"train": 0, "eval": 0, "unlabelled": 4}, [], 0, 0.01)
