"""What is stored outlives the code that wrote it: names, versions, clear errors."""

import dataclasses
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import tasks
from trainer_modules import digits
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import read
from trainer_modules.engine.task import aliases, serialisation
from trainer_modules.engine.task.gates import AtLeast, NoWorse
from trainer_modules.engine.task.learning_rates import Cosine
from trainer_modules.engine.task.task import Last, Phase, Task

GOLDEN = Path(__file__).parent / "golden"


def _stored(version: int) -> list[dict]:
    """`assets/task.json` of some tasks, a line each, as that version wrote them."""
    text = (GOLDEN / f"task_format_{version}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


STORED = _stored(1)


def test_round_trip_restores_every_type() -> None:
    task = replace(
        digits.TASK,
        phases=(
            Phase(epochs=3, learning_rate=Cosine(peak=0.1), trainable=Last(8)),
            Phase(epochs=2, steps_per_epoch=5),
        ),
        gates=(AtLeast("recall", 0.8, class_name="3"), NoWorse("accuracy", tolerance=0.01)),
    )
    assert serialisation.from_json(serialisation.to_json(task)) == task
    assert serialisation.from_json(serialisation.to_json(task.gates)) == task.gates


def test_json_is_stable_and_names_no_module() -> None:
    once = serialisation.to_json(digits.TASK)
    assert serialisation.to_json(serialisation.from_json(once)) == once
    assert json.loads(once)["format_version"] == 3
    assert "engine." not in once and "trainer_modules" not in once


def _leaves(plain: object, path: tuple[str, ...] = ()) -> dict[str, object]:
    """The numbers and texts of a document by their keys, the types left out."""
    if isinstance(plain, dict):
        parts = [_leaves(v, (*path, k)) for k, v in plain.items() if k != "type"]
    elif isinstance(plain, list):
        parts = [_leaves(v, (*path, str(i))) for i, v in enumerate(plain)]
    else:
        return {".".join(path): plain}
    return {key: value for part in parts for key, value in part.items()}


@pytest.mark.parametrize(
    "stored",
    [pytest.param(s, id=f"{v}-{s['name']}") for v in (1, 2) for s in _stored(v)],
)
def test_earlier_versions_are_read_without_losing_a_value(stored: dict) -> None:
    task = serialisation.from_json(json.dumps(stored))
    assert isinstance(task, Task)
    now = _leaves(serialisation.to_plain(task))
    stored.pop("format_version", None)
    for key, value in _leaves(stored).items():
        if key == "image":
            continue  # The form of a task without images.
        if key.startswith("search.") and key.endswith(".key"):
            value = aliases.current_key(task, str(value))
        assert now[_renamed(key)] == value, key


def _renamed(key: str) -> str:
    """Today's key of a setting of versions 1 and 2, written down once more, by hand."""
    for pattern, new in (
        (r"^image\.scale\b", "input.scaling"),
        (r"^image\.quality\b", "input.jpeg_quality"),
        (r"^image\b", "input"),
        (r"^also\b", "alternatives"),
        (r"\bvalidation_share\b", "validation_fraction"),
        (r"^serving\.forms\b", "serving.formats"),
        (r"^train\.best\b", "train.best_metric"),
        (r"^display\.maps\b", "display.heat_maps"),
        (r"^(gates\.\d)\.by\b", r"\1.tolerance"),
        (r"^(gates\.\d)\.per_class\b", r"\1.examples_per_class"),
        (r"learning_rate\.warmup\b", "learning_rate.warmup_fraction"),
        (r"learning_rate\.floor\b", "learning_rate.final_fraction"),
        (r"learning_rate\.(rate|steps)\b", r"learning_rate.decay_\1"),
        (r"^source\.test_fraction\b", "source.eval_fraction"),
        (r"^source\.last_as_eval\b", "source.eval_tail_fraction"),
        (r"^(source|alternatives\.\d)\.ending\b", r"\1.extension"),
        (r"^model\.answers\b", "model.outputs"),
        (r"^problem\.features\b", "input.names"),
        (r"^problem\.(standardise|shown)\b", r"input.\1"),
    ):
        key = re.sub(pattern, new, key)
    return key


def test_the_keys_of_a_stored_search_are_todays() -> None:
    stored = {s["name"]: s for s in _stored(2)}
    task = serialisation.from_json(json.dumps(stored["digits-searched"]))
    assert [one.key for one in task.search][::2] == ["input.height", "input.scaling"]
    task = serialisation.from_json(json.dumps(stored["boston_housing-searched"]))
    assert task.search[0].key == "input.standardise"


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
        ({"format_version": 4}, "format_version 4; this version of tfx-vision reads 1 to 3"),
        ({"format_version": "3"}, "format_version '3'"),
        ({"image": None}, "Task has no field 'image'"),
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
    assert found.name == STORED[0]["name"] and found.input.height == STORED[0]["image"]["height"]
    asset.write_text(json.dumps(STORED[0] | {"format_version": 9}), encoding="utf-8")
    with pytest.raises(BadInputError, match=r"assets/task.json cannot be read: .*version 9"):
        read.task(str(tmp_path))
