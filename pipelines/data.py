"""Finds a run's data, and the classes that it names where the task leaves them open."""

import dataclasses

from components.example_gen import ingest
from pipelines.config import RunConfig
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.sources import Bundled, Source
from trainer_modules.engine.task import Task


def prepare(task: Task, config: RunConfig) -> tuple[Task, str, Source]:
    """Returns the task with its classes, the root of its data, and the layout found there.

    Data that a library carries is written under the run root the first time.

    Raises:
      BadInputError: If there is no data, or it has none of the task's layouts.
    """
    root, source = _locate(task, config)
    if isinstance(task.problem, Classification) and not task.problem.classes:
        classes = ingest.infer_classes(root, source)
        problem = dataclasses.replace(task.problem, classes=classes)
        task = dataclasses.replace(task, problem=problem)
    return task, root, source


def _locate(task: Task, config: RunConfig) -> tuple[str, Source]:
    layouts = (task.source, *task.also)
    if config.data is None:
        for source in layouts:
            if isinstance(source, Bundled):
                return ingest.resolve(source, None, config.root, name=task.module)
        raise BadInputError(
            f"Task '{task.module}' brings no data of its own: say where yours lies with "
            f"--data PATH. docs/data.md shows the layouts."
        )
    refusals = []
    for source in layouts:
        try:
            return ingest.resolve(source, config.data, config.root, name=task.module)
        except BadInputError as refusal:
            refusals.append(str(refusal))
    raise BadInputError(" Or: ".join(dict.fromkeys(refusals)))
