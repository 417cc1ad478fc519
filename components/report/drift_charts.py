"""The charts of the newest examples beside those before them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from components.report.drawing import FIRST, INK, MUTED, SECOND, SURFACE, drawing

_COLOURS = {"newest": FIRST, "window": SECOND, "champion": MUTED}
_LEGEND: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.01), "ncols": 3}
_TIGHT: dict[str, Any] = {"borderpad": 0, "borderaxespad": 0, "handlelength": 1.2}
_LONGEST = 18
"""Letters of a name that an axis has room for."""


def shares(title: str, names: Sequence[str], by_sample: Mapping[str, Sequence[float]]) -> Markup:
    """Draws the fraction of examples of each name, a bar for each sample.

    Args:
      title: What the names are.
      names: Classes, formats, …; the first at the top.
      by_sample: `newest`, `window`, `champion` → fractions, in the order of the names.
    """
    with drawing(title) as chart:
        ax = chart.axes
        places = np.arange(len(names))
        thick = 0.8 / max(len(by_sample), 1)
        for i, (sample, values) in enumerate(by_sample.items()):
            offset = (i - (len(by_sample) - 1) / 2) * thick
            ax.barh(places + offset, values, thick, color=_COLOURS[sample], label=sample)
        ax.set_yticks(places, [_short(name) for name in names])
        ax.invert_yaxis()
        ax.set_xlabel("fraction of examples")
        ax.grid(axis="y", visible=False)
        _titled(ax, title)
    return chart.svg


def distributions(
    title: str, edges: Sequence[float], by_sample: Mapping[str, Sequence[float]]
) -> Markup:
    """Draws histograms over one another, the newest filled.

    Args:
      title: What the number is.
      edges: Borders of the bins, one more than there are bins.
      by_sample: `newest`, `window`, `champion` → fraction of examples in each bin.
    """
    with drawing(title) as chart:
        ax = chart.axes
        for sample, values in by_sample.items():
            filled = sample == "newest"
            ax.stairs(
                values,
                edges,
                color=_COLOURS[sample],
                label=sample,
                fill=filled,
                alpha=0.45 if filled else 1.0,
                linewidth=1.8,
            )
        ax.set(ylabel="fraction of examples", ylim=(0, None))
        _titled(ax, title)
    return chart.svg


def plane(
    title: str, new: Sequence[Sequence[float]], old: Sequence[Sequence[float]], against: str
) -> Markup:
    """Draws features of images in the plane in which they vary most.

    Args:
      title: What is drawn.
      new: (x, y) of the newest images.
      old: (x, y) of the others.
      against: `window` or `champion`, where the others come from.
    """
    with drawing(title, square=True) as chart:
        ax = chart.axes
        dot: dict[str, Any] = {"s": 18, "linewidths": 0.5, "edgecolors": SURFACE}
        for sample, points in ((against, old), ("newest", new)):
            x, y = np.asarray(points, float).reshape(-1, 2).T
            ax.scatter(x, y, color=_COLOURS[sample], label=sample, alpha=0.75, **dot)
        ax.set(xlabel="first component", ylabel="second component")
        ax.set_xticklabels([])
        ax.set_yticklabels([])
        _titled(ax, title)
    return chart.svg


def _titled(ax: Any, title: str) -> None:
    ax.set_title(title, loc="left", fontsize=10.5, color=INK, pad=8)
    ax.legend(**_LEGEND, **_TIGHT, columnspacing=1.0, fontsize=8.5)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
