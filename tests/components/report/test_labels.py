"""The section on sets of labels."""

from typing import Any

from components.report import labels
from components.report.material import Material
from tests.components.report import other_runs, runs


def _material(**kwargs: Any) -> Material:
    return other_runs.label_sets(pictured=False, **kwargs)


def test_the_weakest_labels_have_their_curves_first() -> None:
    material = _material()
    found = labels.section(material)
    assert found is not None and found["classes"] == 5
    per_class = material.evaluation["per_class"]
    known = {name: row["average_precision"] for name, row in per_class.items() if row["support"]}
    order = sorted(known, key=lambda name: known[name])
    assert len(found["charts"]) == len(order) <= labels.CURVES
    for name, svg in zip(order, found["charts"], strict=True):
        title = name.replace("<", "&lt;").replace(">", "&gt;")
        assert f'aria-label="Precision over recall: {title}"' in svg


def test_a_label_without_examples_has_no_curve() -> None:
    material = _material()
    material.evaluation["per_class"]["dog"]["support"] = 0
    material.task["display"] = {"names": [["rare", "seldom seen"]]}
    found = labels.section(material)
    assert found is not None
    drawn = "".join(found["charts"])
    assert "recall: dog" not in drawn and "recall: seldom seen" in drawn
    assert "recall: rare" not in drawn


def test_sizes_of_sets_end_with_the_largest() -> None:
    material = _material()
    true, predicted = [7, 90, 40, 13, 0, 0], [0, 100, 30, 15, 5, 0]
    material.evaluation["details"]["set_sizes"] = {"true": true, "predicted": predicted}
    found = labels.section(material)
    assert found is not None
    assert [one["size"] for one in found["sizes"]] == [0, 1, 2, 3, 4]
    assert [one["true"] for one in found["sizes"]] == true[:5]
    assert [one["predicted"] for one in found["sizes"]] == predicted[:5]
    # And as the tally counts them: every example has one size.
    counted = labels.section(_material())
    assert counted is not None
    for key in ("true", "predicted"):
        assert sum(one[key] for one in counted["sizes"]) == 150


def test_each_label_is_a_hit_a_miss_or_a_false_alarm() -> None:
    material = _material()
    details = material.evaluation["details"]
    probabilities = {"a": 0.9, "b": 0.4, "c": 0.7, "d": 0.1}
    details["most_wrong"] = [
        {"id": "1.jpg", "true": ["a", "b"], "predicted": ["c", "a"], "probabilities": probabilities}
    ]
    material.pictures = {"1.jpg": "data:,x"}
    found = labels.section(material)
    assert found is not None
    (shown,) = found["examples"]
    assert (shown["id"], shown["picture"]) == ("1.jpg", "data:,x")
    assert [(one["name"], one["kind"], one["probability"]) for one in shown["labels"]] == [
        *(("a", "hit", 0.9), ("b", "missed", 0.4), ("c", "wrongly", 0.7)),
    ]


def test_every_pictured_set_agrees_with_the_evaluation() -> None:
    material = _material()
    found = labels.section(material)
    assert found is not None and len(found["examples"]) == labels.MOST_WRONG
    for shown, example in zip(
        found["examples"], material.evaluation["details"]["most_wrong"], strict=False
    ):
        kinds = {one["name"]: one["kind"] for one in shown["labels"]}
        truth, predicted = set(example["true"]), set(example["predicted"])
        assert {n for n, kind in kinds.items() if kind == "missed"} == truth - predicted
        assert {n for n, kind in kinds.items() if kind == "wrongly"} == predicted - truth
        assert set(kinds) == truth | predicted


def test_thresholds_chosen_on_the_judged_examples_are_told_apart() -> None:
    same = labels.section(_material())
    elsewhere = labels.section(_material(splits=("test",)))
    material = _material()
    material.history = {"settled": {"fixed": True, "thresholds": {"a": 0.3, "b": 0.3}}}
    fixed = labels.section(material)
    assert same is not None and elsewhere is not None and fixed is not None
    assert [one["same_examples"] for one in (same, elsewhere, fixed)] == [True, False, False]
    assert fixed["fixed"] == 0.3


def test_other_kinds_have_no_sets() -> None:
    flowers = ("daisy", "roses")
    material = Material(task=runs.task(flowers), evaluation=runs.evaluation(flowers, 20))
    assert labels.section(material) is None
