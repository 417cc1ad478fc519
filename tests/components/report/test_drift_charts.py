"""The charts of the newest examples beside the others."""

import re

from components.report import drift_charts


def _texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_a_bar_for_each_sample_of_each_name() -> None:
    both = {"newest": [0.7, 0.3], "window": [0.5, 0.5]}
    svg = str(drift_charts.shares("Labels", ["cat", "a name of very many letters"], both))
    texts = _texts(svg)
    assert {"cat", "newest", "window", "fraction of examples"} <= set(texts)
    assert "a name of very ma…" in texts
    bars = re.findall(r'style="fill: var\(--series-([12])\)', svg)
    assert bars.count("1") >= 2 and bars.count("2") >= 2


def test_the_newest_histogram_is_filled() -> None:
    shares = {"newest": [0.2, 0.8], "champion": [0.6, 0.4]}
    svg = str(drift_charts.distributions("Brightness", [0, 0.5, 1], shares))
    assert {"Brightness", "newest", "champion"} <= set(_texts(svg))
    assert "fill: var(--series-1); opacity: 0.45" in svg and "stroke: var(--muted)" in svg


def test_features_are_dots_of_two_colours() -> None:
    svg = str(drift_charts.plane("Features, window", [[0, 1], [2, 3]], [[1, 1]], "window"))
    assert svg.count("<use ") >= 3 and {"newest", "window"} <= set(_texts(svg))
