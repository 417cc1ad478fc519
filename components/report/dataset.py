"""The training data: samples, counts, sizes, rejected files, changes."""

from typing import Any

from components.report import pictures
from components.report import statistics as found_by
from components.report.material import Material

# Size limit of the samples on the page in characters, and their longest side.
SAMPLES_BUDGET, SAMPLES_LARGEST = 80_000, 160
_NUMBERS = ("height", "width", "channels", "brightness")


def samples(material: Material) -> dict[str, Any] | None:
    """Training images as the model sees them, block by block."""
    sheet = material.samples
    if sheet is None:
        return None
    drawn = pictures.within(
        {
            (b, i): pictures.of_pixels(pixels)
            for b, (_, images) in enumerate(sheet.blocks)
            for i, pixels in enumerate(images)
        },
        SAMPLES_BUDGET,
        SAMPLES_LARGEST,
    )
    return {
        "blocks": [
            {
                "title": title,
                "tiles": [
                    {"id": name, "label": label, "picture": drawn[b, i]}
                    for i, (name, label) in enumerate(zip(sheet.ids, sheet.labels, strict=True))
                ],
            }
            for b, (title, _) in enumerate(sheet.blocks)
        ]
    }


def data(material: Material) -> dict[str, Any] | None:
    """Counts per class and split, sizes, formats, rejected and converted files, duplicates."""
    if not material.trained and not material.ingestion and not material.statistics:
        return None
    statistics = material.statistics
    counts = _class_counts(material)
    order = [name for name in material.classes if name in counts]
    order += [name for name in counts if name not in order]
    splits = list(statistics) or list(material.ingestion.get("counts", {}))
    most = max((count for row in counts.values() for count in row.values()), default=1)
    return {
        "splits": splits,
        "totals": material.ingestion.get("counts", {}),
        "classes": [{"name": name, "counts": counts[name]} for name in order],
        "most": most,
        "numbers": [
            {"split": split, "feature": name, **values}
            for split in statistics
            for name, values in statistics[split]["features"].items()
            if "mean" in values and (name in _NUMBERS or not material.classes)
        ],
        "formats": _formats(statistics),
        "rejected": material.rejected,
        "rejected_count": material.ingestion.get("rejected", len(material.rejected)),
        "duplicates": _listed(material.ingestion.get("duplicates")),
        "converted": _listed(material.ingestion.get("converted")),
        "problem": material.problems.get("statistics", ""),
    }


def _class_counts(material: Material) -> dict[str, dict[str, int]]:
    """Returns class name → split → examples, as ingestion counted, else as TFDV did."""
    counted: dict[str, dict[str, int]] = {}
    for split, classes in material.ingestion.get("classes", {}).items():
        for name, count in classes.items():
            counted.setdefault(name, {})[split] = count
    return counted or found_by.class_counts(material.statistics)


def _formats(statistics: found_by.Statistics) -> list[dict[str, Any]]:
    return [
        {"split": split, "values": features["features"]["format"]["values"]}
        for split, features in statistics.items()
        if features["features"].get("format", {}).get("values")
    ]


def _listed(value: Any) -> dict[str, Any]:
    """Returns `count` (None if it was not counted) and the `listed` entries."""
    if not isinstance(value, dict):
        return {"count": value, "listed": []}
    return {"count": value["count"], "listed": value.get("listed", [])[:50]}


def changed(material: Material) -> dict[str, Any] | None:
    """Change from the previous run's data; data for prediction only is not compared."""
    if not material.trained:
        return None
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
