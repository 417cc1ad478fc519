"""Gates on a report: floors, ceilings, classes, slices, baselines, and the sentences."""

from typing import Any

import pytest

from components.model_gate.judging import judge
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.gates import AtLeast, AtMost, NoWorse


def row(recall: float, support: int) -> dict[str, float]:
    return {"precision": 0.9, "recall": recall, "f1": 0.8, "support": support}


@pytest.fixture
def report() -> dict[str, Any]:
    return {
        "splits": ["test"],
        "metrics": {"accuracy": 0.9, "log_loss": 0.5, "auc": None, "example_count": 4500.0},
        "per_class": {"roses": row(0.71, 25), "tulips": row(0.95, 20), "daisy": row(0.0, 0)},
        "slices": {
            "format=PNG": {
                "metrics": {"accuracy": 0.6, "example_count": 10.0},
                "per_class": {"roses": row(0.5, 10)},
            }
        },
        "baseline": {
            "metrics": {"accuracy": 0.92, "log_loss": 0.4},
            "per_class": {"roses": row(0.8, 25), "tulips": row(0.95, 20)},
        },
        "baseline_reason": "Compared with the last blessed model.",
    }


@pytest.fixture
def full(report: dict[str, Any]) -> dict[str, Any]:
    del report["per_class"]["daisy"]
    return report


def test_floor_of_a_class_says_what_fell_short(report: dict[str, Any]) -> None:
    verdict = judge([AtLeast("recall", 0.8, class_name="roses")], report)
    assert not verdict.blessed
    assert verdict.message == "not blessed: recall of class 'roses' 0.71 < 0.80 (support 25)."
    plain = verdict.gates[0].plain()
    assert plain["class"] == "roses"
    assert (plain["kind"], plain["bound"], plain["value"], plain["support"], plain["passed"]) == (
        "at_least",
        0.8,
        0.71,
        25,
        False,
    )


def test_each_class_is_judged_by_itself(full: dict[str, Any]) -> None:
    verdict = judge([AtLeast("recall", 0.8, each_class=True)], full)
    assert {one.class_name: one.passed for one in verdict.gates} == {
        "roses": False,
        "tulips": True,
    }


@pytest.mark.parametrize("bound", [0.9, 0.9 - 1e-12])
def test_reaching_a_bound_is_enough(report: dict[str, Any], bound: float) -> None:
    assert judge([AtLeast("accuracy", bound), AtMost("accuracy", bound)], report).blessed


def test_ceiling_and_several_sentences(report: dict[str, Any]) -> None:
    verdict = judge([AtMost("log_loss", 0.499), AtLeast("accuracy", 0.9001)], report)
    assert verdict.message == (
        "not blessed: log_loss 0.500 > 0.499; not blessed: accuracy 0.9000 < 0.9001."
    )


def test_slice(report: dict[str, Any]) -> None:
    verdict = judge([AtLeast("accuracy", 0.8, slice="format=PNG")], report)
    assert verdict.message == (
        "not blessed: accuracy in slice 'format=PNG' 0.60 < 0.80 (support 10)."
    )
    by_class = judge([AtLeast("recall", 0.5, class_name="roses", slice="format=PNG")], report)
    assert by_class.blessed


@pytest.mark.parametrize(
    ("gate", "blessed"),
    [
        (NoWorse("accuracy", 0.02), True),
        (NoWorse("accuracy", 0.01), False),
        (NoWorse("log_loss", 0.1, lower_is_better=True), True),
        (NoWorse("log_loss", 0.05, lower_is_better=True), False),
        (NoWorse("recall", 0.09, each_class=True), True),
        (NoWorse("recall", 0.05, each_class=True), False),
    ],
)
def test_no_worse_than_the_last_blessed(full: dict[str, Any], gate: Any, blessed: bool) -> None:
    assert judge([gate], full).blessed is blessed


def test_no_worse_names_both_models(full: dict[str, Any]) -> None:
    verdict = judge([NoWorse("recall", 0.05, each_class=True)], full)
    assert verdict.message == (
        "not blessed: recall of class 'roses' 0.71 < 0.72, the last blessed model's 0.80 - 2/25 "
        "(support 25)."
    )


