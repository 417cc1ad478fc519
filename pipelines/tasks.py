"""Finds a task by name and applies the changes of the command line."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import schemas
from pipelines.task_files import reading, spelling
from pipelines.task_files.spelling import TaskReference
from trainer_modules.engine.entry import task_names
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Backbone, EncoderDecoder, SavedNetwork, Task


def load(name: str, settings: tuple[str, ...] = (), weights: str | None = None) -> Task:
    """Returns a task with settings applied.

    Args:
      name: The task as `--task` names it, see `task_files.spelling`.
      settings: `KEY=VALUE` changes, in order.
      weights: `imagenet`, `none` or a path, for tasks with a backbone; None keeps the task's
        setting.

    Raises:
      BadInputError: If there is no such task, setting, schema, or backbone to load weights into, or
        the task's file is broken.
    """
    reference = spelling.parse(name)
    task = _find(reference, name)
    # That of a task file may be missing: it is then inferred from the data.
    if reference.path is None and not Path(schema_path(task)).is_file():
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


def _find(reference: TaskReference, name: str) -> Task:
    if reference.path is not None:
        spelling.check_file(reference, task_names())
    elif reference.module not in task_names():
        raise BadInputError(
            f"--task {did_you_mean(reference.module, task_names())}. A task file of your own is "
            "named by its path, which ends in .py."
        )
    known = reading.load(reference).tasks
    if reference.variant not in known:
        raise BadInputError(
            f"--task {name}: the variant of '{reference.module}' "
            f"{did_you_mean(reference.variant, [variant for variant in known if variant])}."
        )
    return known[reference.variant]


def descriptions(file: str = "") -> list[tuple[str, str]]:
    """Returns each task's name and the first line of its docstring; variants follow their task.

    A broken file is listed with its error.

    Args:
      file: A task file, as `--task` names it, to list as well; "" for none.
    """
    rows = []
    for name in [*task_names(), *([file] if file else [])]:
        try:
            read = reading.load(spelling.parse(name))
        except BadInputError as error:
            rows.append((name, f"broken: {error}"))
            continue
        rows.append((name, read.summary))
        rows += [(f"{name}:{variant}", "") for variant in read.tasks if variant]
    return rows


def _shown(path: str) -> str:
    near = os.path.relpath(path)
    return path if near.startswith("..") else near


def schema_path(task: Task) -> str:
    """Returns the file of the reviewed schema of a task of this repository."""
    return str(Path(schemas.__file__).resolve().parent / f"{task.module}.pbtxt")


def schema(task: Task, name: str = "") -> Any:
    """Returns the schema that the data is validated against; None if it has to be inferred.

    It is the reviewed one, in `schemas/` or beside a task file, with the labels that the task's
    problem allows; for a user's own folder these are the classes found in the data, and a name that
    appears later is an anomaly.

    Args:
      task: The task, its classes known.
      name: The task as `--task` names it; "" for one of this repository.

    Raises:
      BadInputError: If the file is no schema, has no feature for the label, or lists other labels
        than the task.
    """
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    beside = spelling.parse(name).schema_path
    if beside and not beside.exists():
        return None
    path = str(beside or schema_path(task))
    reviewed = schema_pb2.Schema()
    try:
        text_format.Parse(Path(path).read_text(encoding="utf-8"), reviewed)
    except (text_format.ParseError, OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"{_shown(path)} is not a TFDV schema in text format: {error}"
        ) from error
    label = task.problem.raw_label
    labels = [feature for feature in reviewed.feature if feature.name == label]
    if task.phases and not labels and task.problem.raw_label_type == "FLOAT":
        # Any name may be given to the number that is predicted; there is no more to review.
        labels = [_number(reviewed, label)]
    if task.phases and not labels:
        raise BadInputError(
            f"{_shown(path)} has no feature '{label}', the label. A schema describes every raw "
            "feature; without the file, one is inferred for review."
        )
    if not task.phases:
        # Images for prediction only have no labels, and need none.
        for feature in labels:
            feature.presence.CopyFrom(schema_pb2.FeaturePresence(min_count=0))
    elif task.problem.label_values:
        _allow(reviewed, label, task.problem.label_values, path)
    return reviewed


def _number(schema: Any, label: str) -> Any:
    """Adds the feature `label`, one number in every example, and returns it."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    return schema.feature.add(
        name=label,
        type=schema_pb2.FLOAT,
        presence=schema_pb2.FeaturePresence(min_fraction=1.0, min_count=1),
        shape=schema_pb2.FixedShape(dim=[schema_pb2.FixedShape.Dim(size=1)]),
    )


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


def schema_in_words(name: str) -> str:
    """Returns which schema a task is judged by and where it is corrected, for a message.

    Args:
      name: The task as `--task` names it.
    """
    beside = spelling.parse(name).schema_path
    if beside is None:
        return "the schema in schemas/"
    if beside.exists():
        return f"the schema {beside.name} beside the task's file"
    return f"put a reviewed schema, {beside.name}, beside the task's file (this one was inferred)"


def known_features(task: Task) -> Any:
    """Returns what a task says about its data, as an incomplete schema to infer the rest for.

    Which features are encoded images, so that their bytes are not taken for texts, and which labels
    there are.
    """
    from tensorflow_metadata.proto.v0 import schema_pb2

    known = schema_pb2.Schema()
    label, values = task.problem.raw_label, task.problem.label_values
    images = {
        *(task.input.served.values() if task.input.pictured else ()),
        *((label,) if task.problem.moves_with_image else ()),
    }
    for name in sorted(images):
        known.feature.add(name=name, type=schema_pb2.BYTES).image_domain.SetInParent()
    if values and label not in images:
        known.feature.add(name=label, type=schema_pb2.BYTES, domain=label)
        known.string_domain.add(name=label, value=values)
    return known
