"""What is stored outlives the code that wrote it: names, versions, clear errors."""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import tasks
from trainer_modules import digits
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import read
from trainer_modules.engine.task import serialisation
from trainer_modules.engine.task.gates import AtLeast, NoWorse
from trainer_modules.engine.task.learning_rates import Cosine
from trainer_modules.engine.task.task import Last, Phase, Task

# `assets/task.json` of ten tasks, a line each, as they were written before there was a version.
FORMAT_1 = Path(__file__).parent / "golden" / "task_format_1.jsonl"
STORED = [json.loads(line) for line in FORMAT_1.read_text(encoding="utf-8").splitlines()]


def test_round_trip_restores_every_type() -> None:
    task = replace(
        digits.TASK,
        phases=(
            Phase(epochs=3, learning_rate=Cosine(peak=0.1), trainable=Last(8)),
            Phase(epochs=2, steps_per_epoch=5),
        ),
        gates=(AtLeast("recall", 0.8, class_name="3"), NoWorse("accuracy", by=0.01)),
    )
    assert serialisation.from_json(serialisation.to_json(task)) == task
    assert serialisation.from_json(serialisation.to_json(task.gates)) == task.gates


def test_json_is_stable_and_names_no_module() -> None:
    once = serialisation.to_json(digits.TASK)
    assert serialisation.to_json(serialisation.from_json(once)) == once
    assert json.loads(once)["format_version"] == 2
    assert "engine." not in once and "trainer_modules" not in once


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored["name"])
def test_version_1_is_read(stored: dict) -> None:
    task = serialisation.from_json(json.dumps(stored))
    assert isinstance(task, Task)

    def values(plain: object) -> object:
        """Leaves out the types, and what is written of fields that version 1 did not have."""
        if isinstance(plain, dict):
            return {k: values(v) for k, v in plain.items() if k != "type"}
        return [values(v) for v in plain] if isinstance(plain, list) else plain

    def agrees(old: object, new: object) -> bool:
        if isinstance(old, dict) and isinstance(new, dict):
            return all(k in new and agrees(v, new[k]) for k, v in old.items())
        if isinstance(old, list) and isinstance(new, list):
            return len(old) == len(new) and all(map(agrees, old, new))
        return old == new

    assert agrees(values(stored), values(serialisation.to_plain(task)))


def test_every_class_that_a_task_can_contain_has_a_name_of_its_own() -> None:
    names = serialisation.types_by_name()
    assert {"Task", "Binary", "Last", "NoWorse", "Cosine", "TFRecords", "Dense"} <= set(names)

    def contained(value: object) -> set[type]:
        if isinstance(value, tuple):
            return set().union(*map(contained, value))
        if not dataclasses.is_dataclass(value):
            return set()
        fields = (getattr(value, f.name) for f in dataclasses.fields(value))
        return {type(value)}.union(*map(contained, fields))

    for spelling, _ in tasks.descriptions():
        for cls in contained(tasks.load(spelling)):
            assert names[cls.__name__] is cls


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format_version": 3}, "format_version 3; this version of tfx-vision reads 1 to 2"),
        ({"format_version": "2"}, "format_version '2'"),
        ({"colour": "red"}, "Task has no field 'colour'"),
        ({"phases": [{"type": "Phase", "epoch": 3}]}, "did you mean 'epochs'"),
        ({"phases": [{"type": "Phase"}]}, "Phase must have the field epochs"),
        ({"phases": [{"type": "Phase", "epochs": 0}]}, "Phase: epochs must be at least 1"),
        ({"problem": {"type": "Clasification"}}, "did you mean 'Classification'"),
        ({"problem": {"type": "os.system"}}, "Received: 'system'"),
        ({"problem": {"type": "engine.overrides.apply"}}, "Received: 'apply'"),
    ],
)
def test_what_cannot_be_read_is_one_clear_sentence(change: dict, says: str) -> None:
    document = json.loads(serialisation.to_json(digits.TASK)) | change
    with pytest.raises(BadInputError) as refused:
        serialisation.from_json(json.dumps(document))
    assert says in str(refused.value)


def test_text_that_is_no_json_is_named() -> None:
    with pytest.raises(BadInputError, match="must be valid JSON"):
        serialisation.from_json('{"type": "Task", ')


def test_a_model_of_another_version_is_named_with_its_file(tmp_path: Path) -> None:
    asset = tmp_path / "assets" / "task.json"
    asset.parent.mkdir()
    asset.write_text(json.dumps(STORED[0]), encoding="utf-8")
    found = read.task(str(tmp_path))
    assert found.name == STORED[0]["name"] and found.image.height == STORED[0]["image"]["height"]
    asset.write_text(json.dumps(STORED[0] | {"format_version": 9}), encoding="utf-8")
    with pytest.raises(BadInputError, match=r"assets/task.json cannot be read: .*version 9"):
        read.task(str(tmp_path))
