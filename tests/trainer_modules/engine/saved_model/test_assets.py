"""The small files beside a SavedModel's graph, as older versions and accidents leave them."""

import json
from pathlib import Path

import pytest

from trainer_modules import digits
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import assets
from trainer_modules.engine.task import serialisation


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A model's folder with its task."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/task.json").write_text(serialisation.to_json(digits.TASK))
    return tmp_path


def test_the_name_of_a_later_versions_task_is_still_known(copy: Path) -> None:
    asset = copy / "assets/task.json"
    later = json.loads(asset.read_text()) | {"format_version": 99, "colour": "red"}
    asset.write_text(json.dumps(later))
    assert assets.task_name(str(copy)) == "digits"
    for damaged in ("", "[]", "7", '{"type": "Task"}'):
        asset.write_text(damaged)
        with pytest.raises(BadInputError, match="task.json cannot be read: it must be a JSON"):
            assets.task_name(str(copy))


def test_the_name_that_the_first_version_wrote_is_known(copy: Path) -> None:
    golden = Path(__file__).parents[1] / "task/golden/task_format_1.jsonl"
    for line in golden.read_text(encoding="utf-8").splitlines():
        (copy / "assets/task.json").write_text(line, encoding="utf-8")
        assert assets.task_name(str(copy)) == json.loads(line)["name"] != ""


def test_a_line_is_a_class_whatever_is_in_it(copy: Path) -> None:
    names = ("a\u2028b", "c\x0bd", "e\x85f", "  ", "ü", "g\rh")
    (copy / "assets/classes.txt").write_bytes("".join(f"{name}\n" for name in names).encode())
    (copy / "assets/class_ids.txt").write_text("n01\nn02\n")
    assert assets.classes(str(copy)) == names
    assert assets.class_ids(str(copy)) == ("n01", "n02")


def test_what_is_not_there_is_empty_and_what_cannot_be_read_is_said(copy: Path) -> None:
    assert assets.classes(str(copy)) == assets.class_ids(str(copy)) == ()
    assert assets.classes(str(copy / "assets/task.json")) == ()
    assert assets.content(str(copy / "nothing")) is None
    (copy / "assets/classes.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(BadInputError, match="classes.txt cannot be read: it is not UTF-8"):
        assets.classes(str(copy))
    with pytest.raises(BadInputError, match="assets cannot be read: Is a directory"):
        assets.text(str(copy / "assets"))


def test_a_remote_file_is_read_alike() -> None:
    import tensorflow as tf

    with tf.io.gfile.GFile("ram://model/assets/classes.txt", "wb") as file:
        file.write("a\nb\u2028c\n".encode())
    assert assets.classes("ram://model") == ("a", "b\u2028c")
    assert assets.class_ids("ram://model") == ()
