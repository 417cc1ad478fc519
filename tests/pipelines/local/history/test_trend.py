"""Lines over nights."""

import re
from xml.etree import ElementTree

import pytest

from pipelines.local.history import trend


def _parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def _points(svg: str, name: str) -> list[tuple[float, float]]:
    line = next(e for e in _parsed(svg).iter("polyline") if e.get("class") == name)
    return [tuple(map(float, p.split(","))) for p in line.get("points", "").split()]


def test_higher_is_further_up_and_later_is_further_right() -> None:
    svg = trend.nights("t", [("accuracy", [0.5, None, 0.9])], [10, None, 30], ends=("a", "b"))
    (x0, y0), (x1, y1) = _points(svg, "trend-1")
    assert x0 < x1 and y0 > y1
    assert [e.text for e in _parsed(svg).iter("text")][-2:] == ["a", "b"]


def test_the_bars_are_in_proportion() -> None:
    svg = trend.nights("t", [("accuracy", [0.5, 0.6])], [10, 40], ends=("a", "b"))
    path = next(e for e in _parsed(svg).iter("path") if e.get("class") == "sizes").get("d", "")
    small, large = (float(height) for height in re.findall(r"v-([\d.]+)", path))
    assert large == pytest.approx(4 * small)


def test_many_nights_stay_small_and_keep_their_extremes() -> None:
    values = [0.9] * 5000
    values[1234], values[4321] = 0.1, 1.0
    svg = trend.nights("t", [("m", values)], [9] * 5000, ends=("a", "b"), pushed=[True] * 5000)
    heights = [y for _, y in _points(svg, "trend-1")]
    assert len(heights) <= 240 and len(svg) < 20_000
    assert min(heights) < 20 and max(heights) > 140


@pytest.mark.parametrize("values", [[], [None], [0.0, 0.0], [0.7], [-5.0, 3e9]])
def test_any_values_can_be_drawn(values) -> None:
    for svg in (
        trend.spark("t", values),
        trend.nights("t", [("m", values)], [None] * len(values), ends=("", "")),
    ):
        assert "nan" not in svg and "inf" not in svg
        _parsed(svg)


def test_names_are_text() -> None:
    svg = trend.spark('"><script>alert(1)</script>', [0.1, 0.2])
    assert not list(_parsed(svg).iter("script"))


def test_what_a_line_shows_in_words() -> None:
    assert trend.told([None, 0.5, 0.9, 0.7]) == "from 0.5 to 0.7, between 0.5 and 0.9"
    assert trend.told([None]) == "no values"
