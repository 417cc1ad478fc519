"""What the model learnt from: samples, counts, sizes, what was rejected, drift."""

import base64
from typing import Any

from components.report import statistics as found_by
from components.report.material import Material

_NUMBERS = ("height", "width", "channels", "brightness")


def samples(material: Material) -> dict[str, Any] | None:
    """The grid of training images as the model sees them."""
    if material.samples is None:
        return None
    encoded = base64.b64encode(material.samples).decode()
    return {"picture": f"data:image/png;base64,{encoded}"}


def data(material: Material) -> dict[str, Any]:
    """Counts per class and split, sizes, formats, rejected files, duplicates."""
    statistics = material.statistics
    label = "label"
    counts = found_by.class_counts(statistics, label)
    order = [name for name in material.classes if name in counts]
    order += [name for name in counts if name not in order]
    splits = list(statistics)
    most = max((count for row in counts.values() for count in row.values()), default=1)
    return {
        "splits": splits,
        "totals": {split: statistics[split]["examples"] for split in splits}
        or material.ingestion.get("counts", {}),
        "classes": [{"name": name, "counts": counts[name]} for name in order],
        "most": most,
        "numbers": [
            {"split": split, "feature": name, **values}
            for split in splits
            for name, values in statistics[split]["features"].items()
            if "mean" in values and (name in _NUMBERS or not material.classes)
        ],
        "formats": _formats(statistics),
        "rejected": material.rejected,
        "rejected_count": material.ingestion.get("rejected", len(material.rejected)),
        "duplicates": _duplicates(material.ingestion.get("duplicates")),
        "problem": material.problems.get("statistics", ""),
    }


def _formats(statistics: found_by.Statistics) -> list[dict[str, Any]]:
    return [
        {"split": split, "values": one["features"]["format"]["values"]}
        for split, one in statistics.items()
        if one["features"].get("format", {}).get("values")
    ]


def _duplicates(found: Any) -> dict[str, Any]:
    """Returns `count` and, where ingestion names them, `listed` lines."""
    if found is None or isinstance(found, int):
        return {"count": found, "listed": []}
    listed = found.get("examples") or found.get("listed") or found.get("first") or []
    return {"count": found.get("count", len(listed)), "listed": listed[:50]}


def drift(material: Material) -> dict[str, Any]:
    """How far the data is from the data before."""
    if not material.previous_statistics:
        return {"rows": [], "compared": False, "same": False}
    same = material.previous_statistics == material.statistics
    rows = [] if same else found_by.drift(material.previous_statistics, material.statistics)
    return {
        "rows": rows,
        "compared": True,
        "same": same,
        "drifted": [row for row in rows if row["drifted"]],
        "bound": found_by.DRIFTED,
    }
