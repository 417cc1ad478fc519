"""The facts about the data that a compiled job needs: the layout and the classes."""

import dataclasses
import os
import tempfile

from pipelines import startup, tasks
from pipelines.cloud.parts import WorkConfig
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.task.sources import Bundled, Source
from trainer_modules.engine.task.task import Task


def located(task: Task, work: WorkConfig) -> tuple[Task, str, Source]:
    """Returns the task with its classes, the root of its data, and the layout of the data.

    If the data can be read from here, layout and classes come from it (from the newest span); for a
    bucket or a path inside the containers, the layout is the task's first, or the one that
    `--layout` names.

    Raises:
      BadInputError: If there is no such layout, or the classes are unknown.
    """
    layouts = tuple(stored(source) for source in (task.source, *task.alternatives))
    data = work.data or ""
    reachable = "://" not in data and _is_there(data)
    if work.layout is None and reachable:
        from components.example_gen import ingest

        task = dataclasses.replace(task, source=layouts[0], alternatives=layouts[1:])
        return ingest.prepare(task, data, "", window=work.window, evaluate=work.evaluate)
    by_name = {type(layout).__name__: layout for layout in reversed(layouts)}
    if work.layout is not None and work.layout not in by_name:
        raise BadInputError(f"--layout {did_you_mean(work.layout, by_name)}.")
    source = by_name[work.layout] if work.layout else layouts[0]
    if reachable:
        from components.example_gen import ingest

        return ingest.with_classes(task, data, source, window=work.window), data, source
    if task.problem.takes_classes:
        raise BadInputError(
            f"The classes of task '{task.name}' come from its data, but {data} cannot be read "
            'from here. Name them, for example --set \'problem.classes=("cat", "dog")\', or '
            "compile where the data is mounted."
        )
    return task, data, source


def _is_there(data: str) -> bool:
    """Says whether a data root, or a span of it, is on this machine."""
    from components.example_gen.root import has_span, latest_root

    if not has_span(data):
        return os.path.exists(data)
    try:
        return os.path.exists(latest_root(data))
    except BadInputError:
        return False


def stored(source: Source) -> Source:
    """Returns the layout that a source has in the cloud."""
    return source.stored if isinstance(source, Bundled) else source


def upload(name: str, target: str) -> None:
    """Writes a task's own data to a location that the cloud can read.

    Args:
      name: The task's name.
      target: `gs://…` or a folder.

    Raises:
      BadInputError: If the task has no data of its own.
    """
    task = tasks.load(name)
    source = next((s for s in (task.source, *task.alternatives) if isinstance(s, Bundled)), None)
    if source is None:
        raise BadInputError(
            f"Task '{name}' has no data of its own to upload. Copy yours to {target}."
        )
    startup.prepare()
    from tfx.utils import io_utils

    from components.example_gen import ingest

    with tempfile.TemporaryDirectory() as folder:
        root, _ = ingest.resolve(source, None, folder)
        io_utils.copy_dir(root, target)


def for_accelerator(task: Task, device: str) -> Task:
    """Returns the task with its training device set, so that a missing device is an error."""
    if device == "cpu":
        return task
    return dataclasses.replace(task, train=dataclasses.replace(task.train, accelerator=device))
