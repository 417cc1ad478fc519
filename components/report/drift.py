"""The section on drift: what DriftCheck found, and the distributions behind it."""

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from components.report import drift_charts
from components.report.material import Material

_TITLES = {"labels": "Labels", "formats": "Formats", "channels": "Channels"}


def section(material: Material) -> dict[str, Any] | None:
    """Findings, plots, and all comparisons; None where nothing was checked."""
    checked = material.drift
    if not checked:
        return None
    return {
        "status": checked["status"],
        "findings": checked["findings"],
        "notes": checked["notes"],
        "samples": checked.get("samples", {}),
        "comparisons": checked.get("comparisons", []),
        "charts": list(_charts(material.drift_plots)),
    }


def _charts(plots: dict[str, Any]) -> Iterator[Markup]:
    for key, title in _TITLES.items():
        drawn = plots.get(key) or {}
        # A bar for the one format or number of channels that all images have says nothing.
        if len(drawn.get("names", ())) > 1:
            yield drift_charts.shares(title, drawn["names"], drawn["shares"])
    for name, histogram in plots.get("numbers", {}).items():
        edges, values = histogram["edges"], histogram["shares"]
        if edges[0] < edges[-1] and not _all_alike(values):
            yield drift_charts.distributions(name.capitalize(), edges, values)
    for against, points in plots.get("features", {}).items():
        if points:
            title = f"Features, {against}"
            yield drift_charts.plane(title, points["newest"], points["old"], against)


def _all_alike(values: dict[str, list[float]]) -> bool:
    """Says whether every example of every sample lies in the same bin."""
    filled = {i for shares in values.values() for i, share in enumerate(shares) if share}
    return len(filled) <= 1
