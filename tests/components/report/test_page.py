import re
from pathlib import Path

import pytest

from components.report import material, page
from tests.components.report import other_runs, runs

FLOWERS = ("daisy", "roses", "tulips")


def test_every_section_of_a_classification_is_there(tmp_path: Path) -> None:
    html = page.render(runs.full(tmp_path, FLOWERS, 200))
    keys = (
        *("verdict", "comparison", "curves", "classes", "confusion", "calibration", "slices"),
        *("most_wrong", "predictions", "samples", "data", "drift", "changed", "model", "settings"),
        *("lineage", "run"),
    )
    for key in keys:
        assert f'<section id="{key}">' in html
    assert "failure" not in html.split("</style>")[1]
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_what_was_converted_is_listed(tmp_path: Path) -> None:
    html = page.render(runs.full(tmp_path, FLOWERS, 200))
    assert "Converted to PNG (2)" in html
    assert "<bdi>a/&lt;3&gt;.tif</bdi> in train was TIFF: alpha dropped" in html


@pytest.mark.parametrize("passed", [True, False])
def test_the_verdict_comes_first(tmp_path: Path, passed: bool) -> None:
    found = runs.report(FLOWERS, 200)
    gates = runs.gates(found, passed=passed)
    html = page.render(runs.full(tmp_path, FLOWERS, report=found, gates=gates))
    head = html[html.index("<header") : html.index("<main>")]
    assert ('badge bad">not blessed' in head) == (not passed)
    verdict = html[html.index('id="verdict"') : html.index('id="comparison"')]
    assert ("recall of class &#39;tulips&#39; 0.05 &lt; 0.10 (support 10)" in verdict) == (
        not passed
    )


def _verdict(html: str) -> str:
    return html[html.index('id="verdict"') : html.index('id="comparison"')]


def test_the_page_does_not_say_passed_where_nothing_was_compared(tmp_path: Path) -> None:
    found = runs.report(FLOWERS, 200)
    found |= {"baseline": None, "baseline_reason": "No earlier model has been blessed."}
    some = [*runs.gates(found)[:1], *runs.not_compared("daisy", "roses")]
    html = _verdict(page.render(runs.full(tmp_path, FLOWERS, report=found, gates=some)))
    assert "1 of 3 gates passed, 2 not compared." in html
    assert "2 not compared</summary>" in html and "1 passed</summary>" in html
    assert "All" not in html and html.count('aria-label="passed"') == 1
    none = _verdict(page.render(runs.full(tmp_path, FLOWERS, report=found, gates=some[1:])))
    assert "0 of 2 gates passed, 2 not compared." in none
    assert "gates passed." not in none and 'aria-label="passed"' not in none
    failed = [*runs.gates(found, passed=False), *runs.not_compared("daisy")]
    refused = _verdict(page.render(runs.full(tmp_path, FLOWERS, report=found, gates=failed)))
    assert "Nothing was pushed: 3 of 5 gates passed, 1 failed, 1 not compared." in refused


def test_differences_are_on_the_same_examples(tmp_path: Path) -> None:
    """Where the baseline knew other classes, both columns are those of the shared ones."""
    found = runs.report(FLOWERS, 200)
    found["shared"] = {
        "classes": ["daisy"],
        "added": ["roses", "tulips"],
        "removed": [],
        "metrics": {"accuracy": 0.1234},
        "per_class": {"daisy": {**found["per_class"]["daisy"], "f1": 0.4321}},
    }
    html = page.render(runs.full(tmp_path, FLOWERS, report=found))
    compared = html[html.index('id="comparison"') : html.index('id="curves"')]
    assert "0.1234" in compared and f"{found['metrics']['accuracy']:.4f}" not in compared
    assert "measured on the examples of <bdi>daisy</bdi>" in compared
    change = 0.1234 - found["baseline"]["metrics"]["accuracy"]
    assert f"{abs(change):.4f}" in _verdict(html)


