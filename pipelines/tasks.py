"""Finds a task by name and applies the changes of the command line."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import schemas
from pipelines import task_files
from trainer_modules.engine.entry import task_names
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Backbone, EncoderDecoder, SavedNetwork, Task


def load(name: str, settings: tuple[str, ...] = (), weights: str | None = None) -> Task:
    """Returns a task with settings applied.

    Args:
      name: A module of `trainer_modules`, or `module:variant`.
      settings: `KEY=VALUE` changes, in order.
      weights: `imagenet`, `none` or a path, for tasks with a backbone; None keeps the task's
        setting.

    Raises:
      BadInputError: If there is no such task, setting, schema, or backbone to load weights into, or
        the task's file is broken.
    """
    task = _find(name)
    if not Path(schema_path(task)).is_file():
        raise BadInputError(
            f"task '{task.module}' has no schema: {_shown(schema_path(task))} is missing. "
            "Describe its raw features there; start from the schema of a similar task."
        )
    _check_settings(settings, weights)
    if weights is not None:
        task = _with_weights(task, name, weights)
    task = overrides.apply(task, settings)
    overrides.check_types(task, "--set ")
    return task


def _check_settings(settings: tuple[str, ...], weights: str | None) -> None:
    """Raises BadInputError for settings that `--set` cannot change or another option also sets."""
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if key.partition(".")[0] == "name":
            raise BadInputError(
                f"--set {key}: a task is always named after its file. Choose another task with "
                "--task, or name the model with --name."
            )
        if weights is not None and key in ("model", "model.weights"):
            raise BadInputError(
                f"--weights {weights} and --set {setting} both set the initial weights. Leave one "
                "of them out."
            )


def _with_weights(task: Task, name: str, weights: str) -> Task:
    if not isinstance(task.model, Backbone | EncoderDecoder | SavedNetwork):
        raise BadInputError(
            f"--weights: the network of task '{name}' has no backbone to load weights into."
        )
    remote = "://" in weights
    if weights not in ("imagenet", "none") and not remote:
        if not Path(weights).exists():
            raise BadInputError(
                f"--weights must be imagenet, none, or an existing file or folder. "
                f"Received: {weights}"
            )
        weights = str(Path(weights).resolve())
    return dataclasses.replace(task, model=dataclasses.replace(task.model, weights=weights))


def _find(name: str) -> Task:
    module_name, _, variant = name.partition(":")
    if module_name not in task_names():
        raise BadInputError(f"--task {did_you_mean(module_name, task_names())}.")
    _, found = task_files.load(module_name)
    if variant not in found:
        raise BadInputError(
            f"--task {name}: the variant of '{module_name}' "
            f"{did_you_mean(variant, [known for known in found if known])}."
        )
    return found[variant]


def descriptions() -> list[tuple[str, str]]:
    """Returns each task's name and the first line of its docstring; variants follow their task.

    A broken file is listed with its error.
    """
    found = []
    for name in task_names():
        try:
            first_line, known = task_files.load(name)
        except BadInputError as error:
            found.append((name, f"broken: {error}"))
            continue
        found.append((name, first_line))
        found += [(f"{name}:{variant}", "") for variant in known if variant]
    return found


def _shown(path: str) -> str:
    near = os.path.relpath(path)
    return path if near.startswith("..") else near


def schema_path(task: Task) -> str:
    """Returns the file of the task's reviewed schema."""
    return str(Path(schemas.__file__).resolve().parent / f"{task.module}.pbtxt")


def schema(task: Task) -> Any:
    """Returns the schema that the data is validated against.

    It is the reviewed one, with the labels that the task's problem allows; for a user's own folder
    these are the classes found in the data, and a name that appears later is an anomaly.

    Raises:
      BadInputError: If the file is no schema, or lists other labels than the task.
    """
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    found = schema_pb2.Schema()
    path = schema_path(task)
    try:
        text_format.Parse(Path(path).read_text(encoding="utf-8"), found)
    except text_format.ParseError as error:
        raise BadInputError(
            f"{_shown(path)} is not a TFDV schema in text format: {error}"
        ) from error
    learns = bool(task.phases)
    if not learns:
        # Images for prediction only have no labels, and need none.
        for feature in found.feature:
            if feature.name == task.problem.raw_label:
                feature.presence.CopyFrom(schema_pb2.FeaturePresence(min_count=0))
    if learns and task.problem.label_values:
        _allow(found, task.problem.raw_label, task.problem.label_values, path)
    return found


def _allow(schema: Any, label: str, values: tuple[str, ...], path: str) -> None:
    """Lets the feature `label` have these values and no others."""
    listed = [domain for domain in schema.string_domain if domain.name == label]
    if not listed:
        listed.append(schema.string_domain.add(name=label, value=values))
    if set(listed[0].value) != set(values):
        differing = sorted(set(listed[0].value) ^ set(values))
        raise BadInputError(
            f"{_shown(path)}: the string_domain '{label}' must be left out, since the task lists "
            f"the labels, or list the same ones. Received others: {', '.join(differing)}"
        )
    for feature in schema.feature:
        if feature.name == label:
            feature.domain = label
