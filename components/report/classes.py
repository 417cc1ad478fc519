"""Class by class: the table, the confusion matrix, calibration, slices."""

from typing import Any

from components.report import charts, galleries
from components.report.material import Material
from components.report.verdict import change
from trainer_modules.engine.problems import vocabulary


def table(material: Material) -> dict[str, Any] | None:
    """Every class with its figures, the worst first."""
    per_class = material.evaluation.get("per_class") or {}
    if not per_class:
        return None
    thresholds = material.history.get("settled", {}).get("thresholds", {})
    per_class = {
        name: {**row, **({"threshold": thresholds[name]} if name in thresholds else {})}
        for name, row in per_class.items()
    }
    old = (material.evaluation.get("baseline") or {}).get("per_class", {})
    now = material.now.get("per_class", {})
    first = next(iter(per_class.values()))
    shown = vocabulary.of_class(first)
    score = shown.score
    rows = [
        {
            "name": name,
            "figures": values,
            "change": change(score, now.get(name, {}).get(score), old.get(name, {}).get(score)),
        }
        for name, values in sorted(
            per_class.items(), key=lambda item: (not item[1]["support"], item[1][score])
        )
    ]
    return {
        "columns": columns(first),
        "score": score,
        "rows": rows,
        "compared": bool(old),
        "empty": [row["name"] for row in rows if not row["figures"]["support"]],
        "unit": shown.counted,
    }


def columns(row: dict[str, Any]) -> list[str]:
    """Returns the metrics of a class in the order of the table's columns."""
    return [name for name in vocabulary.of_class(row).of_class if name in row]


def confusion(material: Material) -> dict[str, Any] | None:
    """The matrix as the page's script draws it, and the pairs most confused."""
    details = material.evaluation.get("details", {})
    cells = details.get("confusion")
    if not cells:
        return None
    unit = vocabulary.of_class(next(iter(material.evaluation["per_class"].values()))).counted
    return {
        "matrix": {
            "classes": details["classes"],
            "shown": [material.display.get(name, name) for name in details["classes"]],
            "cells": cells,
            "unit": unit,
            "examples": galleries.of_cells(material) if unit == "examples" else [],
        },
        "index": {name: i for i, name in enumerate(details["classes"])},
        "pictured": unit == "examples" and bool(material.pictures),
        "pairs": details.get("confused_pairs") or pairs(details["classes"], cells),
        "unit": unit,
    }


def pairs(classes: list[str], cells: list[list[int]], limit: int = 30) -> list[dict[str, Any]]:
    """Returns the pairs of classes most often confused, from the matrix's cells."""
    support: dict[int, int] = {}
    for true, _, count in cells:
        support[true] = support.get(true, 0) + count
    wrong = sorted((c for c in cells if c[0] != c[1]), key=lambda c: -c[2])[:limit]
    return [
        {
            "true": classes[t],
            "predicted": classes[p],
            "count": count,
            "fraction": count / support[t],
        }
        for t, p, count in wrong
    ]


def calibration(material: Material) -> dict[str, Any] | None:
    """Calibration: whether a confidence of 0.8 is right four times out of five."""
    bins = material.evaluation.get("details", {}).get("calibration")
    if not bins or not any(b["count"] for b in bins):
        return None
    return {
        "chart": charts.calibration(bins),
        "bins": [b for b in bins if b["count"]],
        "error": material.evaluation["metrics"].get("expected_calibration_error"),
    }


def slices(material: Material) -> dict[str, Any] | None:
    """The overall metrics within each slice."""
    by_slice = material.evaluation.get("slices") or {}
    if not by_slice:
        return None
    first = next(iter(by_slice.values()))["metrics"]
    columns = vocabulary.of_slices(first)[:4]
    overall = material.evaluation["metrics"]
    rows = [
        {
            "name": name,
            "count": result["metrics"].get("example_count"),
            "values": [
                (result["metrics"].get(c), change(c, result["metrics"].get(c), overall.get(c)))
                for c in columns
            ],
        }
        for name, result in by_slice.items()
    ]
    return {"columns": columns, "rows": rows}
