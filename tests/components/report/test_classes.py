"""The section on single classes; its counts are scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics

from components.report import classes
from components.report.material import Material
from tests.components.report import runs

FLOWERS = ("daisy", "roses", "tulips")


def test_confused_pairs_are_those_of_the_confusion_matrix() -> None:
    draw = np.random.default_rng(0)
    true, predicted = draw.integers(0, 3, 200), draw.integers(0, 3, 200)
    matrix = metrics.confusion_matrix(true, predicted)
    fractions = metrics.confusion_matrix(true, predicted, normalize="true")
    cells = [[t, p, int(n)] for (t, p), n in np.ndenumerate(matrix)]
    found = classes.pairs(list(FLOWERS), cells)
    expected = {
        (FLOWERS[t], FLOWERS[p]): (matrix[t, p], fractions[t, p])
        for t in range(3)
        for p in range(3)
        if t != p
    }
    assert {(one["true"], one["predicted"]) for one in found} == set(expected)
    for one in found:
        count, fraction = expected[one["true"], one["predicted"]]
        assert one["count"] == count and one["fraction"] == pytest.approx(fraction)
    assert [one["count"] for one in found] == sorted((one["count"] for one in found), reverse=True)
    assert classes.pairs(list(FLOWERS), cells, limit=2) == found[:2]


def test_the_worst_class_stands_first_and_one_without_examples_last() -> None:
    report = runs.report(FLOWERS, 90)
    report["per_class"]["daisy"] |= {"f1": 0.0, "support": 0}
    report["per_class"]["roses"]["f1"] = 0.9
    report["per_class"]["tulips"]["f1"] = 0.2
    report["baseline"]["per_class"] = {"tulips": {"f1": 0.5}}
    found = classes.table(Material(evaluation=report))
    assert found is not None
    assert [row["name"] for row in found["rows"]] == ["tulips", "roses", "daisy"]
    assert found["empty"] == ["daisy"] and found["compared"] and found["unit"] == "examples"
    changes = [row["change"] for row in found["rows"]]
    assert changes[0] == {"by": pytest.approx(-0.3), "good": False} and changes[1:] == [None, None]


def test_thresholds_that_training_chose_are_shown() -> None:
    report = runs.report(FLOWERS, 90)
    thresholds = {name: 0.25 + i / 8 for i, name in enumerate(FLOWERS)}
    found = classes.table(
        Material(evaluation=report, history={"settled": {"thresholds": thresholds}})
    )
    assert found is not None and "threshold" in found["columns"]
    assert {row["name"]: row["figures"]["threshold"] for row in found["rows"]} == thresholds
    assert "threshold" not in report["per_class"]["daisy"], "the evaluation itself is not changed"


def test_classes_of_masks_are_counted_in_pixels_and_ranked_by_overlap() -> None:
    row = {"precision": 0.5, "support": 10}
    evaluation = {
        "details": {"kind": "segmentation"},
        "per_class": {"sky": {**row, "iou": 0.9, "f1": 0.1}, "car": {**row, "iou": 0.2, "f1": 0.8}},
    }
    found = classes.table(Material(evaluation=evaluation))
    assert found is not None
    assert (found["score"], found["unit"]) == ("iou", "pixels")
    assert found["columns"] == ["iou", "precision", "f1", "support"]
    assert [one["name"] for one in found["rows"]] == ["car", "sky"]


def test_the_matrix_is_the_evaluations_with_pictures_of_its_cells() -> None:
    report = runs.report(FLOWERS, 90)
    first = report["details"]["most_wrong"][0]
    material = Material(
        evaluation=report,
        task={"display": {"names": [["roses", "Rosen"]]}},
        pictures={first["id"]: "data:,x"},
    )
    found = classes.confusion(material)
    assert found is not None and found["pictured"]
    matrix = found["matrix"]
    assert matrix["cells"] == report["details"]["confusion"]
    assert matrix["shown"] == ["daisy", "Rosen", "tulips"]
    assert [one["id"] for one in matrix["examples"]] == [first["id"]]
    assert matrix["examples"][0]["cell"] == [
        FLOWERS.index(first["true"]),
        FLOWERS.index(first["predicted"]),
    ]
    assert classes.confusion(Material()) is None


def test_calibration_leaves_empty_bins_out() -> None:
    report = runs.report(FLOWERS, 90)
    filled = [b for b in report["details"]["calibration"] if b["count"]]
    found = classes.calibration(Material(evaluation=report))
    assert found is not None and found["bins"] == filled
    assert 0 < len(filled) < len(report["details"]["calibration"])
    assert sum(b["count"] for b in found["bins"]) == 90
    assert found["error"] == report["metrics"]["expected_calibration_error"]
    report["details"]["calibration"] = [{"count": 0}]
    assert classes.calibration(Material(evaluation=report)) is None


def test_slices_are_compared_with_all_examples() -> None:
    evaluation = {
        "metrics": {"accuracy": 0.8, "log_loss": 0.5},
        "slices": {
            "format=PNG": {"metrics": {"accuracy": 0.6, "log_loss": 0.4, "example_count": 7}},
            "format=GIF": {"metrics": {"accuracy": 0.8, "example_count": 3}},
        },
    }
    found = classes.slices(Material(evaluation=evaluation))
    assert found is not None and found["columns"] == ["accuracy", "log_loss"]
    png, gif = found["rows"]
    assert (png["name"], png["count"]) == ("format=PNG", 7)
    assert [(value, change["good"]) for value, change in png["values"]] == [
        (0.6, False),
        (0.4, True),
    ]
    assert gif["values"] == [(0.8, {"by": 0.0, "good": None}), (None, None)]
    assert classes.slices(Material()) is None
