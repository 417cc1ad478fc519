"""TFDV's statistics in plain form, and the divergence of two data sets."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.report import storage

# Above this divergence (Jensen-Shannon, base 2, 0..1) a feature counts as drifted.
DRIFTED = 0.1
_FILE = "FeatureStats.pb"
_SKIPPED = ("image", "mask", "id")

Statistics = dict[str, dict[str, Any]]


def read(uri: str, splits: Sequence[str]) -> Statistics:
    """Returns split → `examples` and `features` of a StatisticsGen artifact.

    A feature has `values` ([value, count] pairs, most frequent first) where it is text, and
    `mean`, `min`, `median`, `max` and `histogram` ([low, high, count] triples) where it is a
    number.
    """
    from tensorflow_metadata.proto.v0 import statistics_pb2

    statistics: Statistics = {}
    for split in splits:
        protos = statistics_pb2.DatasetFeatureStatisticsList()
        protos.ParseFromString(storage.read_bytes(os.path.join(uri, f"Split-{split}", _FILE)))
        if protos.datasets:
            statistics[split] = _of_split(protos.datasets[0])
    return statistics


def _of_split(dataset: Any) -> dict[str, Any]:
    features: dict[str, Any] = {}
    for feature in dataset.features:
        name = feature.name or ".".join(feature.path.step)
        if name in _SKIPPED:
            continue
        if feature.HasField("string_stats"):
            buckets = feature.string_stats.rank_histogram.buckets
            features[name] = {"values": [[b.label, b.sample_count] for b in buckets]}
        elif feature.HasField("num_stats"):
            features[name] = _of_numbers(feature.num_stats)
    return {"examples": int(dataset.num_examples), "features": features}


def _of_numbers(stats: Any) -> dict[str, Any]:
    standard = [h for h in stats.histograms if h.type == 0] or list(stats.histograms)
    buckets = standard[0].buckets if standard else []
    return {
        "mean": stats.mean,
        "min": stats.min,
        "median": stats.median,
        "max": stats.max,
        "histogram": [[b.low_value, b.high_value, b.sample_count] for b in buckets],
    }


def class_counts(statistics: Statistics, label: str = "label") -> dict[str, dict[str, int]]:
    """Returns class name → split → examples."""
    counts: dict[str, dict[str, int]] = {}
    for split, features in statistics.items():
        for value, count in features["features"].get(label, {}).get("values", ()):
            counts.setdefault(str(value), {})[split] = int(count)
    return counts


def drift(before: Statistics, now: Statistics) -> list[dict[str, Any]]:
    """Compares two data sets feature by feature.

    Returns:
      One dict for each split and feature that both have: `split`, `feature`, `divergence`
      (Jensen-Shannon, base 2, within 0..1), `drifted`, and `means` (before, now) of numbers;
      the largest divergence first.
    """
    rows = []
    for split in (name for name in now if name in before):
        old, new = before[split]["features"], now[split]["features"]
        for name in (feature for feature in new if feature in old):
            value = divergence(old[name], new[name])
            if value is None:
                continue
            means = [old[name]["mean"], new[name]["mean"]] if "mean" in new[name] else None
            rows.append(
                {
                    "split": split,
                    "feature": name,
                    "divergence": value,
                    "drifted": value > DRIFTED,
                    "means": means,
                }
            )
    return sorted(rows, key=lambda row: -row["divergence"])


def divergence(before: Mapping[str, Any], now: Mapping[str, Any]) -> float | None:
    """Returns the Jensen-Shannon divergence of one feature, None if it is undefined."""
    if "values" in before and "values" in now:
        pair = _of_values(before["values"], now["values"])
    elif before.get("histogram") and now.get("histogram"):
        pair = _of_histograms(before["histogram"], now["histogram"])
    else:
        return None
    if not pair[0].sum() or not pair[1].sum():
        return None
    from scipy.spatial import distance

    return float(np.nan_to_num(distance.jensenshannon(*pair, base=2)) ** 2)


def _of_values(before: Any, now: Any) -> tuple[np.ndarray, np.ndarray]:
    old, new = dict(map(tuple, before)), dict(map(tuple, now))
    names = sorted({*old, *new})
    return tuple(np.array([c.get(n, 0.0) for n in names], float) for c in (old, new))  # type: ignore[return-value]


def _of_histograms(before: Any, now: Any) -> tuple[np.ndarray, np.ndarray]:
    """Maps both to the same twenty bins, assuming a uniform distribution within each bucket."""
    low = min(before[0][0], now[0][0])
    high = max(before[-1][1], now[-1][1])
    # A constant lies within the bin around it.
    high = high if high > low else low + 1.0
    edges = np.linspace(low, np.nextafter(high, np.inf), 21)
    return _spread(before, edges), _spread(now, edges)


def _spread(histogram: Any, edges: np.ndarray) -> np.ndarray:
    counts = np.zeros(len(edges) - 1)
    for low, high, count in histogram:
        if high <= low:
            at = int(np.clip(np.searchsorted(edges, low, side="right") - 1, 0, len(counts) - 1))
            counts[at] += count
            continue
        overlap = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
        counts += count * np.clip(overlap, 0, None) / (high - low)
    return counts
