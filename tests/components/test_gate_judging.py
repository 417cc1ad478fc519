"""Gates on a report: floors, ceilings, classes, slices, baselines, and the sentences."""

from typing import Any

import pytest

from components.gate_judging import judge
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.gates import AtLeast, AtMost, NoWorse


def row(recall: float, support: int) -> dict[str, float]:
    return {"precision": 0.9, "recall": recall, "f1": 0.8, "support": support}


@pytest.fixture
def report() -> dict[str, Any]:
    return {
        "splits": ["test"],
        "metrics": {"accuracy": 0.9, "log_loss": 0.5, "auc": None, "example_count": 45.0},
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
        "not blessed: recall of class 'roses' 0.71 < 0.75, the last blessed model's 0.80 - 0.05 "
        "(support 25)."
    )


def test_without_a_baseline_nothing_is_worse(full: dict[str, Any]) -> None:
    full["baseline"] = None
    full["baseline_reason"] = "No model has been blessed before."
    verdict = judge([NoWorse("accuracy"), NoWorse("recall", each_class=True)], full)
    assert verdict.blessed
    assert "no baseline" in verdict.gates[0].message
    assert "No model has been blessed before" in verdict.gates[0].message
    assert verdict.gates[0].value is None


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
        (NoWorse("recall", each_class=True), "no examples of 'daisy'"),
        (AtLeast("recall", 0.5, class_name="rosse"), "did you mean 'roses'"),
        (AtLeast("acuracy", 0.5), "did you mean 'accuracy'"),
        (AtLeast("recall", 0.5), "each_class=True"),
        (AtLeast("support", 5, class_name="roses"), "received 'support'"),
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