def test_the_page_is_titled_by_the_name_of_the_runs(tmp_path: Path) -> None:
    found = runs.full(tmp_path, FLOWERS, 200)
    found.title = "dishes"
    assert "<h1><bdi>dishes</bdi>" in page.render(found)


def test_one_broken_section_leaves_the_others(tmp_path: Path) -> None:
    whole = runs.full(tmp_path, FLOWERS, 200)
    whole.evaluation["details"]["calibration"] = [{"count": 3}]
    html = page.render(whole)
    calibration = html[html.index('id="calibration"') : html.index('id="slices"')]
    assert "could not be drawn" in calibration and "KeyError" in calibration
    assert html.count("could not be drawn") == 1
    assert "class-table" in html


@pytest.mark.parametrize(
    ("file", "section", "others"),
    [
        ("model_run/history.json", "curves", ("classes", "data")),
        ("rejected/summary.json", "data", ("curves", "classes")),
        ("evaluation/report.json", "comparison", ("curves", "data")),
    ],
)
def test_a_missing_file_is_said_where_it_is_missed(
    tmp_path: Path, file: str, section: str, others: tuple[str, ...]
) -> None:
    folders = runs.write(tmp_path, FLOWERS, 200)
    (tmp_path / file).unlink()
    html = page.render(material.read(runs.task(FLOWERS), folders))

    def body(key: str) -> str:
        start = html.index(f'<section id="{key}">')
        return html[start : html.index("</section>", start)]

    assert "FileNotFoundError" in body(section)
    for other in others:
        assert "could not be" not in body(other)


def test_unreadable_gates_are_no_blessing(tmp_path: Path) -> None:
    folders = runs.write(tmp_path, FLOWERS, 200)
    (tmp_path / "blessing/gates.json").write_text("{")
    html = page.render(material.read(runs.task(FLOWERS), folders))
    assert 'badge bad">not blessed' in html
    assert "The gates could not be read" in html


def test_fine_tuning_is_marked(tmp_path: Path) -> None:
    html = page.render(runs.full(tmp_path, FLOWERS, 200))
    curves = html[html.index('id="curves"') : html.index('id="classes"')]
    assert "fine-tuning: everything" in curves
    assert "best at epoch 9 by validation accuracy" in curves
    assert curves.count('<svg class="chart"') == 3  # loss, accuracy, learning rate


def test_same_material_gives_the_same_page(tmp_path: Path) -> None:
    found = runs.full(tmp_path, FLOWERS, 200)
    assert page.render(found) == page.render(found)


def test_regression_shows_points_and_residuals() -> None:
    html = page.render(other_runs.regression())
    regression = html[html.index('<section id="regression">') :]
    assert 'aria-label="Predicted against true"' in regression
    assert 'aria-label="Residuals"' in regression
    assert "true [k$]" in regression
    assert "row 3" in regression
    assert '<section id="confusion">' not in html


def test_images_with_the_largest_errors_are_shown_with_truth_and_prediction() -> None:
    found = other_runs.image_regression()
    worst, _, third = found.evaluation["details"]["most_wrong"][:3]
    html = page.render(found)
    section = html[html.index('<section id="regression">') :].partition("</section>")[0]
    gallery = section[section.index("Largest errors") :]
    figures = re.findall(r"<figure.*?</figure>", gallery, re.DOTALL)
    assert len(figures) == 48 + 24
    first = re.sub(r"<wbr>", "", figures[0])
    assert f'data-id="{worst["id"]}"' in first and 'src="data:image/' in first
    assert f"{worst['predicted']:,.4g} years" in first and f"is {worst['true']:,.4g}<" in first
    assert f"({worst['error']:+.3g})" in first
    errors = [float(text) for text in re.findall(r"\(([+-][\d.e+-]+)\)", gallery)[:48]]
    assert [abs(e) for e in errors] == sorted((abs(e) for e in errors), reverse=True)
    # What cannot be drawn keeps its place and its numbers.
    assert f'data-id="{third["id"]}"' in figures[2] and "no picture" in figures[2]
    assert "Most wrong" not in section and "true [years]" in section
    assert "failure" not in html.split("</style>")[1] and len(html) < 1_000_000


