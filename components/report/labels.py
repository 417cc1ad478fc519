"""The section on sets of labels: thresholds, precision-recall curves, pairs, the most wrong."""

from typing import Any

from components.report import charts
from components.report.galleries import MOST_WRONG
from components.report.material import Material

# Curves are drawn of the classes with the lowest average precision.
CURVES, PAIRS = 9, 20


def section(material: Material) -> dict[str, Any] | None:
    """How labels are told apart, and where the thresholds come from."""
    if not material.shows("labels"):
        return None
    evaluation = material.evaluation
    details, per_class = evaluation["details"], evaluation["per_class"]
    settled = material.history.get("settled", {})
    weakest = sorted(
        (name for name, row in per_class.items() if row["support"]),
        key=lambda name: per_class[name]["average_precision"],
    )
    return {
        "settled": settled,
        "fixed": next(iter(settled.get("thresholds", {}).values()), None),
        "same_examples": evaluation.get("splits") == ["eval"] and not settled.get("fixed", True),
        "metrics": evaluation["metrics"],
        "charts": [
            charts.precision_recall(
                material.display.get(name, name),
                details["curves"][name],
                (per_class[name]["recall"], per_class[name]["precision"]),
                share=per_class[name]["support"] / evaluation["metrics"]["example_count"],
            )
            for name in weakest[:CURVES]
        ],
        "classes": len(per_class),
        "pairs": details["pairs"][:PAIRS],
        "sizes": _sizes(details["set_sizes"]),
        "examples": [_pictured(material, wrong) for wrong in details["most_wrong"][:MOST_WRONG]],
        "pictures_problem": material.problems.get("pictures", ""),
    }


def _sizes(counts: dict[str, list[int]]) -> list[dict[str, int]]:
    """Returns how many examples have 0, 1, 2, … labels, up to the largest set there is."""
    both = list(zip(counts["true"], counts["predicted"], strict=True))
    largest = max((size for size, pair in enumerate(both) if any(pair)), default=0)
    return [
        {"size": size, "true": true, "predicted": predicted}
        for size, (true, predicted) in enumerate(both[: largest + 1])
    ]


def _pictured(material: Material, example: dict[str, Any]) -> dict[str, Any]:
    """Returns an example with its picture, and its labels as hits, misses and false alarms."""
    true, predicted = example["true"], example["predicted"]
    kinds = (
        ("hit", [name for name in predicted if name in true]),
        ("missed", [name for name in true if name not in predicted]),
        ("wrongly", [name for name in predicted if name not in true]),
    )
    return {
        "id": example["id"],
        "picture": material.pictures.get(example["id"]),
        "labels": [
            {"name": name, "kind": kind, "probability": example["probabilities"][name]}
            for kind, names in kinds
            for name in names
        ],
    }
