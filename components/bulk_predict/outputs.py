"""Predictions as rows of a CSV file or lines of JSON."""

import csv
import functools
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.bulk_predict.inputs import Entry
from trainer_modules.engine.errors import BadInputError, did_you_mean

ALL_PROBABILITIES = "probabilities"
_PROBABILITY = "probability:"
_ALWAYS = ("id", "true", "error")
# label_2 is the second most probable class.
_RANKED = re.compile(r"(label|class_id|score|index)_([1-9]\d*)$")
_TOP_OF_PUBLISHED = 5
# Between the scores of the labels in one cell of a CSV.
_SCORES = "|"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the CSV: its header and the field it shows."""

    header: str
    field: str


@dataclass(frozen=True)
class Classes:
    """A model's classes.

    Attributes:
      names: In the order of the probabilities.
      ids: Unique ids, where names repeat; () where the names are unique.
    """

    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The unique keys by which classes are selected."""
        return self.ids or self.names

    @functools.cached_property
    def index(self) -> dict[str, int]:
        """Place of each key among the probabilities."""
        return {key: i for i, key in enumerate(self.keys)}


def fields(outputs: Sequence[str], classes: Classes) -> list[str]:
    """Returns the fields that a model with these outputs can fill."""
    names = ["id"]
    if "labels" in outputs:
        names += ["labels", "scores", ALL_PROBABILITIES]
        names += [f"{_PROBABILITY}{key}" for key in classes.keys]
    elif "probabilities" in outputs:
        of_class = ["label", *(["class_id"] if classes.ids else []), "score", "index"]
        names += [*of_class, ALL_PROBABILITIES]
        names += [
            f"{name}_{rank}" for rank in range(2, len(classes.names) + 1) for name in of_class
        ]
        names += [f"{_PROBABILITY}{key}" for key in classes.keys]
    if "value" in outputs:
        names.append("value")
    if "mask_png" in outputs:
        names.append("mask")
    return [*names, "true", "error"]


def columns(
    asked: str, *, outputs: Sequence[str], classes: Classes, labelled: bool, top: int | None = None
) -> tuple[Column, ...]:
    """Returns the columns of the CSV.

    Args:
      asked: `FIELD` or `HEADER=FIELD`, comma-separated; "" for the model's default.
      outputs: Names of the model's outputs.
      classes: The model's classes.
      labelled: Whether the input carries labels; then the default shows them.
      top: How many of the most probable classes the default shows; None for one, or for five of
        a published network's.

    Raises:
      BadInputError: If this model cannot fill a field.
    """
    valid = fields(outputs, classes)
    if not asked:
        count = top or (_TOP_OF_PUBLISHED if classes.ids else 1)
        of_class = ("label", "class_id", "score")
        more = [f"{name}_{rank}" for rank in range(2, count + 1) for name in of_class]
        chosen = ("id", "true", *of_class, *more, "labels", "scores", "value", "mask", "error")
        return tuple(
            Column(header=n, field=n) for n in chosen if n in valid and (n != "true" or labelled)
        )
    listed: list[Column] = []
    for part in asked.split(","):
        header, _, name = part.strip().rpartition("=")
        # A class may be called `a=b`; then the whole is the field.
        if part.strip() in valid:
            header, name = "", part.strip()
        if name not in valid:
            shown = [v for v in valid if not v.startswith(_PROBABILITY) and not _RANKED.match(v)]
            raise BadInputError(
                f"--columns: a field {did_you_mean(name, shown)} (or probability:CLASS, or label_2 "
                "and the like)."
            )
        if name == ALL_PROBABILITIES:
            listed += [Column(header=c, field=f"{_PROBABILITY}{c}") for c in classes.keys]
        else:
            listed.append(Column(header=header or name, field=name))
    return tuple(listed)


def csv_row(
    entry: Entry, prediction: dict[str, Any], columns: Sequence[Column], classes: Classes
) -> str:
    """Returns one line of the CSV, with its line end; empty cells where there is an error."""
    file = io.StringIO()
    cells = [_cell(column.field, entry, prediction, classes) for column in columns]
    csv.writer(file, lineterminator="\n").writerow(cells)
    return file.getvalue()


def header(columns: Sequence[Column]) -> str:
    """Returns the first line of the CSV."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow([column.header for column in columns])
    return file.getvalue()


def _cell(field: str, entry: Entry, prediction: dict[str, Any], classes: Classes) -> str:
    if field in _ALWAYS:
        return str(getattr(entry, field))
    if not prediction:
        return ""
    if field == "index":
        return str(int(prediction["probabilities"].argmax()))
    if field.startswith(_PROBABILITY):
        key = field.removeprefix(_PROBABILITY)
        return _shortest(prediction["probabilities"][classes.index[key]])
    if field == "scores":
        return _SCORES.join(_shortest(score) for score in prediction["scores"] if score > 0)
    if ranked := _RANKED.match(field):
        return _ranked(ranked[1], int(ranked[2]), prediction["probabilities"], classes)
    value = prediction[field]
    return value.decode() if isinstance(value, bytes) else _shortest(value)


def _ranked(name: str, rank: int, probabilities: Any, classes: Classes) -> str:
    """Returns a cell about the `rank`-th most probable class, counted from 1."""
    index = best(probabilities, rank)[-1]
    if name == "score":
        return _shortest(probabilities[index])
    values = {"label": classes.names, "class_id": classes.ids}.get(name)
    return str(index) if values is None else values[index]


def best(probabilities: Any, count: int) -> list[int]:
    """Returns the places of the `count` highest probabilities, highest first."""
    return [int(i) for i in (-probabilities).argsort(kind="stable")[:count]]


def _shortest(value: Any) -> str:
    """Returns a float32 with the fewest digits that identify it."""
    return value if isinstance(value, str) else repr(float(str(value)))


def json_line(entry: Entry, prediction: dict[str, Any], classes: Classes, top: int | None) -> str:
    """Returns one line of JSON: `id`, and `error` or what was predicted.

    Args:
      entry: What was predicted.
      prediction: The model's outputs for it; {} with an error.
      classes: The model's classes.
      top: How many of the most probable classes to list; None for all, as a map.
    """
    row: dict[str, Any] = {"id": entry.id}
    if entry.true:
        row["true"] = entry.true
    if entry.error:
        row["error"] = entry.error
    for name, value in prediction.items():
        if name == "probabilities":
            row |= _probabilities(value, classes, top)
        elif name == "labels":
            row |= _labels(prediction["scores"], classes)
        elif name == "scores":
            continue
        elif isinstance(value, bytes | str):
            row[name] = value.decode() if isinstance(value, bytes) else value
        else:
            row[name] = float(str(value))
    return json.dumps(row, ensure_ascii=False) + "\n"


def _labels(scores: Any, classes: Classes) -> dict[str, Any]:
    """Returns the predicted set: `labels`, and `scores` by label; the highest score first."""
    chosen = [i for i in best(scores, len(scores)) if scores[i] > 0]
    return {
        "labels": [classes.keys[i] for i in chosen],
        "scores": {classes.keys[i]: float(str(scores[i])) for i in chosen},
    }


def _probabilities(values: Any, classes: Classes, top: int | None) -> dict[str, Any]:
    if top is None:
        pairs = zip(classes.keys, values, strict=True)
        return {"probabilities": {key: float(str(v)) for key, v in pairs}}
    probabilities = []
    for i in best(values, top):
        name = {"label": classes.names[i]}
        if classes.ids:
            name["class_id"] = classes.ids[i]
        probabilities.append({**name, "probability": float(str(values[i]))})
    return {"top": probabilities}
