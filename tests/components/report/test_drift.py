"""The section on drift: what was found, what was not compared, and the charts."""

from typing import Any

from components.report import drift, page
from components.report.material import Material
from tests.components.report import runs
from tests.components.report.drifted import PLOTS, checked


def shown(content: dict[str, Any], plots: dict[str, Any]) -> str:
    material = Material(task=runs.task(("roses", "tulips")), drift=content, drift_plots=plots)
    text = page.render(material)
    return text[text.index('<section id="drift">') :].split("</section>")[0]


def test_findings_are_told_with_charts_and_all_comparisons() -> None:
    text = shown(checked(), PLOTS)
    assert "The newest examples have drifted" in text and "1,200 examples" in text
    assert "span-&lt;3&gt;" in text and "<b>tulips" not in text
    # Labels, brightness and features; one format and one height say nothing.
    assert text.count('<svg class="chart"') == 3
    assert text.count('<tr class="drifted">') == 1 and "0.0012" in text
    assert "Not compared: there is no champion yet." in text


def test_a_held_night_says_that_the_model_waits() -> None:
    assert "The model waits for a decision." in shown(checked("held"), PLOTS)


def test_a_night_without_drift_and_one_without_comparison() -> None:
    quiet = shown(checked("none", findings=[]), {})
    assert "No drift" in quiet and "drifted</span>" not in quiet
    first = shown(checked("not_compared", findings=[], comparisons=[], samples={}), {})
    assert "were not compared" in first and "<table" not in first


def test_a_run_without_the_check_has_no_section() -> None:
    assert drift.section(Material()) is None
