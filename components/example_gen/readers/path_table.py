"""Reader of CSV files that name images: `PathTable`, and splits given as `LabelledPaths`."""

import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from components.example_gen.readers import csv_text, storage
from components.example_gen.readers.items import (
    EVAL,
    TEST,
    TRAIN,
    UNLABELLED,
    Item,
    Record,
    Rejected,
    by_value,
    split_names,
)
from components.example_gen.readers.splits import ALIASES
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.problems import LabelError, Problem
from trainer_modules.engine.task.sources import EACH_CLASS, HashSplit, LabelledPaths, PathTable

_MARKS = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False, "": False}

# The settings of a `LabelledPaths` that name one column each.
_SETTINGS = ("path", "label", "split")


@dataclass(frozen=True, kw_only=True)
class ImageFileReader:
    """Reads items that are one image file each."""

    root: str
    problem: Problem

    holds_many = False
    drops_within_split = True

    def read(self, item: Item) -> Iterator[Record | Rejected]:
        """Reads the image, and the mask where there is one."""
        path = item.path
        try:
            image = storage.read(path)
            path = item.mask
            mask = storage.read(path) if path else None
        except OSError as error:
            what = "cannot be read" if path == item.path else f"mask {path} cannot be read"
            reason = f"{what}: {error.strerror or error}"
            yield Rejected(id=item.id, split=item.split, reason=reason)
            return
        yield Record(
            key=item.key,
            id=item.id,
            split=item.split,
            content=image,
            image=image,
            label=item.label,
            mask=mask,
            slices={name: value.encode() for name, value in item.slices},
        )


@dataclass(frozen=True, kw_only=True)
class PathTableReader(ImageFileReader):
    """Reads the images that a CSV lists, the whole of the data."""

    table: LabelledPaths
    hash_split: HashSplit

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits given by the CSV, or else by the hash."""
        if not self.table.label:
            return split_names({UNLABELLED})
        if self.table.split:
            rows = rows_of(self.root, self.table)
            values = {ALIASES.get(row[self.table.split].strip().lower(), "") for _, row in rows}
            return split_names(values - {""})
        return split_names({TEST} if self.hash_split.test else set())

    def places(self) -> list[str]:
        """The CSV's folder, if it also contains the images, or the CSV and the images' folder."""
        path = storage.join(self.root, self.table.csv)
        if self.table.folder:
            return [path, storage.join(self.root, self.table.folder)]
        return [os.path.dirname(path) or self.root]

    def items(self) -> Iterator[Item | Rejected]:
        """Lists the rows."""
        split = "" if self.table.label else UNLABELLED
        return table_items(self.root, self.table, split=split, problem=self.problem)


def path_table_reader(root: str, source: PathTable, problem: Problem) -> PathTableReader:
    """Returns the reader of a `PathTable`.

    Raises:
      BadInputError: If the CSV or one of its columns is missing.
    """
    check_table(root, source.paths, problem.names)
    return PathTableReader(root=root, problem=problem, table=source.paths, hash_split=source.splits)


def check_table(
    root: str,
    table: LabelledPaths,
    classes: tuple[str, ...] = (),
    *,
    key: str = "source.paths",
) -> None:
    """Checks that a CSV exists and has its columns.

    Args:
      root: The data root.
      table: The CSV.
      classes: The classes, for a CSV with a column for each.
      key: The table's place in the task, as `--set` takes it.

    Raises:
      BadInputError: If not.
    """
    path = storage.join(root, table.csv)
    if not storage.exists(path):
        where = storage.join(root, table.folder) if table.folder else "the CSV's folder"
        raise BadInputError(
            f"{path} does not exist. Expected a CSV with the columns {', '.join(_columns(table))}, "
            f"one row for each image, and paths relative to {where}. Another file is named with "
            f"--set {key}.csv=FILE."
        )
    columns = csv_text.header(storage.read(path))
    for column in (*_columns(table), *(classes if table.label == EACH_CLASS else ())):
        if column not in columns:
            setting = next((s for s in _SETTINGS if getattr(table, s) == column), "")
            other = f" Another is named with --set {key}.{setting}=COLUMN." if setting else ""
            raise BadInputError(f"{path}: column {did_you_mean(column, columns)}.{other}")


def rows_of(root: str, table: LabelledPaths) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line number, row) of a CSV."""
    path = storage.join(root, table.csv)
    return csv_text.rows(storage.read(path), path)


