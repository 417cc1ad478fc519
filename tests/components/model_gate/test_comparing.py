"""`NoWorse`: what counts as worse, and what a few images explain."""

from typing import Any

import pytest

from components.model_gate.gate_outcome import FAILED, NOT_COMPARED, PASSED, Judged
from components.model_gate.judging import judge
from trainer_modules.engine.task.gates import NoWorse


def report(now: float, before: float | None, count: int = 1000, metric: str = "accuracy") -> dict:
    of = {"example_count": count}
    baseline = None if before is None else {"metrics": {metric: before, **of}, "per_class": {}}
    return {
        "metrics": {metric: now, **of},
        "per_class": {},
        "baseline": baseline,
        "baseline_reason": "No earlier model has been blessed.",
    }


def judged(gate: NoWorse, given: dict[str, Any]) -> Judged:
    (one,) = judge([gate], given).gates
    return one


@pytest.mark.parametrize(
    ("now", "before", "tolerance", "status"),
    [
        (0.90, 0.90, 0.0, PASSED),
        (0.95, 0.90, 0.0, PASSED),
        (0.88, 0.90, 0.02, PASSED),  # although 0.9 - 0.02 > 0.88 in floating point
        (0.87, 0.90, 0.02, FAILED),
        # Two images of a thousand are no evidence, three are.
        (0.898, 0.90, 0.0, PASSED),
        (0.897, 0.90, 0.0, FAILED),
    ],
)
def test_the_border(now: float, before: float, tolerance: float, status: str) -> None:
    gate = NoWorse("accuracy", tolerance=tolerance)
    assert judged(gate, report(now, before)).status == status


@pytest.mark.parametrize("count", [1, 2, 5, 50, 333])
def test_two_images_fewer_pass_and_three_do_not(count: int) -> None:
    gate = NoWorse("accuracy", tolerance=0.0)
    for lost in range(min(count, 6) + 1):
        one = judged(gate, report((count - lost) / count, 1.0, count))
        assert one.status == (PASSED if lost <= 2 else FAILED), (count, lost)


def test_an_error_is_worse_when_it_grows() -> None:
    gate = NoWorse("rmse", tolerance=0.5, lower_is_better=True)
    assert judged(gate, report(3.5, 3.0, metric="rmse")).status == PASSED
    worse = judged(gate, report(3.6, 3.0, metric="rmse"))
    assert worse.status == FAILED and worse.bound == 3.5
    assert "rmse 3.60 > 3.50, the last blessed model's 3.00 + 0.5" in worse.message


def test_without_a_baseline_nothing_is_judged() -> None:
    one = judged(NoWorse("accuracy"), report(0.1, None))
    assert one.status == NOT_COMPARED and one.passed is None
    assert one.message.endswith("no baseline. No earlier model has been blessed.")


def test_each_class_is_compared_where_both_models_know_it() -> None:
    def row(recall: float, support: int) -> dict[str, float]:
        return {"recall": recall, "precision": 1.0, "f1": recall, "support": support}

    given = report(0.9, 0.9)
    given["per_class"] = {
        "kept": row(0.5, 100),
        "better": row(1.0, 100),
        "new": row(0.1, 100),
        "absent": row(0.0, 0),
    }
    given["baseline"]["per_class"] = {name: row(0.9, 100) for name in ("kept", "better", "absent")}
    found = {
        one.class_name: one
        for one in judge([NoWorse("recall", each_class=True, tolerance=0.1)], given).gates
    }
    assert {name: one.status for name, one in found.items()} == {
        "kept": FAILED,
        "better": PASSED,
        "new": NOT_COMPARED,
        "absent": NOT_COMPARED,
    }
    assert "did not know this class" in found["new"].message
    assert "no examples of it" in found["absent"].message
    assert (found["kept"].support, found["kept"].baseline) == (100, 0.9)


def test_changed_classes_are_compared_on_the_shared_ones() -> None:
    given = report(0.2, 0.9)
    given["shared"] = {"metrics": {"accuracy": 0.91, "example_count": 100}, "per_class": {}}
    one = judged(NoWorse("accuracy"), given)
    assert one.status == PASSED and one.value == 0.91
    assert one.name.startswith("accuracy on the shared classes")
    del given["shared"]["metrics"]["accuracy"]
    assert "depends on the set of classes" in judged(NoWorse("accuracy"), given).message


def test_an_undefined_value_fails_and_an_undefined_baseline_is_not_compared() -> None:
    given = report(0.9, 0.9, metric="auc")
    given["metrics"]["auc"] = None
    undefined = judged(NoWorse("auc"), given)
    assert undefined.status == FAILED and "undefined" in undefined.message
    given["metrics"]["auc"], given["baseline"]["metrics"]["auc"] = 0.9, None
    assert judged(NoWorse("auc"), given).status == NOT_COMPARED
