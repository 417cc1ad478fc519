"""Finds a task by name and applies what the command line changes of it."""

import ast
import dataclasses
import importlib
import importlib.util
from pathlib import Path

from trainer_modules.engine import overrides
from trainer_modules.engine.entry import module_path, task_names
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.task import Backbone, EncoderDecoder, Task


def load(name: str, settings: tuple[str, ...] = (), weights: str | None = None) -> Task:
    """Returns a task with settings applied.

    Args:
      name: A module of `trainer_modules`.
      settings: `KEY=VALUE` changes, in order.
      weights: `imagenet`, `none` or a path, for tasks with a backbone; None leaves it.

    Raises:
      BadInputError: If there is no such task, setting, or backbone to give weights to.
    """
    if name not in task_names():
        raise BadInputError(f"--task {did_you_mean(name, task_names())}.")
    task: Task = importlib.import_module(module_path(name)).TASK
    if weights is not None:
        if not isinstance(task.model, Backbone | EncoderDecoder):
            raise BadInputError(
                f"--weights: the network of task '{name}' has no backbone to take weights."
            )
        if weights not in ("imagenet", "none") and not Path(weights).exists():
            raise BadInputError(
                f"--weights must be imagenet, none, or an existing file or folder. "
                f"Received: {weights}"
            )
        path = weights if weights in ("imagenet", "none") else str(Path(weights).resolve())
        task = dataclasses.replace(task, model=dataclasses.replace(task.model, weights=path))
    return overrides.apply(task, settings)


def descriptions() -> list[tuple[str, str]]:
    """Returns each task's name and the first line of its docstring, without importing it."""
    found = []
    for name in task_names():
        spec = importlib.util.find_spec(module_path(name))
        assert spec is not None and spec.origin is not None
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        found.append((name, (ast.get_docstring(tree) or "").split("\n")[0]))
    return found
