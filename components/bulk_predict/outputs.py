"""Predictions as rows of a CSV file or lines of JSON."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.bulk_predict.inputs import Entry
from trainer_modules.engine.errors import BadInputError, did_you_mean

ALL_PROBABILITIES = "probabilities"
_PROBABILITY = "probability:"
_ALWAYS = ("id", "true", "error")


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the CSV: its header and the field it shows."""

    header: str
    field: str


def fields(outputs: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Returns the fields that a model with these outputs can fill."""
    found = ["id"]
    if "probabilities" in outputs:
        found += ["label", "index", "score", ALL_PROBABILITIES]
        found += [f"{_PROBABILITY}{name}" for name in classes]
    if "value" in outputs:
        found.append("value")
    if "mask_png" in outputs:
        found.append("mask")
    return [*found, "true", "error"]


def columns(
    asked: str, *, outputs: Sequence[str], classes: Sequence[str], labelled: bool
) -> tuple[Column, ...]:
    """Returns the columns of the CSV.

    Args:
      asked: `FIELD` or `HEADER=FIELD`, comma-separated; "" for what suits the model.
      outputs: Names of the model's outputs.
      classes: The model's class names.
      labelled: Whether the input carries labels; then the default shows them.

    Raises:
      BadInputError: If a field is none that this model fills.
    """
    valid = fields(outputs, classes)
    if not asked:
        chosen = [n for n in ("id", "true", "label", "score", "value", "mask", "error")]
        return tuple(
            Column(header=n, field=n) for n in chosen if n in valid and (n != "true" or labelled)
        )
    found: list[Column] = []
    for part in asked.split(","):
        header, _, name = part.strip().rpartition("=")
        # A class may be called `a=b`; then the whole is the field.
        if part.strip() in valid:
            header, name = "", part.strip()
        if name not in valid:
            shown = [v for v in valid if not v.startswith(_PROBABILITY)]
            raise BadInputError(
                f"--columns: a field {did_you_mean(name, shown)} (or probability:CLASS)."
            )
        if name == ALL_PROBABILITIES:
            found += [Column(header=c, field=f"{_PROBABILITY}{c}") for c in classes]
        else:
            found.append(Column(header=header or name, field=name))
    return tuple(found)


def csv_row(
    entry: Entry, prediction: dict[str, Any], columns: Sequence[Column], classes: Any
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


def _cell(field: str, entry: Entry, prediction: dict[str, Any], classes: Any) -> str:
    if field in _ALWAYS:
        return str(getattr(entry, field))
    if not prediction:
        return ""
    if field == "index":
        return str(int(prediction["probabilities"].argmax()))
    if field.startswith(_PROBABILITY):
        return _shortest(prediction["probabilities"][classes[field.removeprefix(_PROBABILITY)]])
    value = prediction[field]
    return value.decode() if isinstance(value, bytes) else _shortest(value)


def _shortest(value: Any) -> str:
    """Returns a float32 with the fewest digits that stand for it."""
    return value if isinstance(value, str) else repr(float(str(value)))


def json_line(
    entry: Entry, prediction: dict[str, Any], names: Sequence[str], top: int | None
) -> str:
    """Returns one line of JSON: `id`, and `error` or what was predicted.

    Args:
      entry: What was predicted.
      prediction: The model's outputs for it; {} with an error.
      names: Class names.
      top: How many of the most probable classes to list; None for all, as a map.
    """
    row: dict[str, Any] = {"id": entry.id}
    if entry.true:
        row["true"] = entry.true
    if entry.error:
        row["error"] = entry.error
    for name, value in prediction.items():
        if name == "probabilities":
            row |= _probabilities(value, names, top)
        elif isinstance(value, bytes | str):
            row[name] = value.decode() if isinstance(value, bytes) else value
        else:
            row[name] = float(str(value))
    return json.dumps(row, ensure_ascii=False) + "\n"


def _probabilities(values: Any, names: Sequence[str], top: int | None) -> dict[str, Any]:
    if top is None:
        return {"probabilities": {n: float(str(v)) for n, v in zip(names, values, strict=True)}}
    best = (-values).argsort(kind="stable")[:top]
    return {"top": [{"label": names[i], "probability": float(str(values[i]))} for i in best]}
