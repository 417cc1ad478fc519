"""Predictions of a regression: single rows and, with one feature, its line over the data."""

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from components.report import charts
from components.report.material import Material
from components.report.raw_examples import features
from trainer_modules.engine.saved_model.read import SavedModel
from trainer_modules.engine.task.task import Task

# Number of examples, which are in hash order, to draw as points.
POINTS = 2_000
_STEPS = 100


def answers(task: Task, files: Iterable[str], model: str) -> dict[str, Any]:
    """Returns the served model's predictions, and examples to compare them with.

    Args:
      task: The task, a regression.
      files: Shards of raw Examples.
      model: Folder of the SavedModel, whose own signature predicts.

    Returns:
      `columns`, their names; `rows`, (row, value) pairs for the rows in the input's `shown`, in the
      target's unit; with one column also `points`, (feature, target) pairs of examples, and `line`,
      (feature, value) pairs over the range of points and rows.
    """
    names = task.input.columns
    shown = [list(map(float, row)) for row in task.input.shown]
    fitted: dict[str, Any] = {"columns": names, "rows": [], "points": [], "line": []}
    if shown:
        fitted["rows"] = list(zip(shown, _predicted(model, names, shown), strict=True))
    if len(names) == 1:
        columns = (names[0], task.problem.raw_label)
        fitted["points"] = [
            tuple(float(example[name].float_list.value[0]) for name in columns)
            for example in itertools.islice(features(files), POINTS)
        ]
        along = [x for x, _ in fitted["points"]] + [row[0] for row in shown]
        if along:
            grid = np.linspace(min(along), max(along), _STEPS)[:, None].tolist()
            values = _predicted(model, names, grid)
            fitted["line"] = [(x, value) for (x,), value in zip(grid, values, strict=True)]
    return fitted


def _predicted(model: str, names: tuple[str, ...], rows: list[list[float]]) -> list[float]:
    columns = dict(zip(names, np.array(rows, np.float32).T, strict=True))
    return [float(value) for value in SavedModel(model).call(columns)["value"]]


def section(material: Material) -> dict[str, Any] | None:
    """The chart and the table; None for other problems, or if there is neither."""
    fitted = material.fitted
    if not fitted or not (fitted["rows"] or fitted["line"]):
        return None
    problem = material.task["problem"]
    target, unit = problem["target"], problem.get("unit", "")
    chart = None
    if fitted["line"]:
        chart = charts.fitted(fitted["points"], fitted["line"], fitted["columns"][0], target, unit)
    return {
        "chart": chart,
        "rows": fitted["rows"],
        "features": fitted["columns"],
        "target": f"{target} [{unit}]" if unit else target,
        "drawn": len(fitted["points"]),
    }