def located(root: str, base: str, name: str) -> tuple[str, str]:
    r"""Returns the id and the full path of an image that a CSV names.

    Args:
      root: The data root.
      base: The folder that the name is relative to, itself relative to the root.
      name: A relative or absolute path, with "/" or `\`, or the address of an object in a bucket.
    """
    path = name if os.path.isabs(name) or storage.is_remote(name) else storage.join(base, name)
    path = path.replace("\\", "/") if "\\" in path and not _there(root, path) else path
    if storage.is_remote(path):
        return path, path
    identifier = posixpath.normpath(path)
    return identifier, storage.join(root, identifier)


def table_items(
    root: str,
    table: LabelledPaths,
    *,
    split: str,
    problem: Problem,
    zero_padded: bool = False,
) -> Iterator[Item | Rejected]:
    """Lists the rows of a CSV as items.

    Args:
      root: The data root.
      table: The CSV.
      split: The split of rows where the CSV has no split column.
      problem: Checks the labels.
      zero_padded: See `ImageFolders`.
    """
    base = table.folder or posixpath.dirname(table.csv)
    for line, row in rows_of(root, table):
        key = f"{table.csv}:{line}"
        name = row[table.path].strip()
        chosen = split
        if table.split:
            value = row[table.split].strip()
            chosen = ALIASES.get(value.lower(), "")
            if not chosen:
                near = did_you_mean(value, (TRAIN, EVAL, TEST, UNLABELLED))
                yield Rejected(id=name or key, split="", reason=f"{key}: split {near}")
                continue
        if not name:
            yield Rejected(id=key, split=chosen, reason=f"column '{table.path}' is empty")
            continue
        identifier, full = located(root, base, name)
        label = None
        if table.label and chosen != UNLABELLED:
            try:
                label = problem.label_text(_values(row, table, problem.names, zero_padded))
            except LabelError as error:
                yield Rejected(id=identifier, split=chosen, reason=f"{key}: {error}")
                continue
        slices = tuple((column, row[column]) for column in table.slices)
        identifier = storage.printable(identifier)
        yield Item(key=key, id=identifier, path=full, split=chosen, label=label, slices=slices)


def _values(
    row: dict[str, str], table: LabelledPaths, classes: tuple[str, ...], zero_padded: bool
) -> tuple[str, ...]:
    """Returns what a row says of its label: a cell, or the names of the columns with a 1.

    Raises:
      LabelError: If the cell of a class is neither 0 nor 1.
    """
    if table.label != EACH_CLASS:
        label = row[table.label].strip()
        return (by_value(label, classes) if zero_padded else label,)
    for name in classes:
        if row[name].strip().lower() not in _MARKS:
            raise LabelError(f"column '{name}' must be 0 or 1. Received: '{row[name]}'")
    return tuple(name for name in classes if _MARKS[row[name].strip().lower()])


def class_names(root: str, table: LabelledPaths, problem: Problem) -> set[str]:
    """Returns the distinct class names in a CSV."""
    if table.label == EACH_CLASS:
        header = csv_text.header(storage.read(storage.join(root, table.csv)))
        return {name for name in header if name} - set(_columns(table))
    names: set[str] = set()
    for _, row in rows_of(root, table):
        names.update(problem.counted_as(row[table.label].strip()))
    return names - {""}


def _there(root: str, path: str) -> bool:
    return storage.exists(storage.join(root, path))


def _columns(table: LabelledPaths) -> list[str]:
    label = "" if table.label == EACH_CLASS else table.label
    return [c for c in (table.path, label, table.split, *table.slices) if c]
