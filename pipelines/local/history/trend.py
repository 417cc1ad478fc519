"""Figures over many nights as small inline SVG, coloured by the page's CSS.

`components/report/charts.py` draws with matplotlib, which takes a tenth of a second for each chart
and half a second to import: too slow for a page of dozens of lines, drawn anew after every run.
"""

from collections.abc import Sequence

from markupsafe import Markup

# Units of the drawings' own coordinates.
_WIDTH, _LINES, _GAP, _BARS = 800, 150, 8, 44
_LEFT, _TOP, _FOOT = 46, 8, 20
_SMALL = (200, 44)
# A line of more points than a screen has columns is not finer, only larger.
_POINTS, _DOTS = 240, 40


def nights(
    title: str,
    series: Sequence[tuple[str, Sequence[float | None]]],
    sizes: Sequence[int | None],
    *,
    ends: tuple[str, str],
    pushed: Sequence[bool] = (),
) -> Markup:
    """Draws up to two quantities over the nights, and the sizes of what was judged beneath.

    Args:
      title: What is drawn, for screen readers.
      series: (name, values) with None for a night without one; at most two.
      sizes: The number of examples of each night, or None.
      ends: Labels of the first night and of the last.
      pushed: For each night, whether it pushed a version; marked by a dot on the first series.

    Returns:
      The chart, an `<svg>` element.
    """
    low, high = _bounds([value for _, values in series for value in values])
    height = _TOP + _LINES + _GAP + _BARS + _FOOT
    parts = [_grid(low, high)]
    for number, (_, values) in enumerate(series[:2], start=1):
        points = _points(values, low, high)
        parts.append(_polyline(points, f"trend-{number}"))
        if number == 1 and any(pushed):
            parts.append(_dots(points, pushed))
    parts.append(_bars(sizes))
    foot = height - 5
    parts.append(
        Markup('<text x="{}" y="{}">{}</text><text x="{}" y="{}" text-anchor="end">{}</text>')
        .format(_LEFT, foot, ends[0], _WIDTH, foot, ends[1])
    )  # fmt: skip
    return _svg(title, "trend", _WIDTH, height, Markup("").join(parts))


def told(values: Sequence[float | None]) -> str:
    """Returns what a line shows, in words for screen readers."""
    known = [value for value in values if value is not None]
    if not known:
        return "no values"
    low, high = min(known), max(known)
    return f"from {known[0]:.3g} to {known[-1]:.3g}, between {low:.3g} and {high:.3g}"


def spark(title: str, values: Sequence[float | None]) -> Markup:
    """Draws one quantity as a small line without axes.

    Args:
      title: What is drawn, for screen readers.
      values: One for each night, None for a night without one.
    """
    width, height = _SMALL
    low, high = _bounds(values)
    scale = (height - 8) / (high - low)
    step = (width - 4) / max(len(values) - 1, 1)
    points = [
        None if value is None else (2 + step * i, height - 4 - (value - low) * scale)
        for i, value in enumerate(values)
    ]
    return _svg(title, "spark", width, height, _polyline(points, "trend-1"))


_Point = tuple[float, float] | None


def _bounds(values: Sequence[float | None]) -> tuple[float, float]:
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    # A line that does not move lies in the middle.
    margin = (high - low) * 0.05 or abs(high) * 0.05 or 0.5
    return low - margin, high + margin


def _points(values: Sequence[float | None], low: float, high: float) -> list[_Point]:
    step = (_WIDTH - _LEFT - 6) / max(len(values) - 1, 1)
    scale = _LINES / (high - low)
    return [
        None if value is None else (_LEFT + step * i, _TOP + (high - value) * scale)
        for i, value in enumerate(values)
    ]


def _polyline(points: Sequence[_Point], name: str) -> Markup:
    """Returns a line through the points that are known, and dots where there are few."""
    known = thinned([point for point in points if point is not None])
    dots = ""
    if len(known) <= _DOTS:
        dots = "".join(f"M{x:.0f} {y:.1f}h0" for x, y in known)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
    return Markup('<polyline class="{}" points="{}"/><path class="{} dots" d="{}"/>').format(
        name, line, name, dots
    )


def thinned(points: list[tuple[float, float]], limit: int = _POINTS) -> list[tuple[float, float]]:
    """Returns at most `limit` points that keep the highest and lowest of each stretch.

    Args:
      points: (x, y), x rising.
      limit: An even number.
    """
    if len(points) <= limit:
        return points
    kept = []
    stretches = limit // 2
    for i in range(stretches):
        part = points[i * len(points) // stretches : (i + 1) * len(points) // stretches]
        ends = {min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])}
        kept.extend(sorted(ends))
    return kept


def _dots(points: Sequence[_Point], chosen: Sequence[bool]) -> Markup:
    there = [p for p, wanted in zip(points, chosen, strict=True) if wanted and p is not None]
    # The newest ones, as many as can be told apart; the table names every one.
    path = "".join(f"M{x:.0f} {y:.1f}h0" for x, y in there[-_DOTS:])
    return Markup('<path class="pushes" d="{}"/>').format(path)


def _bars(sizes: Sequence[int | None]) -> Markup:
    most = max((size for size in sizes if size), default=0)
    if not most:
        return Markup("")
    step = (_WIDTH - _LEFT - 6) / max(len(sizes) - 1, 1)
    foot = _TOP + _LINES + _GAP + _BARS
    bars = thinned(
        [(_LEFT + step * i, _BARS * size / most) for i, size in enumerate(sizes) if size]
    )
    path = "".join(f"M{x:.0f} {foot}v{-height:.0f}" for x, height in bars)
    width = min(8.0, max(1.5, 0.6 * (_WIDTH - _LEFT) / max(len(bars), 1)))
    text = Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
        _LEFT - 6, foot - _BARS + 10, f"{most:,}"
    )
    return text + Markup('<path class="sizes" stroke-width="{:.1f}" d="{}"/>').format(width, path)


def _grid(low: float, high: float) -> Markup:
    """Returns three horizontal lines with their values."""
    parts = []
    for share in (0.0, 0.5, 1.0):
        y, value = _TOP + _LINES * share, high - (high - low) * share
        parts.append(
            Markup(
                '<path class="grid" d="M{} {:.0f}H{}"/>'
                '<text x="{}" y="{:.0f}" text-anchor="end">{}</text>'
            ).format(_LEFT, y, _WIDTH, _LEFT - 6, y + 4, f"{value:.3g}")
        )
    return Markup("").join(parts)


def _svg(title: str, name: str, width: int, height: int, body: Markup) -> Markup:
    return Markup('<svg class="{}" role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>').format(
        name, title, width, height, body
    )