def test_without_a_baseline_nothing_is_worse(full: dict[str, Any]) -> None:
    full["baseline"] = None
    full["baseline_reason"] = "No earlier model has been blessed."
    verdict = judge([NoWorse("accuracy"), NoWorse("recall", each_class=True)], full)
    assert verdict.blessed
    assert "no baseline" in verdict.gates[0].message
    assert "No earlier model has been blessed" in verdict.gates[0].message
    assert verdict.gates[0].value is None
    assert {one.status for one in verdict.gates} == {"not_compared"}
    assert {one.plain()["passed"] for one in verdict.gates} == {None}
    assert verdict.message == (
        "Blessed: 0 of 3 gates passed, 3 not compared. No earlier model has been blessed."
    )


def test_no_gates_bless_and_say_so(report: dict[str, Any]) -> None:
    verdict = judge([], report)
    assert verdict.blessed
    assert "no gates" in verdict.message


def test_an_undefined_value_does_not_pass(report: dict[str, Any]) -> None:
    verdict = judge([AtLeast("auc", 0.0)], report)
    assert not verdict.blessed
    assert "undefined" in verdict.message


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (AtLeast("recall", 0.5, each_class=True), "no examples of 'daisy'"),
        (AtLeast("recall", 0.5, class_name="daisy"), "no examples of 'daisy'"),
        (NoWorse("recal", each_class=True), "did you mean 'recall'"),
        (AtLeast("recall", 0.5, class_name="rosse"), "did you mean 'roses'"),
        (AtLeast("acuracy", 0.5), "did you mean 'accuracy'"),
        (AtLeast("recall", 0.5), "each_class=True"),
        (AtLeast("support", 5, class_name="roses"), "Received: 'support'"),
        (AtLeast("accuracy", 0.5, slice="format=PMG"), "did you mean 'format=PNG'"),
    ],
)
def test_gates_that_cannot_be_judged_are_errors(
    report: dict[str, Any], gate: Any, said: str
) -> None:
    with pytest.raises(BadInputError, match=said):
        judge([gate], report)


def test_classes_of_a_task_without_classes(report: dict[str, Any]) -> None:
    report["per_class"] = {}
    with pytest.raises(BadInputError, match="this task has none"):
        judge([AtLeast("recall", 0.5, each_class=True)], report)


def test_a_class_without_examples_is_not_compared(report: dict[str, Any]) -> None:
    verdict = judge([NoWorse("recall", tolerance=0.1, each_class=True)], report)
    assert verdict.blessed
    outcomes = {one.class_name: one.status for one in verdict.gates}
    assert outcomes == {"roses": "passed", "tulips": "passed", "daisy": "not_compared"}
    assert "no examples" in verdict.gates[2].message


def classes_of_few(recalls: dict[str, tuple[float, float, int]]) -> dict[str, Any]:
    """Returns a report of classes: recall now, recall before, support."""
    now = {name: row(new, support) for name, (new, _, support) in recalls.items()}
    before = {name: row(old, support) for name, (_, old, support) in recalls.items()}
    return {
        "metrics": {"accuracy": 0.8, "example_count": 100.0},
        "per_class": now,
        "slices": {},
        "baseline": {"metrics": {"accuracy": 0.72, "example_count": 100.0}, "per_class": before},
        "baseline_reason": "Compared with the last blessed model.",
    }


@pytest.mark.parametrize("support", [3, 7, 18])
def test_what_two_pictures_explain_refuses_nothing(support: int) -> None:
    """The border: two pictures fewer pass however few there are, a third refuses."""
    gate = NoWorse("recall", tolerance=0.1, each_class=True)
    two = classes_of_few({"rare": (1 - 2 / support, 1.0, support)})
    verdict = judge([gate], two)
    assert verdict.blessed
    assert f"1.00 - 2/{support}: a loss that 2 pictures explain" in verdict.gates[0].message
    three = judge([gate], classes_of_few({"rare": (1 - 3 / support, 1.0, support)}))
    assert not three.blessed
    assert f"the last blessed model's 1.00 - 2/{support} (support {support})" in three.message


