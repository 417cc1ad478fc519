"""Finds a task by name and applies what the command line changes of it."""

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import schemas
from trainer_modules.engine import overrides
from trainer_modules.engine.entry import module_path, task_names
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task import Backbone, EncoderDecoder, SavedNetwork, Task


def load(name: str, settings: tuple[str, ...] = (), weights: str | None = None) -> Task:
    """Returns a task with settings applied.

    Args:
      name: A module of `trainer_modules`, or `module:variant`.
      settings: `KEY=VALUE` changes, in order.
      weights: `imagenet`, `none` or a path, for tasks with a backbone; None leaves it.

    Raises:
      BadInputError: If there is no such task, setting, or backbone to give weights to.
    """
    task = _find(name)
    if weights is not None:
        if not isinstance(task.model, Backbone | EncoderDecoder | SavedNetwork):
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


def _find(name: str) -> Task:
    module_name, _, variant = name.partition(":")
    if module_name not in task_names():
        raise BadInputError(f"--task {did_you_mean(module_name, task_names())}.")
    module = importlib.import_module(module_path(module_name))
    variants: dict[str, Task] = getattr(module, "VARIANTS", {})
    if not variant:
        task: Task = module.TASK
        return task
    if variant not in variants:
        raise BadInputError(
            f"--task {name}: the variant of '{module_name}' {did_you_mean(variant, variants)}."
        )
    return variants[variant]


def descriptions() -> list[tuple[str, str]]:
    """Returns each task's name and the first line of its docstring; variants follow their task."""
    found = []
    for name in task_names():
        module = importlib.import_module(module_path(name))
        first_line = (module.__doc__ or "").split("\n")[0]
        found.append((name, first_line))
        found += [(f"{name}:{variant}", "") for variant in getattr(module, "VARIANTS", {})]
    return found


def schema_path(task: Task) -> str:
    """Returns the file of the task's reviewed schema."""
    return str(Path(schemas.__file__).resolve().parent / f"{task.module}.pbtxt")


def schema(task: Task) -> Any:
    """Returns the schema that the data is held to.

    It is the reviewed one. Where that leaves the classes open, as for a folder of one's own, they
    are those that the task found in the data: a name that turns up later is an anomaly.
    """
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    found = schema_pb2.Schema()
    text_format.Parse(Path(schema_path(task)).read_text(encoding="utf-8"), found)
    learns = bool(task.phases)
    if not learns:
        # What a network is only tried on has no truth, and needs none.
        for feature in found.feature:
            if feature.name == task.problem.raw_label:
                feature.presence.CopyFrom(schema_pb2.FeaturePresence(min_count=0))
    if learns and not found.string_domain and isinstance(task.problem, Classification):
        label = task.problem.raw_label
        found.string_domain.add(name=label, value=task.problem.classes)
        (feature,) = [f for f in found.feature if f.name == label]
        feature.domain = label
    return found
