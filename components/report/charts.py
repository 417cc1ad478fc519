"""Line charts and scatter plots of the report, see `drawing`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

from components.report.drawing import BAD, FIRST, INK, MUTED, SECOND, SURFACE, drawing


def curves(
    title: str,
    epochs: Sequence[int],
    series: Sequence[tuple[str, Sequence[float | None]]],
    *,
    marks: Sequence[tuple[float, str]] = (),
    best: int | None = None,
    log: bool = False,
) -> Markup:
    """Draws one or two quantities over the epochs.

    Args:
      title: What is drawn, for the axis and for screen readers.
      epochs: Epoch numbers, rising.
      series: (name, values) with None where there is no value; at most two.
      marks: (epoch, text) of vertical lines, for the start of a phase; a few letters each.
      best: Epoch to mark with a dot on the last series.
      log: Use a logarithmic scale.

    Returns:
      The chart, an `<svg>` element.
    """
    from matplotlib.ticker import MaxNLocator

    with drawing(title) as chart:
        ax = chart.axes
        x = np.asarray(epochs, float)
        for (name, values), colour in zip(series, (FIRST, SECOND), strict=False):
            y = np.array([np.nan if v is None else v for v in values], float)
            known = ~np.isnan(y)
            marker = "o" if known.sum() <= 12 else ""
            ax.plot(x[known], y[known], color=colour, label=name, marker=marker, markersize=4)
            if best is not None and name == series[-1][0] and best in list(epochs):
                where = list(epochs).index(best)
                if known[where]:
                    edge: Any = {"markeredgecolor": SURFACE, "markeredgewidth": 2}
                    ax.plot([best], [y[where]], "o", color=colour, markersize=8, **edge)
        for at, text in _apart(marks, float(x.max() - x.min()) if len(x) else 0.0):
            ax.axvline(at, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
            ax.annotate(
                text,
                (at, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                va="bottom",
                color=MUTED,
                fontsize=8.5,
            )
        ax.set_xlabel("epoch")
        ax.set_title(title, loc="left", fontsize=10.5, color=INK, pad=22 if marks else 8)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if log:
            ax.set_yscale("log")
        if len(series) > 1:
            # On the title's line, where no curve or mark can cross it.
            ax.legend(
                loc="lower right",
                bbox_to_anchor=(1.0, 1.09 if marks else 1.01),
                ncols=2,
                borderpad=0,
                borderaxespad=0,
                handlelength=1.4,
                columnspacing=1.2,
            )
    return chart.svg


def _apart(marks: Sequence[tuple[float, str]], span: float) -> list[tuple[float, str]]:
    """Returns the marks; of overlapping ones, only the first has its name."""
    placed: list[tuple[float, str]] = []
    named = -float("inf")
    for at, text in marks:
        # "phase 12" takes about a seventh of the axis.
        free = at - named >= span / 6
        named = at if free else named
        placed.append((at, text if free else ""))
    return placed


def calibration(bins: Sequence[dict[str, Any]]) -> Markup:
    """Draws accuracy over confidence; the size of a dot shows its number of predictions.

    Args:
      bins: As in the evaluation's details: `count`, `confidence`, `accuracy` (0..1 or None).
    """
    filled = [b for b in bins if b["count"]]
    total = sum(b["count"] for b in filled) or 1
    with drawing("Calibration", square=True) as chart:
        ax = chart.axes
        ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        x = [b["confidence"] for b in filled]
        y = [b["accuracy"] for b in filled]
        ax.vlines(x, x, y, color=BAD, linewidth=2, alpha=0.5)
        ax.plot(x, y, color=FIRST, linewidth=1.5)
        sizes = [24 + 320 * b["count"] / total for b in filled]
        ax.scatter(x, y, s=sizes, color=FIRST, edgecolors=SURFACE, linewidths=1.5, zorder=3)
        ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="confidence", ylabel="accuracy")
        ax.set_aspect("equal")
    return chart.svg


def precision_recall(
    title: str,
    points: Sequence[Sequence[float]],
    served: tuple[float, float],
    *,
    share: float,
) -> Markup:
    """Draws the precision-recall curve of the class `title`.

    Args:
      title: The class.
      points: (recall, precision) pairs, recall ascending.
      served: Recall and precision with the threshold that is served.
      share: Share of the examples that are of the class.
    """
    with drawing(f"Precision over recall: {title}", square=True) as chart:
        ax = chart.axes
        recall, precision = np.asarray(points, float).reshape(-1, 2).T
        ax.axhline(share, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        ax.step(np.r_[0, recall], np.r_[precision[:1], precision], where="pre", color=FIRST)
        ax.plot(*served, "o", color=SECOND, markersize=8, markeredgecolor=SURFACE)
        ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="recall", ylabel="precision")
        ax.set_title(title, loc="left", fontsize=10.5, color=INK)
    return chart.svg


def predicted_against_true(true: ArrayLike, predicted: ArrayLike, unit: str) -> Markup:
    """Draws predictions over true values, with the line of exact predictions."""
    with drawing("Predicted against true", square=True) as chart:
        ax = chart.axes
        both = np.concatenate([np.asarray(true, float), np.asarray(predicted, float)])
        low, high = float(both.min()), float(both.max())
        pad = 0.04 * (high - low or 1.0)
        ax.plot([low, high], [low, high], color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        ax.scatter(true, predicted, s=16, color=FIRST, alpha=0.65, linewidths=0)
        of = f" [{unit}]" if unit else ""
        ax.set(xlabel=f"true{of}", ylabel=f"predicted{of}")
        ax.set(xlim=(low - pad, high + pad), ylim=(low - pad, high + pad))
        ax.set_aspect("equal")
        ax.set_title("Predicted against true", loc="left", fontsize=10.5, color=INK)
    return chart.svg


def fitted(
    points: Sequence[tuple[float, float]],
    line: Sequence[tuple[float, float]],
    feature: str,
    target: str,
    unit: str,
) -> Markup:
    """Draws a target over the one feature, and the fitted line.

    Args:
      points: (feature, target) of examples.
      line: (feature, prediction), by rising feature.
      feature: The feature's name.
      target: The target's name.
      unit: The target's unit, or "".
    """
    title = f"{target} over {feature}"
    with drawing(title) as chart:
        ax = chart.axes
        x, y = np.asarray(points, float).reshape(-1, 2).T
        ax.scatter(x, y, s=16, color=FIRST, alpha=0.65, linewidths=0, label="examples")
        ax.plot(*np.asarray(line, float).reshape(-1, 2).T, color=SECOND, label="predicted")
        ax.set(xlabel=feature, ylabel=f"{target} [{unit}]" if unit else target)
        ax.set_title(title, loc="left", fontsize=10.5, color=INK)
        ax.legend(loc="best")
    return chart.svg


def histogram(title: str, edges: np.ndarray, counts: np.ndarray, label: str) -> Markup:
    """Draws a histogram; `edges` has one number more than `counts`."""
    with drawing(title) as chart:
        ax = chart.axes
        ax.bar(
            edges[:-1],
            counts,
            width=np.diff(edges),
            align="edge",
            color=FIRST,
            edgecolor=SURFACE,
            linewidth=1,
        )
        ax.axvline(0, color=MUTED, linewidth=1.2) if edges[0] < 0 < edges[-1] else None
        ax.set(xlabel=label, ylabel="examples")
        ax.grid(axis="x", visible=False)
        ax.set_title(title, loc="left", fontsize=10.5, color=INK)
    return chart.svg
