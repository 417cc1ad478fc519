"""What TFX finds in a task's module: the functions, with the settings of a run or as written."""

import dataclasses
import importlib
import json
import pkgutil
from types import SimpleNamespace
from typing import Any

import pytest

import trainer_modules
from trainer_modules import boston_housing
from trainer_modules.engine import entry
from trainer_modules.engine.custom_config import INPUT_KEY, PROBLEM_KEY, TASK_KEY
from trainer_modules.engine.inputs.columns import Columns
from trainer_modules.engine.problems import Regression
from trainer_modules.engine.task import overrides

TASK = dataclasses.replace(
    boston_housing.TASK, input=Columns(names=("rooms",)), problem=Regression(target="price")
)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    from trainer_modules.engine.training import run

    calls: list[Any] = []
    monkeypatch.setattr(run, "run", lambda task, fn_args: calls.append(task))
    return calls


@pytest.mark.parametrize("config", [None, {}, {"other": "{}"}])
def test_a_module_given_to_tfx_directly_uses_the_task_as_written(
    trained: list[Any], config: Any
) -> None:
    _, run_fn = entry.entry_points(TASK)
    run_fn(SimpleNamespace(custom_config=config))
    assert trained == [TASK.recipe]


@pytest.mark.parametrize("parsed", [False, True])
def test_the_settings_of_a_run_replace_what_is_written(trained: list[Any], parsed: bool) -> None:
    """TFX gives JSON back as it was put in, or already read."""
    changed = overrides.apply(TASK, ["train.seed=7"]).recipe
    text = overrides.to_json(changed)
    _, run_fn = entry.entry_points(TASK)
    run_fn(SimpleNamespace(custom_config={TASK_KEY: json.loads(text) if parsed else text}))
    assert trained == [changed] != [TASK.recipe]


def test_transform_reads_the_input_and_the_problem_it_is_given() -> None:
    import tensorflow as tf

    preprocessing_fn, _ = entry.entry_points(TASK)
    inputs = {
        "id": tf.constant([b"1"]),
        **{name: tf.constant([value]) for name, value in (("rooms", 3.0), ("price", 9.0))},
        **{name: tf.constant([value]) for name, value in (("age", 5.0), ("rent", 2.0))},
    }

    def made(config: Any = None) -> dict[str, Any]:
        features = preprocessing_fn(inputs, config)
        return {name: value.numpy().tolist() for name, value in features.items()}

    assert made() == {"id": [b"1"], "rooms": [3.0], "target": [9.0]}
    other = {INPUT_KEY: overrides.to_json(Columns(names=("age",)))}
    assert made(other) == {"id": [b"1"], "age": [5.0], "target": [9.0]}
    other = {PROBLEM_KEY: overrides.to_json(Regression(target="rent"))}
    assert made(other) == {"id": [b"1"], "rooms": [3.0], "target": [2.0]}


def test_the_tasks_are_the_modules_with_a_task_in_them() -> None:
    modules = [m.name for m in pkgutil.iter_modules(trainer_modules.__path__) if not m.ispkg]
    with_task = [
        name
        for name in modules
        if hasattr(importlib.import_module(f"trainer_modules.{name}"), "TASK")
    ]
    assert entry.task_names() == sorted(with_task)
    assert entry.module_path("digits") == "trainer_modules.digits"
