"""Reader of tables of numbers, CSV or NumPy."""

import fnmatch
import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.example_gen.readers import csv_text, storage
from components.example_gen.readers.items import TEST, TRAIN, Item, Record, Rejected, split_names
from components.example_gen.readers.splits import ALIASES
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.problems import LabelError, Problem
from trainer_modules.engine.task.sources import HashSplit, Table

_SPLIT = "split"


@dataclass(frozen=True, kw_only=True)
class TableReader:
    """Reads the rows of one table.

    A column called `split` decides where it is not empty. Every other column of numbers becomes a
    feature; the columns in `required` must have a number in every row, and `problem` checks its
    own.
    """

    root: str
    file: str
    required: tuple[str, ...]
    problem: Problem
    hash_split: HashSplit

    holds_many = True
    # Equal rows are often two true observations, unlike equal image files.
    drops_within_split = False

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the column names, or that the hash makes."""
        named = {
            ALIASES.get(str(row.get(_SPLIT) or "").strip().lower(), TRAIN)
            for _, row in self._rows()
        }
        return split_names(named | ({TEST} if self.hash_split.test else set()))

    def places(self) -> list[str]:
        """The table's file."""
        return [storage.join(self.root, self.file)]

    def items(self) -> Iterator[Item | Rejected]:
        """The table is one item."""
        path = storage.join(self.root, self.file)
        yield Item(key=self.file, id=self.file, path=path, split="")

    def read(self, item: Item) -> Iterator[Record | Rejected]:
        """Reads the rows."""
        for line, row in self._rows():
            key = f"{item.id}:{line}"
            said = str(row.get(_SPLIT) or "").strip()
            if said and said.lower() not in ALIASES:
                reason = f"column 'split' {did_you_mean(said, ALIASES)}"
                yield Rejected(id=key, split="", reason=reason)
                continue
            values = {c: number(v) for c, v in row.items() if c and c != _SPLIT}
            if reason := self._refused(row, values):
                yield Rejected(id=key, split="", reason=reason)
                continue
            kept = {c: v for c, v in values.items() if v is not None}
            yield Record(
                key=key,
                id=key,
                split=ALIASES.get(said.lower(), ""),
                content=json.dumps(kept, sort_keys=True).encode(),
                values=kept,
            )

    def _refused(self, row: dict[str, Any], values: dict[str, float | None]) -> str:
        """Returns why a row cannot be used, or "" if it can."""
        if reason := wrong_numbers(row, self.required):
            return reason
        label = values.get(self.problem.raw_label)
        try:
            if label is not None:
                self.problem.label_text((label,))
        except LabelError as error:
            return str(error)
        return ""

    def _rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return rows_of(storage.join(self.root, self.file))


def table_reader(
    root: str, source: Table, required: tuple[str, ...], problem: Problem
) -> TableReader:
    """Returns the reader of a `Table`.

    Args:
      root: The data root.
      source: The table; its file may be a glob that one file matches.
      required: Columns that the problem reads.
      problem: What is learnt.

    Raises:
      BadInputError: If there is no such table, more than one, or a column is missing.
    """
    names = [
        e.relative
        for e in (storage.files(root) if storage.is_folder(root) else ())
        if not e.problem and fnmatch.fnmatchcase(e.relative, source.file)
    ]
    path = storage.join(root, source.file)
    if len(names) != 1:
        matched = f"{len(names)} files match" if names else "No file matches"
        raise BadInputError(
            f"{matched} {path}. Expected one CSV with a header, or one .npz whose arrays are the "
            f"columns, with {', '.join(required)}; --set source.file=NAME names it."
        )
    reader = TableReader(
        root=root,
        file=names[0],
        required=required,
        problem=problem,
        hash_split=source.splits,
    )
    first = next(iter(rows_of(storage.join(root, names[0]))), None)
    if first is None:
        raise BadInputError(f"{storage.join(root, names[0])} has no rows.")
    for column in required:
        if column not in first[1]:
            near = did_you_mean(column, [c for c in first[1] if c])
            raise BadInputError(f"{storage.join(root, names[0])}: column {near}.")
    return reader


def number(value: Any) -> float | None:
    """Returns a finite float, or None."""
    try:
        converted = float(value)
    except (TypeError, ValueError):
        return None
    return converted if math.isfinite(converted) else None


def wrong_numbers(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    """Returns which of the columns have no finite number in a row, or "" if all have."""
    wrong = [column for column in columns if number(row.get(column)) is None]
    shown = ", ".join(f"'{column}' is {row.get(column)!r}" for column in wrong)
    return f"not a finite number: column {shown}" if wrong else ""


def rows_of(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line or index, row) of a table, CSV or .npz.

    Raises:
      BadInputError: If it is neither.
    """
    contents = storage.read(path)
    if contents[:2] != b"PK":
        yield from csv_text.rows(contents, path)
        return
    import numpy as np

    try:
        with np.load(io.BytesIO(contents), allow_pickle=False) as arrays:
            columns = {name: arrays[name] for name in arrays.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise BadInputError(f"{path} is not a readable .npz file: {error}") from error
    lengths = {name: array.shape for name, array in columns.items()}
    if len(set(lengths.values())) != 1 or any(len(s) != 1 for s in lengths.values()):
        raise BadInputError(
            f"{path}: the arrays must be columns of shape [rows], all of the same length. "
            f"Received: {lengths}"
        )
    for i in range(len(next(iter(columns.values())))):
        yield i, {name: array[i] for name, array in columns.items()}
