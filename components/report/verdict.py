"""The top of the page: blessed or not, why, and the differences from the last blessed model."""

from typing import Any

from components.model_gate import gate_outcome
from components.report.material import Material
from trainer_modules.engine.problems import vocabulary

_CHANGES = 8


def change(metric: str, now: float | None, before: float | None) -> dict[str, Any] | None:
    """Returns `by` and whether it is `good` (None: no significant change)."""
    if now is None or before is None:
        return None
    by = now - before
    if abs(by) < 5e-5 or vocabulary.measure(metric).neutral:
        return {"by": by, "good": None}
    return {"by": by, "good": (by < 0) == vocabulary.lower_is_better(metric)}


def verdict(material: Material) -> dict[str, Any]:
    """Gates and headline figures."""
    metrics = material.evaluation.get("metrics", {})
    before = (material.evaluation.get("baseline") or {}).get("metrics", {})
    tiles = [
        {
            "name": name,
            "value": metrics[name],
            "change": change(name, material.now.get("metrics", {}).get(name), before.get(name)),
        }
        for name in vocabulary.headline(metrics)
        if metrics.get(name) is not None
    ]
    by_status = {
        status: gate_outcome.with_status(material.gates, status)
        for status in (gate_outcome.FAILED, gate_outcome.PASSED, gate_outcome.NOT_COMPARED)
    }
    return {
        **by_status,
        "counted": gate_outcome.counted(material.gates),
        "tiles": tiles[:6],
        "splits": material.evaluation.get("splits", []),
        "examples": metrics.get("example_count"),
    }


def comparison(material: Material) -> dict[str, Any] | None:
    """Every metric beside the last blessed model's, and the classes that changed most."""
    if not material.evaluation:
        return None
    baseline = material.evaluation.get("baseline")
    shared = material.evaluation.get("shared")
    now = material.now["metrics"]
    old = baseline["metrics"] if baseline else {}
    rows = [
        {
            "name": name,
            "before": old.get(name),
            "now": value,
            "change": change(name, value, old.get(name)),
        }
        for name, value in now.items()
    ]
    return {
        "compared": baseline is not None,
        "reason": material.evaluation.get("baseline_reason", ""),
        "shared": shared["classes"] if shared else [],
        "rows": rows,
        "classes": class_changes(
            baseline["per_class"] if baseline else {}, material.now["per_class"]
        ),
    }


def class_changes(
    before: dict[str, dict[str, float]], now: dict[str, dict[str, float]], limit: int = _CHANGES
) -> list[dict[str, Any]]:
    """Returns the classes whose score changed most, the largest change first."""
    rows: list[dict[str, Any]] = []
    for name, values in now.items():
        metric = vocabulary.of_class(values).score
        old = before.get(name, {}).get(metric)
        if old is not None and abs(values[metric] - old) >= 5e-5:
            rows.append(
                {
                    "name": name,
                    "metric": metric,
                    "before": old,
                    "now": values[metric],
                    "change": change(metric, values[metric], old),
                    "support": values.get("support"),
                }
            )
    return sorted(rows, key=lambda row: -abs(row["change"]["by"]))[:limit]
