"""What the top of the page says: the headline figures and the changes since the last blessing."""

from typing import Any

import pytest

from components.report import verdict
from components.report.material import Material
from tests.components.report import runs

FLOWERS = ("daisy", "roses", "tulips")


@pytest.mark.parametrize(
    ("metric", "now", "before", "good"),
    [
        ("accuracy", 0.9, 0.8, True),
        ("log_loss", 0.9, 0.8, False),
        ("expected_calibration_error", 0.1, 0.2, True),
        ("mae", 2.0, 1.0, False),
        ("accuracy", 0.8, 0.8, None),
        ("example_count", 900, 800, None),
        ("bias", 0.9, 0.1, None),
    ],
)
def test_what_counts_as_better(metric: str, now: float, before: float, good: Any) -> None:
    found = verdict.change(metric, now, before)
    assert found is not None
    assert found["good"] is good
    assert found["by"] == pytest.approx(now - before)


@pytest.mark.parametrize(("now", "before"), [(None, 0.5), (0.5, None), (None, None)])
def test_without_both_values_there_is_no_change(now: float | None, before: float | None) -> None:
    assert verdict.change("accuracy", now, before) is None


def test_tiles_are_the_first_six_figures_that_there_are() -> None:
    """In the order that the kind of problem gives; a value that is undefined has no tile."""
    metrics = {
        **{"example_count": 40, "log_loss": 5.0, "expected_calibration_error": None},
        **{"macro_precision": 0.4, "top_5_accuracy": 0.9, "macro_f1": 3.0, "accuracy": 1.0},
    }
    material = Material(
        evaluation={
            "metrics": metrics,
            "splits": ["test"],
            "baseline": {"metrics": {"log_loss": 4.0}},
        }
    )
    found = verdict.verdict(material)
    shown = {tile["name"]: (tile["value"], tile["change"]) for tile in found["tiles"]}
    assert list(shown) == ["accuracy", "macro_f1", "top_5_accuracy", "log_loss"]
    assert shown["accuracy"] == (1.0, None)
    assert shown["log_loss"] == (5.0, {"by": 1.0, "good": False})
    assert (found["examples"], found["splits"]) == (40, ["test"])
    whole = Material(
        evaluation=runs.evaluation(("a", "b"), 50)
        | {"metrics": dict.fromkeys([*metrics, "auc", "expected_calibration_error"], 0.5)}
    )
    assert [tile["name"] for tile in verdict.verdict(whole)["tiles"]] == [
        *("accuracy", "macro_f1", "top_5_accuracy", "auc", "log_loss"),
        "expected_calibration_error",
    ]


def test_every_gate_is_listed_under_its_outcome() -> None:
    report = runs.report(FLOWERS, 60)
    gates = [*runs.gates(report, passed=False), *runs.not_compared("daisy", "roses")]
    found = verdict.verdict(Material(evaluation=report, gates=gates))
    assert [gate["class"] for gate in found["failed"]] == ["tulips"]
    assert [gate["class"] for gate in found["passed"]] == [None, "daisy", "roses"]
    assert [gate["class"] for gate in found["not_compared"]] == ["daisy", "roses"]
    assert found["counted"] == "3 of 6 gates passed, 1 failed, 2 not compared"


def test_classes_that_changed_most_come_first() -> None:
    before = {"a": {"f1": 0.5}, "b": {"f1": 0.5}, "c": {"f1": 0.5}, "d": {"f1": 0.5}}
    now = {
        "a": {"f1": 0.6, "support": 3},
        "b": {"f1": 0.2, "support": 4},
        "c": {"f1": 0.50001, "support": 5},
        "d": {"f1": 0.55, "support": 6},
        "new": {"f1": 0.9, "support": 7},
    }
    rows = verdict.class_changes(before, now)
    assert [(row["name"], row["change"]["good"], row["support"]) for row in rows] == [
        *(("b", False, 4), ("a", True, 3), ("d", True, 6)),
    ]
    assert [row["name"] for row in verdict.class_changes(before, now, limit=1)] == ["b"]


def test_a_class_of_masks_is_judged_by_its_overlap() -> None:
    before = {"road": {"iou": 0.5, "f1": 0.9}}
    (row,) = verdict.class_changes(before, {"road": {"iou": 0.75, "f1": 0.1}})
    assert (row["metric"], row["before"], row["now"]) == ("iou", 0.5, 0.75)


def test_the_comparison_is_made_on_the_shared_classes() -> None:
    report = runs.report(FLOWERS, 60)
    report["shared"] = {
        "classes": ["daisy"],
        "metrics": {"accuracy": 0.25},
        "per_class": {"daisy": {"f1": 0.25, "support": 20}},
    }
    found = verdict.comparison(Material(evaluation=report))
    assert found is not None and found["compared"] and found["shared"] == ["daisy"]
    (row,) = found["rows"]
    assert (row["now"], row["before"]) == (0.25, report["baseline"]["metrics"]["accuracy"])
    assert [one["name"] for one in found["classes"]] == ["daisy"]


def test_without_a_baseline_the_reason_is_said() -> None:
    report = runs.report(FLOWERS, 60) | {"baseline": None, "baseline_reason": "The first model."}
    found = verdict.comparison(Material(evaluation=report))
    assert found is not None and not found["compared"] and found["reason"] == "The first model."
    assert {row["name"] for row in found["rows"]} == set(report["metrics"])
    assert all(row["before"] is row["change"] is None for row in found["rows"])
    assert verdict.comparison(Material()) is None
