"""Charts are drawings: what is measured in them are the numbers that were put in."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np
import pytest

from components.report import charts

_SVG = "{http://www.w3.org/2000/svg}"


def _shapes(svg: str, colour: str) -> list[np.ndarray]:
    """Returns the points (x, y) of each path stroked with a colour, in the drawing's own units."""
    found = []
    for path in ElementTree.fromstring(svg).iter(f"{_SVG}path"):
        if f"stroke: {colour}" in path.get("style", "") and path.get("clip-path"):
            numbers = re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", path.get("d", ""))
            found.append(np.array(numbers, float))
    return found


def _dots(svg: str, colour: str) -> np.ndarray:
    """Returns the centres (x, y) of the marks filled with a colour."""
    root, places = ElementTree.fromstring(svg), []
    for use in root.iter(f"{_SVG}use"):
        if f"fill: {colour}" in use.get("style", "") and use.get("x"):
            places.append((float(use.get("x", "")), float(use.get("y", ""))))
    # Marks of different sizes are paths of their own.
    for path in root.iter(f"{_SVG}path"):
        if f"fill: {colour}" in path.get("style", "") and path.get("clip-path"):
            pairs = re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.get("d", ""))
            outline = np.array(pairs, float)
            places.append(tuple((outline.min(axis=0) + outline.max(axis=0)) / 2))
    return np.array(places)


def _assert_drawn_to_scale(places: np.ndarray, values: Sequence[Sequence[float]]) -> None:
    """Asserts that places and values differ by scale and offset alone, and that y grows upwards."""
    for axis, sign in ((0, 1), (1, -1)):
        given = np.array([pair[axis] for pair in values], float)
        slope, offset = np.polyfit(given, places[:, axis], 1)
        assert slope * sign > 0
        # Coordinates have two decimals.
        np.testing.assert_allclose(places[:, axis], slope * given + offset, atol=0.05)


def test_a_curve_runs_through_its_values() -> None:
    values = [1.0, 0.5, 0.3, 0.35, 0.1]
    svg = charts.curves("loss", [1, 2, 3, 4, 5], [("training", values)])
    (line,) = _shapes(svg, "var(--series-1)")
    _assert_drawn_to_scale(line, list(zip(range(1, 6), values, strict=True)))


def test_a_missing_value_is_left_out_and_not_drawn_as_zero() -> None:
    svg = charts.curves("loss", [1, 2, 3, 4], [("training", [4.0, None, 2.0, 1.0])])
    (line,) = _shapes(svg, "var(--series-1)")
    _assert_drawn_to_scale(line, [(1, 4.0), (3, 2.0), (4, 1.0)])


def test_a_logarithmic_scale_makes_tenths_equal_steps() -> None:
    svg = charts.curves("learning rate", [1, 2, 3], [("rate", [1e-2, 1e-3, 1e-4])], log=True)
    (line,) = _shapes(svg, "var(--series-1)")
    _assert_drawn_to_scale(line, [(1, -2), (2, -3), (3, -4)])


def test_the_start_of_a_phase_stands_between_two_epochs() -> None:
    svg = charts.curves(
        "loss", [1, 2, 3, 4], [("training", [4.0, 3.0, 2.0, 1.0])], marks=[(2.5, "phase 2")]
    )
    (line,) = _shapes(svg, "var(--series-1)")
    vertical = [s for s in _shapes(svg, "var(--muted)") if len(s) == 2 and s[0, 0] == s[1, 0]]
    assert [s[0, 0] for s in vertical] == [pytest.approx((line[1, 0] + line[2, 0]) / 2, abs=0.05)]
    assert ">phase 2<" in svg


@pytest.mark.parametrize(
    ("epochs", "named"), [(60, ["a", "b", "c"]), (600, ["a", "c"]), (6000, ["a"])]
)
def test_names_that_would_overlap_are_left_out(epochs: int, named: list[str]) -> None:
    marks = [(10.5, "phase-a"), (30.5, "phase-b"), (150.5, "phase-c")]
    numbers = [1, epochs]
    svg = charts.curves("loss", numbers, [("training", [1.0, 0.5])], marks=marks)
    assert re.findall(r">phase-(\w)<", svg) == named
    assert len([s for s in _shapes(svg, "var(--muted)") if s[0, 0] == s[-1, 0]]) == 3


def test_calibration_is_accuracy_over_confidence_without_empty_bins() -> None:
    bins = [
        {"count": 10, "confidence": 0.15, "accuracy": 0.2},
        {"count": 0, "confidence": None, "accuracy": None},
        {"count": 90, "confidence": 0.85, "accuracy": 0.7},
        {"count": 30, "confidence": 0.95, "accuracy": 1.0},
    ]
    svg = charts.calibration(bins)
    values = [(b["confidence"], b["accuracy"]) for b in bins if b["count"]]
    (line,) = _shapes(svg, "var(--series-1)")
    _assert_drawn_to_scale(line, values)
    _assert_drawn_to_scale(_dots(svg, "var(--series-1)"), values)


