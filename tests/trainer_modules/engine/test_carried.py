"""The functions of a task whose file is elsewhere: from its text, or those of every task."""

import sys
import tempfile
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trainer_modules import boston_housing
from trainer_modules.engine import carried, transform
from trainer_modules.engine.custom_config import FILES_KEY, INPUT_KEY, PROBLEM_KEY, TASK_KEY
from trainer_modules.engine.task import overrides

MINE = """
from notes.deeper import ENDING


def run_fn(fn_args):
    fn_args.seen.append((ENDING, __file__))
    raise_if = fn_args.custom_config.get("fails")
    if raise_if:
        raise RuntimeError(raise_if)


def preprocessing_fn(inputs, custom_config):
    return {"doubled": inputs["x"] * 2, "said": custom_config["said"]}
"""
FILES = {
    "file": "mine.py",
    "texts": {"mine.py": MINE, "notes/deeper.py": "ENDING = 'the end: ä'"},
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def _run(**config: Any) -> list[Any]:
    seen: list[Any] = []
    carried.run_fn(SimpleNamespace(custom_config={FILES_KEY: FILES, **config}, seen=seen))
    return seen


def test_a_function_of_the_file_runs_with_its_neighbours_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    ((ending, file),) = _run()
    assert ending == "the end: ä"
    assert Path(file).is_relative_to(tmp_path) and Path(file).name == "mine.py"
    assert not list(tmp_path.iterdir())
    assert "notes" not in sys.modules and "notes.deeper" not in sys.modules
    made = carried.preprocessing_fn({"x": 3}, {FILES_KEY: FILES, "said": "this"})
    assert made == {"doubled": 6, "said": "this"}


def test_after_an_error_the_traceback_shows_the_lines_of_the_file() -> None:
    with pytest.raises(RuntimeError, match="broken") as failed:
        _run(fails="broken")
    shown = "".join(traceback.format_tb(failed.tb))
    assert "raise RuntimeError(raise_if)" in shown


def test_without_a_file_transform_does_what_it_does_for_every_task() -> None:
    import tensorflow as tf

    task = boston_housing.TASK
    config = {
        INPUT_KEY: overrides.to_json(task.input),
        PROBLEM_KEY: overrides.to_json(task.problem),
    }
    inputs = {name: tf.constant([[1.5], [2.5]]) for name in (*task.input.columns, "MEDV")}
    inputs["id"] = tf.constant([[b"a"], [b"b"]])
    made = carried.preprocessing_fn(inputs, config)
    expected = transform.transformed(inputs, task.input, task.problem)
    assert made.keys() == expected.keys()
    assert {k: v.numpy().tolist() for k, v in made.items()} == {
        k: v.numpy().tolist() for k, v in expected.items()
    }


def test_without_a_file_trainer_gets_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer_modules.engine.training import run

    trained: list[Any] = []
    monkeypatch.setattr(run, "run", lambda task, fn_args: trained.append((task, fn_args)))
    recipe = boston_housing.TASK.recipe
    arguments = SimpleNamespace(custom_config={TASK_KEY: overrides.to_json(recipe)})
    carried.run_fn(arguments)
    assert trained == [(recipe, arguments)]
