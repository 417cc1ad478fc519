"""The two functions TFX looks for in a task's module file."""

import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

from trainer_modules.engine.custom_config import INPUT_KEY, PROBLEM_KEY, TASK_KEY
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Task

T = TypeVar("T")
# Lies beside the tasks, and is none: what they import.
_API = "api.py"


def entry_points(task: Task) -> tuple[Callable[..., dict[str, Any]], Callable[[Any], None]]:
    """Returns `preprocessing_fn` and `run_fn` of a task, as Transform and Trainer call them.

    The pipeline passes in `custom_config` what each of them reads of the task, `--set` applied;
    without it, for example when a module file is given to TFX directly, the task is used as
    written.
    """

    def preprocessing_fn(
        inputs: dict[str, Any], custom_config: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        from trainer_modules.engine import transform

        given = _given(custom_config, INPUT_KEY, task.input)
        problem = _given(custom_config, PROBLEM_KEY, task.problem)
        return transform.transformed(inputs, given, problem)

    def run_fn(fn_args: Any) -> None:
        from trainer_modules.engine.training import run

        run.run(_given(fn_args.custom_config, TASK_KEY, task.recipe), fn_args)

    return preprocessing_fn, run_fn


def _given(custom_config: dict[str, Any] | None, key: str, written: T) -> T:
    """Returns the value that the pipeline passes under `key`, or else what the task file says."""
    value = (custom_config or {}).get(key)
    if value is None:
        return written
    read: T = overrides.from_json(value if isinstance(value, str) else json.dumps(value))
    return read


def module_path(task_name: str) -> str:
    """Returns the dotted path of a task's module."""
    return f"trainer_modules.{task_name}"


def task_names() -> list[str]:
    """Returns the names of all tasks, sorted: the module files next to the engine, and `api`."""
    import trainer_modules

    folder = os.path.dirname(os.path.abspath(trainer_modules.__file__))
    return sorted(
        name.removesuffix(".py")
        for name in os.listdir(folder)
        if name.endswith(".py") and not name.startswith("_") and name != _API
    )
