"""The two functions TFX looks for in a task's module file."""

import json
import os
from collections.abc import Callable
from typing import Any

from trainer_modules.engine.custom_config import TASK_KEY
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Recipe, Task

# Lies beside the tasks, and is none: what they import.
_API = "api.py"


def entry_points(task: Task) -> tuple[Callable[..., dict[str, Any]], Callable[[Any], None]]:
    """Returns `preprocessing_fn` and `run_fn` of a task, as Transform and Trainer call them.

    The pipeline passes the recipe with its `--set` changes in `custom_config`; without it, for
    example when a module file is given to TFX directly, the task is used as written.
    """

    def preprocessing_fn(
        inputs: dict[str, Any], custom_config: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        from trainer_modules.engine import transform

        recipe = _effective(task, custom_config)
        return transform.transformed(inputs, recipe.input, recipe.problem)

    def run_fn(fn_args: Any) -> None:
        from trainer_modules.engine.training import run

        run.run(_effective(task, fn_args.custom_config), fn_args)

    return preprocessing_fn, run_fn


def _effective(task: Task, custom_config: dict[str, Any] | None) -> Recipe:
    given = (custom_config or {}).get(TASK_KEY)
    if given is None:
        return task
    recipe: Recipe = overrides.from_json(given if isinstance(given, str) else json.dumps(given))
    return recipe


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
