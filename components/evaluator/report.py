"""`report.json`: Evaluator's results in one file, for gates, reports and people.

TFMA writes the same numbers as records of its own; this is their plain form:

    {"splits": [...], "metrics": {name: value}, "per_class": {class: {precision, recall, ...}},
     "slices": {"format=PNG": {"metrics": ..., "per_class": ...}}, "details": {...},
     "baseline": {the same four keys} | null, "baseline_reason": "...",
     "shared": {"classes": [...], "added": [...], "removed": [...], "metrics": ...,
                "per_class": ...} | null}

`shared` is present if the baseline's classes differ: the candidate's figures on the examples of the
shared classes, the only ones that can be compared with the baseline's. A metric that is undefined
on the examples (AUC of one class) is null.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

from components.evaluator.comparability import Baseline
from components.evaluator.metrics import SHARED

REPORT_FILE = "report.json"
BASELINE_FILE = "baseline.json"
_DETAILS = "details"


def build(
    sliced: Iterable[Any], *, splits: list[str], candidate: str, baseline: str, decision: Baseline
) -> dict[str, Any]:
    """Returns the report.

    Args:
      sliced: TFMA's `MetricsForSlice` protos.
      splits: Names of the evaluated splits.
      candidate: TFMA's name of the candidate; "" where there is no baseline.
      baseline: TFMA's name of the baseline; "" where there is none.
      decision: Which baseline was used, or why none was, and which classes both know.
    """
    by_slice = {_slice_name(result.slice_key): result for result in sliced}
    return {
        "splits": splits,
        **_of_model(by_slice, candidate),
        "baseline": _of_model(by_slice, baseline) if baseline else None,
        "baseline_reason": decision.reason,
        "shared": _shared(by_slice, candidate, decision),
    }


def _shared(by_slice: dict[str, Any], candidate: str, decision: Baseline) -> dict[str, Any] | None:
    if not decision.used or not (decision.added or decision.removed):
        return None
    shared = (
        _read(by_slice[""], candidate, SHARED)
        if "" in by_slice
        else {"metrics": {}, "per_class": {}}
    )
    return {
        "classes": list(shared["per_class"]),
        "added": list(decision.added),
        "removed": list(decision.removed),
        "metrics": shared["metrics"],
        "per_class": shared["per_class"],
    }


def _of_model(by_slice: dict[str, Any], model_name: str) -> dict[str, Any]:
    slices = {name: _read(result, model_name) for name, result in sorted(by_slice.items())}
    overall = slices.pop("", {"metrics": {}, "per_class": {}, _DETAILS: {}})
    for result in slices.values():
        del result[_DETAILS]
    return {
        "metrics": overall["metrics"],
        "per_class": overall["per_class"],
        "slices": slices,
        "details": overall[_DETAILS],
    }


def _read(result: Any, model_name: str, prefix: str = "") -> dict[str, Any]:
    metrics: dict[str, float | None] = {}
    details: dict[str, Any] = {}
    for item in result.metric_keys_and_values:
        if item.key.model_name != model_name or item.key.is_diff:
            continue
        if item.key.name.startswith(SHARED) != bool(prefix):
            continue
        name = item.key.name.removeprefix(prefix)
        if name == _DETAILS:
            details = json.loads(item.value.bytes_value)
        elif item.value.HasField("double_value"):
            value = item.value.double_value.value
            metrics[name] = value if math.isfinite(value) else None
    per_class = details.pop("per_class", {})
    return {"metrics": metrics, "per_class": per_class, _DETAILS: details}


def slice_name(pairs: Iterable[tuple[str, Any]]) -> str:
    """Returns `feature=value`, several joined by commas; "" for all examples."""
    parts = []
    for column, value in pairs:
        text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
        parts.append(f"{column}={text}")
    return ",".join(parts)


def _slice_name(key: Any) -> str:
    """Returns the name of the slice that a proto means."""
    return slice_name(
        (single.column, getattr(single, single.WhichOneof("kind")))
        for single in key.single_slice_keys
    )
