"""Evaluator's report from TFMA's own protos."""

import json
from typing import Any

from tensorflow_model_analysis.proto import metrics_for_slice_pb2 as pb

from components.evaluator import report
from components.evaluator.comparability import Baseline

NO_BASELINE = Baseline(used=False, reason="No earlier model has been blessed.")


def _slice(values: dict[tuple[str, str], float], details: Any = None, **keys: Any) -> Any:
    """Makes the metrics of one slice: (model, metric) → value."""
    sliced = pb.MetricsForSlice()
    for column, value in keys.items():
        key = sliced.slice_key.single_slice_keys.add(column=column)
        setattr(
            key, {bytes: "bytes_value", int: "int64_value"}.get(type(value), "float_value"), value
        )
    for (model, name), value in values.items():
        item = sliced.metric_keys_and_values.add()
        item.key.name, item.key.model_name = name, model
        item.value.double_value.value = value
    for (model, prefix), content in (details or {}).items():
        item = sliced.metric_keys_and_values.add()
        item.key.name, item.key.model_name = f"{prefix}details", model
        item.value.bytes_value = json.dumps(content).encode()
    return sliced


def _build(*sliced: Any, **given: Any) -> dict[str, Any]:
    given = {"candidate": "", "baseline": "", "decision": NO_BASELINE, **given}
    return report.build(sliced, splits=["eval"], **given)


def test_all_examples_and_slices_are_told_apart() -> None:
    per_class = {"cat": {"recall": 0.5}}
    details = {("", ""): {"classes": ["cat"], "per_class": per_class}}
    made = _build(
        _slice({("", "accuracy"): 0.75}, details),
        _slice({("", "accuracy"): 0.5}, details, format=b"PNG"),
        _slice({("", "accuracy"): 0.25}, None, format=b"JPEG", width=640),
    )
    assert made["splits"] == ["eval"] and made["metrics"] == {"accuracy": 0.75}
    assert made["per_class"] == per_class and made["details"] == {"classes": ["cat"]}
    assert made["slices"] == {
        "format=PNG": {"metrics": {"accuracy": 0.5}, "per_class": per_class},
        "format=JPEG,width=640": {"metrics": {"accuracy": 0.25}, "per_class": {}},
    }
    assert made["baseline"] is None and made["shared"] is None
    assert made["baseline_reason"] == NO_BASELINE.reason
    assert json.loads(json.dumps(made, allow_nan=False)) == made


def test_what_is_undefined_is_null_and_stays_valid_json() -> None:
    values = {("", "auc"): float("nan"), ("", "loss"): float("inf"), ("", "accuracy"): 0.0}
    made = _build(_slice(values))
    assert made["metrics"] == {"auc": None, "loss": None, "accuracy": 0.0}


def test_two_models_and_their_difference_do_not_mix() -> None:
    both = _slice({("new", "accuracy"): 0.75, ("old", "accuracy"): 0.5})
    difference = both.metric_keys_and_values.add()
    difference.key.name, difference.key.model_name, difference.key.is_diff = "accuracy", "new", True
    difference.value.double_value.value = 0.25
    used = Baseline(used=True, reason="Compared.", uri="old")
    made = _build(both, candidate="new", baseline="old", decision=used)
    assert made["metrics"] == {"accuracy": 0.75}
    assert made["baseline"]["metrics"] == {"accuracy": 0.5}
    assert made["shared"] is None  # Their classes are the same.


def test_shared_classes_have_figures_of_their_own() -> None:
    details = {
        ("new", ""): {"per_class": {"cat": {"recall": 1.0}, "emu": {"recall": 0.0}}},
        ("new", "shared/"): {"per_class": {"cat": {"recall": 0.5}}},
    }
    values = {("new", "accuracy"): 0.5, ("new", "shared/accuracy"): 0.875}
    decision = Baseline(used=True, reason="", uri="old", added=("emu",), removed=("dog",))
    made = _build(_slice(values, details), candidate="new", baseline="old", decision=decision)
    assert made["metrics"] == {"accuracy": 0.5} and set(made["per_class"]) == {"cat", "emu"}
    assert made["shared"] == {
        "classes": ["cat"],
        "added": ["emu"],
        "removed": ["dog"],
        "metrics": {"accuracy": 0.875},
        "per_class": {"cat": {"recall": 0.5}},
    }


def test_no_examples_are_no_figures() -> None:
    decision = Baseline(used=True, reason="", uri="old", added=("emu",))
    made = _build(candidate="new", baseline="old", decision=decision)
    assert made["metrics"] == {} and made["slices"] == {} and made["details"] == {}
    assert made["shared"]["metrics"] == {} and made["shared"]["classes"] == []


def test_a_value_that_is_no_text_has_a_name_all_the_same() -> None:
    made = _build(_slice({("", "accuracy"): 1.0}, None, camera=b"\xff1"))
    assert list(made["slices"]) == ["camera=\\xff1"]