def test_sets_of_labels_show_thresholds_curves_and_the_most_wrong() -> None:
    found = other_runs.label_sets()
    html = page.render(found)
    assert "failure" not in html.split("</style>")[1] and len(html) < 1_000_000
    by_class = html[html.index('<section id="classes">') :].partition("</section>")[0]
    for name, threshold in found.history["settled"]["thresholds"].items():
        assert f"{threshold:.4f}" in by_class and f"{found.evaluation['per_class'][name]['f1']:.4f}"
    section = html[html.index('<section id="labels">') :].partition("</section>")[0]
    assert "highest F1 on the 150 validation examples" in section
    assert "1 of 5 labels keep the threshold 0.5" in section and "rare" in section
    # On the very examples of the choice, the figures are called what they are.
    cross = found.evaluation["metrics"]["cross_fitted_macro_f1"]
    assert "no test split" in section and f"{cross:.4f} instead of" in section
    assert section.count('<svg class="chart"') == 5
    worst = found.evaluation["details"]["most_wrong"][0]
    figure = re.findall(r"<figure class=\"wrong\".*?</figure>", section, re.DOTALL)[0]
    assert f'data-id="{worst["id"]}"' in figure
    missed = len(set(worst["true"]) - set(worst["predicted"]))
    assert figure.count("−") == missed and figure.count("✓") + missed == len(worst["true"])
    assert figure.count('"missed"') == missed and figure.count('"hit"') == figure.count("✓")
    assert "<b>bold</b>" not in html
    judged_elsewhere = page.render(other_runs.label_sets(splits=("test",)))
    assert "no test split" not in judged_elsewhere


def test_time_and_memory_are_written_in_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text(page.render(runs.full(tmp_path, FLOWERS, 200)), encoding="utf-8")
    seconds = {"ImageExampleGen": 3.25, "Trainer": 125.0, "total": 130.0}
    for run_id in ("first", "second <run>"):
        page.finish_report(
            str(path),
            seconds,
            run_id=run_id,
            cached=["ImageExampleGen"],
            peak_megabytes={"ImageExampleGen": 700.0, "Trainer": 1900.4},
        )
        body = path.read_text(encoding="utf-8")
        body = body[body.index('<section id="run">') : body.index("<script>")]
        assert "2 min 5 s" in body and "1,900 MB" in body and "2 min 10 s in all" in body
        assert body.count("chip") == 1, "only the cached component is marked"
    assert "first" not in body and "second &lt;run&gt;" in body
    head = path.read_text(encoding="utf-8").split("</header>")[0]
    assert "run second &lt;run&gt;" in head


def test_a_model_that_does_not_serve_is_not_called_blessed(tmp_path: Path) -> None:
    folders = runs.write(tmp_path, FLOWERS, 200)
    check = tmp_path / "serving/check.json"
    check.parent.mkdir()
    folders["serving_check"] = str(check.parent)
    check.write_text('{"passed": false, "reason": "no answer <in> time", "checks": []}')
    html = page.render(material.read(runs.task(FLOWERS), folders))
    assert 'badge bad">not blessed' in html
    assert "serving check: no answer &lt;in&gt; time" in html
    check.write_text(
        '{"passed": true, "reason": "", "checks": [], "latency_ms": {"median": 0.4414, "p95": 1}}'
    )
    html = page.render(material.read(runs.task(FLOWERS), folders))
    assert 'badge good">blessed' in html and "one example takes 0.4414 ms" in html
    check.unlink()
    html = page.render(material.read(runs.task(FLOWERS), folders))
    assert 'badge bad">not blessed' in html and "serving check could not be read" in html
