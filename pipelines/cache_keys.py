"""The parts of a step's cache key: its code, the settings it reads from the task, its weights.

TFX compares a step's inputs and parameters, so these values are passed as parameters.
"""

from pathlib import Path
from typing import Any

from pipelines.task_files.packing import TaskCode
from trainer_modules.engine import fingerprint
from trainer_modules.engine.custom_config import (
    INPUT_KEY,
    KEEP_KEY,
    PROBLEM_KEY,
    PROMOTE_KEY,
    SPACE_KEY,
    TASK_KEY,
)
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Task

CODE_KEY = "code"


def starts(component: Any) -> tuple[str, ...]:
    """Returns where a component's code begins, as `module:name`: its executor and its driver.

    For a function component, whose executor class TFX generates, this is the function.
    """
    executor = component.EXECUTOR_SPEC.executor_class
    made = executor.__name__ == f"{component.__name__}_Executor"
    name = component.__name__ if made else executor.__name__
    driver = component.DRIVER_CLASS
    return f"{executor.__module__}:{name}", f"{driver.__module__}:{driver.__name__}"


def of_step(component: Any, *given: Any) -> str:
    """Returns the fingerprint of all code that a step runs.

    Args:
      component: The component's class.
      *given: Dataclasses that the step receives as JSON.
    """
    return fingerprint.of_code(*starts(component), given=given)


def preprocessing_config(task: Task, component: Any, own: TaskCode) -> dict[str, Any]:
    """Returns the `custom_config` of Transform, the class `component`, which calls `own`."""
    given = (task.input, task.problem)
    code = fingerprint.of_code(*own.starts, *starts(component), given=given)
    read = dict(zip((INPUT_KEY, PROBLEM_KEY), map(overrides.to_json, given), strict=True))
    return {**read, CODE_KEY: code, **own.config}


def training_config(task: Task, component: Any, own: TaskCode) -> dict[str, Any]:
    """Returns the `custom_config` of Trainer, the class `component`, which calls `own`."""
    code = fingerprint.of_code(*own.starts, *starts(component), given=task.recipe)
    recipe = overrides.to_json(task.recipe)
    return {TASK_KEY: recipe, CODE_KEY: code, "weights": weights(task), **own.config}


def tuning_config(task: Task, component: Any, function: str) -> dict[str, Any]:
    """Returns the `custom_config` of Tuner, which calls `function`, a dotted path."""
    start = ":".join(function.rsplit(".", 1))
    code = fingerprint.of_code(start, *starts(component), given=(task.recipe, task.search))
    return {
        TASK_KEY: overrides.to_json(task.recipe),
        SPACE_KEY: overrides.to_json(task.search),
        CODE_KEY: code,
        "weights": weights(task),
    }


def pushing_config(
    task: Task, component: Any, *, promote: str = "auto", keep: int = 0
) -> dict[str, Any]:
    """Returns the `custom_config` of Pusher, the class `component`, which adds the whole task.

    Defaults are left out: they are what earlier runs did.
    """
    release = {PROMOTE_KEY: promote} if promote != "auto" else {}
    kept = {KEEP_KEY: keep} if keep else {}
    return {TASK_KEY: overrides.to_json(task), CODE_KEY: of_step(component), **release, **kept}


def weights(task: Task) -> str:
    """Returns a fingerprint of a weights file, so that a new file of the same name is noticed."""
    name = getattr(task.model, "weights", "none")
    return fingerprint.of_path(name) if Path(name).exists() else str(name)