def test_in_large_classes_the_margin_rules() -> None:
    gate = NoWorse("recall", tolerance=0.1, each_class=True)
    assert judge([gate], classes_of_few({"a": (0.80, 0.90, 100)})).blessed
    verdict = judge([gate], classes_of_few({"a": (0.79, 0.90, 100)}))
    assert verdict.message == (
        "not blessed: recall of class 'a' 0.79 < 0.80, the last blessed model's 0.90 - 0.1 "
        "(support 100)."
    )


def test_one_picture_is_one_picture() -> None:
    verdict = judge([NoWorse("recall", each_class=True)], classes_of_few({"a": (6 / 7, 1.0, 7)}))
    assert verdict.blessed and "a loss that 1 picture explains" in verdict.gates[0].message


def figures(support: int, right: int, said: int) -> dict[str, float]:
    """Returns a class's row from counts."""
    return {
        "precision": right / said,
        "recall": right / support,
        "f1": 2 * right / (support + said),
        "support": support,
    }


@pytest.mark.parametrize(
    ("metric", "now", "blessed"),
    [
        # Ten of ten before; a picture taken for the class wrongly costs a fraction of those taken.
        ("precision", figures(10, 10, 12), True),
        ("precision", figures(10, 8, 12), False),
        ("f1", figures(10, 8, 10), True),
        ("f1", figures(10, 7, 10), False),
    ],
)
def test_precision_and_f1_are_shares_too(metric: str, now: dict, blessed: bool) -> None:
    report = classes_of_few({"a": (1.0, 1.0, 10)})
    report["per_class"]["a"] = now
    report["baseline"]["per_class"]["a"] = figures(10, 10, 10)
    assert judge([NoWorse(metric, each_class=True)], report).blessed is blessed


@pytest.mark.parametrize(("now", "blessed"), [(0.70, True), (0.69, False)])
def test_overall_shares_respect_support_and_losses_do_not(now: float, blessed: bool) -> None:
    report = classes_of_few({"a": (1.0, 1.0, 50), "b": (1.0, 1.0, 50)})
    report["metrics"] |= {"accuracy": now, "log_loss": 0.41}
    report["baseline"]["metrics"] |= {"log_loss": 0.4}
    assert judge([NoWorse("accuracy", tolerance=0.01)], report).blessed is blessed
    assert not judge([NoWorse("log_loss", tolerance=0.005, lower_is_better=True)], report).blessed


def test_masks_count_pixels_of_which_two_explain_nothing() -> None:
    report = classes_of_few({"road": (0.5, 0.9, 20)})
    for side in (report, report["baseline"]):
        side["per_class"]["road"]["iou"] = side["per_class"]["road"]["recall"]
    assert not judge([NoWorse("iou", tolerance=0.05, each_class=True)], report).blessed


def test_other_classes_are_compared_where_both_know_them() -> None:
    report = classes_of_few({"a": (0.9, 0.9, 40), "new": (0.1, 0.0, 40)})
    report["shared"] = {
        "classes": ["a"],
        "added": ["new"],
        "removed": ["old"],
        "metrics": {"accuracy": 0.9, "example_count": 40.0},
        "per_class": {"a": row(0.9, 40)},
    }
    report["metrics"] = {"accuracy": 0.5, "log_loss": 2.0, "example_count": 80.0}
    report["baseline"] = {
        "metrics": {"accuracy": 0.9, "log_loss": 0.1},
        "per_class": {"a": row(0.9, 40)},
    }
    gates = [
        NoWorse("accuracy"),
        NoWorse("log_loss", lower_is_better=True),
        NoWorse("recall", each_class=True),
    ]
    verdict = judge(gates, report)
    assert verdict.blessed
    accuracy, loss, a, new = verdict.gates
    # On all examples the model reaches 0.5, on those of class 'a' what the old one did.
    assert (accuracy.status, accuracy.value, accuracy.baseline) == ("passed", 0.9, 0.9)
    assert loss.status == "not_compared" and "depends on the set of classes" in loss.message
    assert a.status == "passed"
    assert new.status == "not_compared" and "did not know this class" in new.message