def test_precision_over_recall_marks_what_is_served() -> None:
    points = [(0.2, 1.0), (0.5, 0.8), (1.0, 0.4)]
    svg = charts.precision_recall("dog", points, (0.5, 0.8), share=0.4)
    (curve,) = _shapes(svg, "var(--series-1)")
    (served,) = _dots(svg, "var(--series-2)")
    assert np.abs(curve - served).max(axis=1).min() < 0.05, "the mark stands on the curve"
    # As scikit-learn draws it: a precision holds back to the recall before.
    corners = [(0, 1.0), (0.2, 1.0), (0.2, 0.8), (0.5, 0.8), (0.5, 0.4), (1.0, 0.4)]
    _assert_drawn_to_scale(np.unique(curve, axis=0), sorted(corners, key=lambda c: (c[0], -c[1])))


def test_predictions_are_drawn_over_the_truth_on_equal_axes() -> None:
    true, predicted = [1.0, 2.0, 8.0], [1.5, 2.0, 5.0]
    svg = charts.predicted_against_true(true, predicted, "k$")
    dots = _dots(svg, "var(--series-1)")
    _assert_drawn_to_scale(dots, list(zip(true, predicted, strict=True)))
    (diagonal,) = _shapes(svg, "var(--muted)")
    (x0, y0), (x1, y1) = diagonal
    assert x1 - x0 == pytest.approx(y0 - y1, abs=0.1)
    assert dots[1, 0] - x0 == pytest.approx(y0 - dots[1, 1], abs=0.1), "an exact one lies on it"
    assert ">true [k$]<" in svg and ">predicted [k$]<" in svg


def test_a_fitted_line_has_its_points_and_units() -> None:
    points, line = [(1.0, 3.0), (2.0, 2.0), (4.0, 7.0)], [(1.0, 2.0), (4.0, 6.5)]
    svg = charts.fitted(points, line, "rooms", "price", "")
    _assert_drawn_to_scale(_dots(svg, "var(--series-1)")[:3], points)
    drawn = _shapes(svg, "var(--series-2)")[0]
    _assert_drawn_to_scale(drawn, line)
    assert ">price<" in svg and ">rooms<" in svg


def test_bars_are_as_high_as_their_counts() -> None:
    counts, edges = np.histogram([-2.5, -1.5, -1.2, 0.5, 0.6, 0.7], bins=[-3, -2, -1, 0, 1])
    svg = charts.histogram("Residuals", edges, counts, "predicted − true")
    bars = []
    for path in ElementTree.fromstring(svg).iter(f"{_SVG}path"):
        if "fill: var(--series-1)" in path.get("style", ""):
            numbers = re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", path.get("d", ""))
            bars.append(np.array(numbers, float))
    heights = np.array([bar[:, 1].max() - bar[:, 1].min() for bar in bars])
    np.testing.assert_allclose(heights / heights.max(), counts / counts.max(), atol=0.002)
    widths = [bar[:, 0].max() - bar[:, 0].min() for bar in bars]
    np.testing.assert_allclose(widths, widths[0], atol=0.05)
    zero = [line[0, 0] for line in _shapes(svg, "var(--muted)") if line[0, 0] == line[1, 0]]
    assert zero == [pytest.approx(bars[3][:, 0].min(), abs=0.05)], "the last bar begins at 0"


def test_colours_are_the_pages_and_ids_of_two_charts_differ() -> None:
    loss, accuracy = (
        charts.curves(title, [1, 2], [("training", [1.0, 2.0]), ("validation", [2.0, 1.0])])
        for title in ("loss", "accuracy")
    )
    for svg in (loss, accuracy):
        assert "var(--series-1)" in svg and "var(--series-2)" in svg
        assert not re.search("#00000[1-7]", svg), "a stand-in colour was left behind"
    first, second = (set(re.findall('<clipPath id="([^"]*)"', svg)) for svg in (loss, accuracy))
    assert first and not first & second
    assert loss == charts.curves(
        "loss", [1, 2], [("training", [1.0, 2.0]), ("validation", [2.0, 1.0])]
    )


def test_hostile_titles_stay_text() -> None:
    """A character that matplotlib's own font lacks is no cause for a warning either."""
    title = '"><script>alert(1)</script> $x^2$ 🌷'
    svg = charts.precision_recall(title, [(1.0, 0.5)], (1.0, 0.5), share=0.5)
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == f"Precision over recall: {title}"
    assert title in [text.text for text in root.iter(f"{_SVG}text")]
    assert not list(root.iter(f"{_SVG}script"))
