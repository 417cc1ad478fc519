"""What the report draws: distributions of the newest examples beside those of the references."""

from typing import Any

import numpy as np
import pandas as pd

from components.drift.judging import Features
from components.drift.records import Night
from components.drift.two_samples import scaled
from trainer_modules.engine.problems import Problem

NEWEST = "newest"
_CLASSES, _BINS, _POINTS = 20, 24, 250


def data(night: Night, problem: Problem, features: Features) -> dict[str, Any]:
    """Returns what the report's plots need, for JSON.

    Returns:
      `labels`, `formats` and `channels`: `names`, and by sample the fraction of examples of each.
      `numbers`: by name `edges`, and by sample the fraction of examples in each bin. `features`: by
      reference points `[x, y]` of `newest` and of `old` in the plane in which they vary most.
    """
    if night.newest is None:
        return {}
    tables = {NEWEST: night.newest.table}
    tables |= {name: sample.table for name, sample in night.references.items()}
    numbers = ["height", "width", "brightness"]
    drawn: dict[str, Any] = {}
    if problem.predicted_number:
        numbers.append("label")
    else:
        drawn["labels"] = _shares(tables, "label", _CLASSES)
    drawn["formats"] = _shares(tables, "format", _CLASSES)
    drawn["channels"] = _shares(tables, "channels", _CLASSES)
    drawn["numbers"] = {
        problem.predicted_number if name == "label" else name: histogram
        for name in numbers
        if (histogram := _histograms(tables, name))
    }
    drawn["features"] = {against: _plane(*pair) for against, pair in features.items()}
    return drawn


def _shares(tables: dict[str, pd.DataFrame], column: str, most: int) -> dict[str, Any]:
    """Returns the fractions of the values that differ most between samples."""
    counted = pd.DataFrame(
        {
            name: table[column].dropna().map(str).value_counts(normalize=True)
            for name, table in tables.items()
            if column in table
        }
    ).fillna(0.0)
    if counted.empty:
        return {}
    spread = counted.max(axis=1) - counted.min(axis=1)
    kept = spread.sort_values(ascending=False, kind="stable").index[:most]
    shown = counted.loc[sorted(kept)]
    return {
        "names": list(shown.index),
        "left_out": len(counted) - len(shown),
        "shares": {name: shown[name].round(5).tolist() for name in shown},
    }


def _histograms(tables: dict[str, pd.DataFrame], column: str) -> dict[str, Any]:
    values = {
        name: pd.to_numeric(table[column], errors="coerce").dropna().to_numpy(float)
        for name, table in tables.items()
        if column in table
    }
    values = {name: numbers for name, numbers in values.items() if len(numbers)}
    if NEWEST not in values or len(values) < 2:
        return {}
    edges = np.histogram_bin_edges(np.concatenate(list(values.values())), _BINS)
    return {
        "edges": edges.round(6).tolist(),
        "shares": {
            name: (np.histogram(numbers, edges)[0] / len(numbers)).round(5).tolist()
            for name, numbers in values.items()
        },
    }


def _plane(new: np.ndarray, old: np.ndarray) -> dict[str, list[list[float]]]:
    """Returns both samples in the plane of their first two principal components."""
    if min(len(new), len(old)) < 2:
        return {}
    new, old = new[:_POINTS], old[:_POINTS]
    vectors = scaled(np.concatenate([new, old]))
    if vectors.shape[1] < 2:
        return {}
    centred = vectors - vectors.mean(axis=0)
    # Of the few points and not of the many features: eigenvalues come in rising order.
    values, directions = np.linalg.eigh(centred @ centred.T)
    lengths = np.sqrt(np.maximum(values[-2:], 0))
    points = (directions[:, -2:] * lengths)[:, ::-1].round(3)
    return {"newest": points[: len(new)].tolist(), "old": points[len(new) :].tolist()}
