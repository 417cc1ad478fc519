"""Finds the data and its classes, before a command line builds the pipeline."""

import dataclasses
import os
from pathlib import Path

from components.example_gen import places
from components.example_gen.bundled import loaders as bundled
from components.example_gen.readers import storage
from components.example_gen.readers.folders import split_parts
from components.example_gen.readers.items import UNLABELLED
from components.example_gen.readers.layouts import reader_for
from components.example_gen.readers.path_table import check_table, class_names
from components.example_gen.readers.tfds import label_names, prepared
from components.example_gen.root import NEWEST, has_span, spans_of
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.images import formats
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.task.sources import (
    Bundled,
    ImageFiles,
    ImageFolders,
    ImageLists,
    PathTable,
    Source,
    Table,
    TensorFlowDatasets,
)
from trainer_modules.engine.task.task import Task


def prepare(
    task: Task, data: str | None, run_root: str, *, window: str = NEWEST, evaluate: str = NEWEST
) -> tuple[Task, str, Source]:
    """Finds a task's data.

    Args:
      task: The task; a `Classification` without classes gets the classes of the data.
      data: `--data`, or None for the task's own data.
      run_root: Where bundled data is written.
      window: Which spans are read, see `root.window_size`.
      evaluate: What is evaluated, see `places.find`.

    Returns:
      The task with its classes, the data root, and the layout that the data has. The root is ""
      where there is no data and the task, which trains nothing, needs none. Where the root has
      placeholders (`root.spans_of`) it keeps them; the layout is that of the newest span, and the
      classes are those of all spans in the window.

    Raises:
      BadInputError: If there is no data, or it has none of the task's layouts.
    """
    if data is None and not task.phases:
        return task, "", task.source
    if task.phases and isinstance(task.source, ImageFiles):
        raise BadInputError(
            f"Task '{task.name}' reads images without labels, so there is nothing to train on. To "
            "train on class folders, use --task image_folder."
        )
    problems = []
    for source in (task.source, *task.alternatives):
        try:
            root, stored = resolve(source, data, run_root)
            ready = with_classes(task, root, stored, window=window)
            base, spans = spans_of(root, window)
            columns = ready.input.columns
            reader_for(storage.join(base, spans[-1].folder), stored, ready.problem, columns)
        except BadInputError as error:
            problems.append(str(error))
            if data is None:
                break
            continue
        # The newest span has this layout: now it is the other spans that may be wrong.
        places.find(base, spans, stored, ready.problem, columns, evaluate=evaluate)
        return ready, root, stored
    raise BadInputError(" Or: ".join(dict.fromkeys(problems)))


def resolve(source: Source, data: str | None, run_root: str) -> tuple[str, Source]:
    """Returns (data root, stored source): a `Bundled` is written if need be.

    Args:
      source: Any source.
      data: `--data`: a folder, or the one file of a table, of a list of images or of a Keras data
        set.
      run_root: Where bundled data is written.

    Raises:
      BadInputError: If `data` is needed or does not exist, or a bundled data set is not available.
    """
    if data is None:
        if not isinstance(source, Bundled):
            raise BadInputError(
                f"This task reads {type(source).__name__}, so it needs a folder of data: name it "
                "with --data PATH."
            )
        return bundled.stored_under(source, run_root), source.stored
    root = data.rstrip("/") or "/"
    if not storage.is_remote(root):
        root = os.path.abspath(os.path.expanduser(root))
        if not has_span(root) and not os.path.exists(root):
            raise BadInputError(f"{data} does not exist. Check --data.")
    name = ""
    if not has_span(root) and not storage.is_folder(root) and storage.exists(root):
        root, name = os.path.split(root)
    if isinstance(source, Bundled):
        # An explicitly named table is used, even next to the data set's own files.
        if not name.endswith(".csv") and bundled.has_files(source, root):
            return bundled.stored_under(source, run_root, files=Path(root)), source.stored
        source = source.stored
    if name:
        if isinstance(source, Table):
            return root, dataclasses.replace(source, file=name)
        if isinstance(source, PathTable):
            paths = dataclasses.replace(source.paths, csv=name)
            return root, dataclasses.replace(source, paths=paths)
        raise BadInputError(
            f"{data} is a file, but {type(source).__name__} reads a folder. Name the folder with "
            "--data."
        )
    return root, source


def with_classes(task: Task, root: str, source: Source, *, window: str = NEWEST) -> Task:
    """Returns the task; classes that it leaves open are taken from all spans of the window."""
    if not task.problem.takes_classes:
        return task
    base, spans = spans_of(root, window)
    names: set[str] = set()
    # The newest first: it decides whether this is the layout of the data.
    for span in reversed(spans):
        try:
            found = storage.join(base, span.folder)
            names |= {*infer_classes(found, source, task.problem, least=1)}
        except BadInputError as error:
            raise BadInputError(
                f"Span {span.folder}: {error}" if span.folder else f"{error}"
            ) from error
    classes = tuple(sorted(names))
    if len(classes) < 2:
        classes = infer_classes(found, source, task.problem)
    try:
        return dataclasses.replace(task, problem=task.problem.with_classes(classes))
    except ValueError as error:
        raise BadInputError(f"The classes of the data in {root}: {error}.") from error


def infer_classes(
    data_root: str, source: Source, problem: Problem, *, least: int = 2
) -> tuple[str, ...]:
    """Returns the class names in the training data, sorted.

    For class folders: the folders that hold an image, at any depth. For a CSV: those in its labels,
    or its columns. For TensorFlow Datasets: those of the labels file.

    Raises:
      BadInputError: If there are fewer than two, or the layout has no names.
    """
    if isinstance(source, PathTable):
        check_table(data_root, source.paths)
        names = class_names(data_root, source.paths, problem)
        where = storage.join(data_root, source.paths.csv)
    elif isinstance(source, TensorFlowDatasets):
        where = storage.join(data_root, prepared(data_root, source.name))
        names = set(label_names(where, source))
    elif isinstance(source, ImageLists):
        where = storage.join(data_root, source.folder)
        names = {n for n in storage.subfolders(where) if _holds_image(storage.join(where, n))}
    elif isinstance(source, ImageFolders):
        parts, _ = split_parts(data_root, source)
        folder = next(str(place) for split, place in parts if split != UNLABELLED)
        where = storage.join(data_root, folder)
        names = {n for n in storage.subfolders(where) if _holds_image(storage.join(where, n))}
    else:
        raise BadInputError(
            f"{type(source).__name__} does not contain the names of the classes. Give them, in "
            "the order of the labels, with --set problem.classes=\"('a', 'b')\"."
        )
    if len(names) < least:
        hint = ""
        # Only there is a class a folder.
        for name in sorted(names) if isinstance(source, ImageFolders) else ():
            inside = storage.subfolders(storage.join(data_root, name)) if where == data_root else ()
            if len(inside) > 1:
                hint = f" Did you mean --data {storage.join(data_root, name)}?"
        present = f"only one class: '{next(iter(names))}'" if names else "no class with images"
        raise BadInputError(f"{where} contains {present}; at least 2 classes are needed.{hint}")
    return tuple(sorted(names))


def _holds_image(folder: str) -> bool:
    """Says whether a folder holds an image, by the endings of its files."""
    return any(
        e.relative.lower().endswith(formats.ENDINGS) for e in storage.files(folder) if not e.problem
    )
