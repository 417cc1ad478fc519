from pathlib import Path

import pytest

from components.report import material, model_card
from tests.components.report import other_runs, runs

FLOWERS = ("daisy", "roses", "tulips")


def test_card_says_the_reports_numbers(tmp_path: Path) -> None:
    found = runs.full(tmp_path, FLOWERS, 300)
    card = model_card.render(found)
    metrics, per_class = found.evaluation["metrics"], found.evaluation["per_class"]
    before = found.evaluation["baseline"]["metrics"]
    assert f"| accuracy | {metrics['accuracy']:.4f} | {before['accuracy']:.4f} |" in card
    row = per_class["roses"]
    cells = " | ".join(f"{row[name]:.4f}" for name in ("precision", "recall", "f1"))
    assert f"| roses | {cells} | {row['support']} |" in card
    worst = min(per_class, key=lambda name: per_class[name]["f1"])
    assert f"lowest F1: {worst} ({per_class[worst]['f1']:.2f})" in card
    assert "| train | 600 |" in card
    assert "Blessed (4 of 4 gates passed)." in card


def test_hostile_names_stay_within_their_cell(tmp_path: Path) -> None:
    names = ("<script>alert(1)</script>", "a|b", "line\nbreak", "[x](http://y)", "`code` *bold*")
    card = model_card.render(runs.full(tmp_path, names, 300))
    assert "<script>" not in card
    rows = [line for line in card.splitlines() if line.startswith("| ") and "0." in line]
    columns = [line.replace(r"\|", "").count("|") for line in rows]
    assert columns[-len(names) :] == [6] * len(names)
    assert r"\[x\](http://y)" in card


def test_a_refused_model_says_why(tmp_path: Path) -> None:
    found = runs.report(FLOWERS, 300)
    gates = runs.gates(found, passed=False)
    card = model_card.render(runs.full(tmp_path, FLOWERS, report=found, gates=gates))
    assert "Not blessed (3 of 4 gates passed)." in card
    assert "**failed**: recall of class 'tulips' 0.05 &lt; 0.10 (support 10)" in card


def test_what_was_not_compared_has_not_passed(tmp_path: Path) -> None:
    found = runs.report(FLOWERS, 300)
    left = runs.not_compared("daisy", "roses")
    gates = [*runs.gates(found)[:1], *left]
    card = model_card.render(runs.full(tmp_path, FLOWERS, report=found, gates=gates))
    assert "Blessed (1 of 3 gates passed, 2 not compared)." in card
    assert "- not compared: recall of class 'daisy' not compared: no baseline." in card


def test_figures_on_other_examples_are_not_put_side_by_side(tmp_path: Path) -> None:
    found = runs.report(FLOWERS, 300)
    found["shared"] = {"classes": ["daisy"], "added": ["roses"], "removed": [], "metrics": {}}
    found["shared"]["per_class"] = {}
    card = model_card.render(runs.full(tmp_path, FLOWERS, report=found))
    assert "last blessed model |" not in card


def test_a_card_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    found = runs.full(tmp_path, FLOWERS, 300)
    found.evaluation["per_class"]["daisy"] = {}
    assert "could not be written: 'support'" in model_card.written(found)


def test_what_could_not_be_read_is_left_out(tmp_path: Path) -> None:
    folders = runs.write(tmp_path, FLOWERS, 300)
    for file in ("evaluation/report.json", "rejected/summary.json"):
        (tmp_path / file).unlink()
    card = model_card.render(material.read(runs.task(FLOWERS), folders))
    assert card.startswith("# Model card: flowers") and "MobileNetV2" in card


@pytest.mark.parametrize("pushed", [True, False])
def test_card_is_copied_beside_the_model(tmp_path: Path, pushed: bool) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report/MODEL_CARD.md").write_text("card")
    destination = str(tmp_path / "serving/7") if pushed else ""
    placed = model_card.place_card(str(tmp_path / "report"), destination)
    assert (placed is not None) == pushed
    assert (tmp_path / "serving/7/MODEL_CARD.md").exists() == pushed


def test_a_regression_says_where_it_is_weak_and_in_which_unit() -> None:
    found = other_runs.image_regression()
    card = model_card.render(found)
    deciles = found.evaluation["details"]["deciles"]
    worst = max(deciles, key=lambda part: part["mae"])
    low, high, mae, overall = (
        f"{value:,.4g}"
        for value in (worst["from"], worst["to"], worst["mae"], found.evaluation["metrics"]["mae"])
    )
    expected = (
        f"The largest errors are where age is between {low} and {high} years: MAE {mae} years, "
        f"overall {overall} years."
    )
    assert expected in card
    assert "age \\[years\\]" in card


def test_a_card_of_label_sets_has_their_figures() -> None:
    text = model_card.render(other_runs.label_sets())
    assert "average precision" in text and "mean average precision" in text
    assert "The classes with the lowest F1" in text


def test_the_card_says_what_the_training_started_from() -> None:
    start = {
        "from": "scratch",
        "model": None,
        "reason": "its model.layers.1.units is 8, here it is 9",
        "compared": {},
    }
    found = other_runs.label_sets()
    assert "The training started" not in model_card.render(found)
    found.history = {**found.history, "start": start}
    said = "The training started from scratch: its model.layers.1.units is 8, here it is 9."
    assert said in model_card.render(found)
