"""`NoWorse`: compares a model with the last blessed one, within what single images can explain."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.model_gate.gate_outcome import (
    FAILED,
    NOT_COMPARED,
    PASSED,
    SLACK,
    Judged,
    format_apart,
    short,
)
from trainer_modules.engine.problems import vocabulary
from trainer_modules.engine.task.gates import NoWorse

# Up to this many images predicted differently are no evidence that a model has become worse.
UNTOLD = 2
_MACRO = "macro_"


@dataclass(frozen=True)
class _Side:
    """Both models' tables of one metric, overall or of one class."""

    what: str
    class_name: str | None
    now: Mapping[str, Any]
    before: Mapping[str, Any]
    support: int | None


def judge_no_worse(gate: NoWorse, report: Mapping[str, Any]) -> Iterator[Judged]:
    """Judges the gate on every class, or overall.

    Where the baseline knew other classes, both models are compared on the examples of the classes
    that they share (`report["shared"]`); other classes are not compared.
    """
    before = report["baseline"]
    now = report.get("shared") or report
    if not gate.each_class:
        what = gate.metric + (" on the shared classes" if report.get("shared") else "")
        if before is None:
            yield _left(gate, what, None, _no_baseline(report))
        elif gate.metric not in now["metrics"] or gate.metric not in before["metrics"]:
            yield _left(gate, what, None, "its value depends on the set of classes, which changed")
        else:
            yield _compared(gate, _Side(what, None, now["metrics"], before["metrics"], None), now)
        return
    for name, row in report["per_class"].items():
        what = f"{gate.metric} of class '{name}'"
        if not row["support"]:
            yield _left(gate, what, name, "the judged split has no examples of it")
        elif before is None:
            yield _left(gate, what, name, _no_baseline(report))
        elif name not in before["per_class"] or name not in now["per_class"]:
            yield _left(gate, what, name, "the last blessed model did not know this class")
        else:
            tables = now["per_class"][name], before["per_class"][name]
            yield _compared(gate, _Side(what, name, *tables, row["support"]), now)


def _no_baseline(report: Mapping[str, Any]) -> str:
    return f"no baseline. {report.get('baseline_reason', '')}".strip()


def _name(gate: NoWorse, what: str) -> str:
    return f"{what} no worse than before by more than {gate.tolerance:g}"


def _left(gate: NoWorse, what: str, class_name: str | None, why: str) -> Judged:
    return Judged(
        name=_name(gate, what),
        kind="no_worse",
        metric=gate.metric,
        class_name=class_name,
        status=NOT_COMPARED,
        message=f"{what} not compared: {why}",
    )


def _compared(gate: NoWorse, side: _Side, now: Mapping[str, Any]) -> Judged:
    value, baseline = side.now[gate.metric], side.before[gate.metric]
    if baseline is None:
        why = "its value is undefined for the last blessed model"
        return _left(gate, side.what, side.class_name, why)
    pictures = None if gate.lower_is_better else _pictures(gate.metric, side, now)
    by = max(gate.tolerance, UNTOLD / pictures) if pictures else gate.tolerance
    bound = baseline + by if gate.lower_is_better else baseline - by
    passed = value is not None and (
        value <= bound + SLACK if gate.lower_is_better else value >= bound - SLACK
    )
    return Judged(
        name=_name(gate, side.what),
        kind="no_worse",
        metric=gate.metric,
        class_name=side.class_name,
        bound=bound,
        value=value,
        baseline=baseline,
        status=PASSED if passed else FAILED,
        support=side.support,
        message=_sentence(gate, side, bound, passed=passed, pictures=pictures),
    )


def _sentence(
    gate: NoWorse, side: _Side, bound: float, *, passed: bool, pictures: float | None
) -> str:
    value, baseline = side.now[gate.metric], side.before[gate.metric]
    behind = f" (support {side.support})" if side.support is not None else ""
    lower = gate.lower_is_better
    sign, opposite = ("<=", ">") if lower else (">=", "<")
    if value is None:
        return f"{side.what} is undefined on these examples; it must be {sign} {bound:g}"
    left, right = format_apart(value, bound)
    note = f", the last blessed model's {short(baseline)}"
    if pictures is not None and UNTOLD / pictures > gate.tolerance:
        note += f" - {UNTOLD}/{pictures:g}"
        if passed and value < baseline - gate.tolerance - SLACK:
            lost = max(1, round((baseline - value) * pictures))
            pictures_do = "picture explains" if lost == 1 else "pictures explain"
            note += f": a loss that {lost} {pictures_do}"
    elif gate.tolerance:
        note += f" {'+' if lower else '-'} {gate.tolerance:g}"
    return f"{side.what} {left} {sign if passed else opposite} {right}{note}{behind}"


def _pictures(metric: str, side: _Side, now: Mapping[str, Any]) -> float | None:
    """Returns the number of images that the metric is a fraction of; None if it is none."""
    if side.class_name is not None:
        return _behind(metric, side.now, side.before)
    if vocabulary.measure(metric).of_examples:
        count = side.now.get("example_count")
        return float(count) if count else None
    if not metric.startswith(_MACRO):
        return None
    # One image weighs most in the class with the fewest images.
    each = [
        _behind(metric.removeprefix(_MACRO), row, row)
        for row in now["per_class"].values()
        if row["support"]
    ]
    known = [number for number in each if number]
    return len(now["per_class"]) * min(known) if known else None


def _behind(metric: str, now: Mapping[str, Any], before: Mapping[str, Any]) -> float | None:
    """Returns this number for one class: true, predicted, or the mean of both for F1."""
    support = now.get("support")
    # A mask's support counts pixels, and a single pixel is insignificant.
    if not support or vocabulary.of_class(now).counted != "examples":
        return None
    if metric == "recall":
        return float(support)
    said = [number for row in (now, before) if (number := _predicted(row))]
    if not said or metric not in ("precision", "f1"):
        return float(support) if metric == "f1" else None
    return min(said) if metric == "precision" else (support + min(said)) / 2


def _predicted(row: Mapping[str, Any]) -> float:
    """Returns how many examples were predicted as a class; 0 if none of them correctly."""
    right = row.get("recall", 0.0) * row.get("support", 0)
    return float(round(right / row["precision"])) if row.get("precision") else 0.0
