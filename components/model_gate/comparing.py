"""`NoWorse`: compares a model with the last blessed one, within what single images can explain."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
class Side:
    """Both models' tables of one metric: overall, of a class, or in a slice.

    Attributes:
      what: The metric and where it is compared, as text.
      class_name: The class; None for the overall metric.
      slice: The slice; "" for all examples.
      now: The candidate's metrics by name.
      before: The baseline's.
      support: Examples behind them; None for all examples.
      classes: The candidate's metrics of each class, where this is an overall metric.
    """

    what: str
    class_name: str | None
    slice: str
    now: Mapping[str, Any] = field(compare=False)
    before: Mapping[str, Any] = field(compare=False)
    support: int | None
    classes: Mapping[str, Any] = field(compare=False)


def sides(gate: NoWorse, report: Mapping[str, Any], slice_name: str) -> Iterator[Side | Judged]:
    """Returns what is compared within a slice ("": all examples): every class, or one value.

    Where the baseline knew other classes, both models are compared on the examples of the classes
    that they share (`report["shared"]`); other classes are not compared, and this is not done
    within slices. What cannot be compared is already judged.
    """
    before, now, within = report["baseline"], report.get("shared") or report, ""
    if slice_name:
        within = f" in slice '{slice_name}'"
        now = report["slices"][slice_name]
        before = before and before["slices"].get(slice_name)
    listed = report["slices"][slice_name] if slice_name else report
    names: list[str | None] = list(listed["per_class"]) if gate.each_class else [None]
    for name in names:
        what = gate.metric + (f" of class '{name}'" if name is not None else "") + within
        if name is None and report.get("shared") and not slice_name:
            what += " on the shared classes"
        table = listed["per_class"][name] if name is not None else listed["metrics"]
        why = _why_not(gate, report, now, before, name, slice_name)
        if why:
            yield _left(gate, what, name, why, slice_name)
            continue
        count = table.get("example_count") if slice_name and name is None else None
        support = table["support"] if name is not None else None if count is None else int(count)
        pair = [
            side["per_class"][name] if name is not None else side["metrics"]
            for side in (now, before)
        ]
        yield Side(what, name, slice_name, pair[0], pair[1], support, now["per_class"])


def _why_not(
    gate: NoWorse,
    report: Mapping[str, Any],
    now: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    class_name: str | None,
    slice_name: str,
) -> str:
    """Returns why something is not compared; "" if it is."""
    listed = report["slices"][slice_name] if slice_name else report
    if class_name is not None and not listed["per_class"][class_name]["support"]:
        return "the judged split has no examples of it"
    if before is None:
        return _no_baseline(report)
    if slice_name and report.get("shared"):
        return "slices are compared only between models of the same classes"
    tables = [side["per_class"] if class_name is not None else side for side in (now, before)]
    if class_name is None:
        if any(gate.metric not in table["metrics"] for table in tables):
            return "its value depends on the set of classes, which changed"
        before_value = before["metrics"][gate.metric]
    else:
        if any(class_name not in table for table in tables):
            return "the last blessed model did not know this class"
        before_value = before["per_class"][class_name][gate.metric]
    return "" if before_value is not None else "its value is undefined for the last blessed model"


def _no_baseline(report: Mapping[str, Any]) -> str:
    return f"no baseline. {report.get('baseline_reason', '')}".strip()


def gate_name(gate: NoWorse, what: str) -> str:
    """Returns what the gate demands of one value, as text."""
    sure = f" with confidence {gate.confidence:g}" if gate.confidence is not None else ""
    return f"{what} no worse than before by more than {gate.tolerance:g}{sure}"


def _left(gate: NoWorse, what: str, class_name: str | None, why: str, slice_name: str) -> Judged:
    return Judged(
        name=gate_name(gate, what),
        kind="no_worse",
        metric=gate.metric,
        class_name=class_name,
        slice=slice_name or None,
        status=NOT_COMPARED,
        message=f"{what} not compared: {why}",
    )


def compared(gate: NoWorse, side: Side) -> Judged:
    """Judges one value by the numbers alone."""
    value, baseline = side.now[gate.metric], side.before[gate.metric]
    pictures = None if gate.lower_is_better else _pictures(gate.metric, side)
    by = max(gate.tolerance, UNTOLD / pictures) if pictures else gate.tolerance
    bound = baseline + by if gate.lower_is_better else baseline - by
    passed = value is not None and (
        value <= bound + SLACK if gate.lower_is_better else value >= bound - SLACK
    )
    return Judged(
        name=gate_name(gate, side.what),
        kind="no_worse",
        metric=gate.metric,
        class_name=side.class_name,
        slice=side.slice or None,
        bound=bound,
        value=value,
        baseline=baseline,
        status=PASSED if passed else FAILED,
        support=side.support,
        message=_sentence(gate, side, bound, passed=passed, pictures=pictures),
    )


def _sentence(
    gate: NoWorse, side: Side, bound: float, *, passed: bool, pictures: float | None
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


def _pictures(metric: str, side: Side) -> float | None:
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
        for row in side.classes.values()
        if row["support"]
    ]
    known = [number for number in each if number]
    return len(side.classes) * min(known) if known else None


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
