"""Drawing a chart as inline SVG with matplotlib, coloured by the page's CSS.

Each chart is drawn with stand-in colours that become CSS variables, so that one drawing follows
the reader's light or dark theme. Text stays text.
"""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from markupsafe import Markup

# Stand-in colour → CSS variable. matplotlib writes them back in lower case.
_THEME = {
    "#000001": "var(--ink)",
    "#000002": "var(--muted)",
    "#000003": "var(--line)",
    "#000004": "var(--series-1)",
    "#000005": "var(--series-2)",
    "#000006": "var(--bad)",
    "#000007": "var(--surface)",
}
INK, MUTED, LINE, FIRST, SECOND, BAD, SURFACE = _THEME
_WIDTH, _HEIGHT = 4.4, 2.8  # inches
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 1.0,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
}


class Drawing:
    """A chart being drawn; `svg` is set when its `with` block ends.

    Attributes:
      axes: matplotlib's axes.
      svg: The chart, an `<svg>` element.
    """

    def __init__(self, axes: Any) -> None:
        self.axes = axes
        self.svg = Markup("")


@contextmanager
def drawing(title: str, *, square: bool = False) -> Iterator[Drawing]:
    """Yields a chart to draw into; its `svg` is there when the block ends.

    Args:
      title: What is drawn, for screen readers; different ones on one page.
      square: Draw in a square instead of a wide rectangle.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # The salt keeps ids of several charts on one page apart, and the file the same every time.
    style: Any = {**_STYLE, "svg.hashsalt": title}
    with matplotlib.rc_context(rc=style), warnings.catch_warnings():
        # Text stays text: a character that the font of the drawing lacks is in the browser's.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure = Figure(figsize=(3.9, 3.7) if square else (_WIDTH, _HEIGHT), layout="constrained")
        chart = Drawing(figure.add_subplot())
        yield chart
        FigureCanvasSVG(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    chart.svg = _themed(buffer.getvalue(), title)


def _themed(svg: str, title: str) -> Markup:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    # Hundredths of a point are finer than any screen, and halve the file.
    svg = re.sub(
        r'(?<= )(?:d|x|y|transform)="[^"]*"',
        lambda places: re.sub(r"(\d+\.\d\d)\d+", r"\1", places[0]),
        svg,
    )
    for colour, variable in _THEME.items():
        svg = svg.replace(colour, variable)
    svg = svg.replace(
        "<svg", str(Markup('<svg class="chart" role="img" aria-label="{}"').format(title)), 1
    )
    return Markup(svg)
