"""Judges a task's gates on what Evaluator found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.gates import AtLeast, AtMost, Gate, NoWorse

# Keeps 0.9 - 0.02 <= 0.88 true in floating point.
_SLACK = 1e-9


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The outcome of one gate on one value.

    Attributes:
      name: What the gate asks, for people: `recall of class 'roses' >= 0.8`.
      kind: `at_least`, `at_most` or `no_worse`.
      metric: Name of the metric.
      class_name: The class it was judged on; None for an overall metric.
      slice: The slice it was judged in; None for all examples.
      bound: What the value was compared with; None where there was no baseline.
      value: What Evaluator measured; None where it is undefined, or without a baseline.
      baseline: What the last blessed model reached; None for other kinds.
      passed: Whether the gate let the model through.
      support: Examples (of the class, in the slice) behind the value; None for all examples.
      message: One sentence with the numbers.
    """

    name: str
    kind: str
    metric: str
    class_name: str | None
    slice: str | None
    bound: float | None
    value: float | None
    baseline: float | None
    passed: bool
    support: int | None
    message: str

    def plain(self) -> dict[str, Any]:
        """Returns the fields as JSON has them, `class_name` as `class`."""
        return {("class" if k == "class_name" else k): v for k, v in vars(self).items()}


@dataclass(frozen=True)
class Verdict:
    """Whether a model is blessed, and every gate's outcome."""

    blessed: bool
    gates: tuple[Judged, ...]
    message: str


def judge(gates: Iterable[Gate], report: dict[str, Any]) -> Verdict:
    """Judges every gate.

    Args:
      gates: What the task asks for.
      report: Evaluator's report, see `components/evaluation_report`.

    Returns:
      The verdict; its message is one paragraph, with one sentence for each failed gate.

    Raises:
      BadInputError: If a gate names a metric, class or slice that does not exist, or a class
        without examples.
    """
    judged = tuple(one for gate in gates for one in _judge(gate, report))
    failed = [one.message for one in judged if not one.passed]
    if failed:
        message = "; ".join(f"not blessed: {one}" for one in failed) + "."
    elif judged:
        message = f"Blessed: passed {'all ' if judged[1:] else ''}{len(judged)} " + (
            "gates." if judged[1:] else "gate."
        )
    else:
        message = "Blessed: the task sets no gates."
    return Verdict(not failed, judged, message)


def _judge(gate: Gate, report: dict[str, Any]) -> Iterator[Judged]:
    slice_name = getattr(gate, "slice", "")
    where = _within_slice(report, slice_name, gate)
    class_name = getattr(gate, "class_name", "")
    if gate.each_class or class_name:
        table = where["per_class"]
        names = [class_name] if class_name else list(table)
        _check_classes(gate, names, table)
        for name in names:
            value = find_metric(gate, table[name], report)
            yield _outcome(gate, report, value, name, slice_name, table[name]["support"])
    else:
        count = where["metrics"].get("example_count")
        support = int(count) if slice_name and count is not None else None
        yield _outcome(
            gate, report, find_metric(gate, where["metrics"], report), None, slice_name, support
        )


def _within_slice(report: dict[str, Any], name: str, gate: Gate) -> dict[str, Any]:
    if not name:
        return report
    if name not in report["slices"]:
        raise BadInputError(
            f"The gate on {gate.metric} names a slice that no example is in: "
            f"{did_you_mean(name, report['slices'])} (slices come from the task's `slices`)"
        )
    found: dict[str, Any] = report["slices"][name]
    return found


def _check_classes(gate: Gate, names: list[str], table: dict[str, Any]) -> None:
    if not table:
        raise BadInputError(f"The gate on {gate.metric} asks for classes; this task has none.")
    for name in names:
        find_class(gate, name, table)
    empty = [name for name in names if not table[name]["support"]]
    if empty:
        raise BadInputError(
            f"The gate on {gate.metric} cannot be judged: there are no examples of "
            f"{', '.join(repr(name) for name in empty)} in the evaluated split. Add examples of "
            "them, or take the gate off these classes."
        )


def find_class(gate: Gate, name: str, table: dict[str, Any]) -> dict[str, Any]:
    """Returns a class's metrics.

    Raises:
      BadInputError: If there is no such class.
    """
    if name not in table:
        raise BadInputError(f"The gate on {gate.metric}: class {did_you_mean(name, table)}")
    found: dict[str, Any] = table[name]
    return found


def find_metric(gate: Gate, metrics: dict[str, Any], report: dict[str, Any]) -> float | None:
    """Returns the value of a gate's metric, None where it is undefined.

    Raises:
      BadInputError: If there is no such metric.
    """
    if gate.metric not in metrics or gate.metric == "support":
        hint = did_you_mean(gate.metric, [name for name in metrics if name != "support"])
        per_class: dict[str, Any] = next(iter(report["per_class"].values()), {})
        if gate.metric in per_class and gate.metric not in metrics:
            hint += " (measured class by class: set each_class=True or class_name)"
        raise BadInputError(f"A gate's metric {hint}")
    value: float | None = metrics[gate.metric]
    return value


def _outcome(
    gate: Gate,
    report: dict[str, Any],
    value: float | None,
    class_name: str | None,
    slice_name: str,
    support: int | None,
) -> Judged:
    what = gate.metric
    what += f" of class '{class_name}'" if class_name is not None else ""
    what += f" in slice '{slice_name}'" if slice_name else ""
    behind = f" (support {support})" if support is not None else ""
    kind, lower, bound, baseline, note = _bound(gate, report, class_name)
    sign, opposite = ("<=", ">") if lower else (">=", "<")
    if bound is None:
        name = f"{what} no worse than before by more than {getattr(gate, 'by', 0.0):g}"
        passed, message = True, f"{what}: no baseline. {report.get('baseline_reason', '')}".strip()
        value = None
    else:
        name = f"{what} {sign} {bound:g}"
        passed = value is not None and (
            value <= bound + _SLACK if lower else value >= bound - _SLACK
        )
        if value is None:
            message = f"{what} is undefined on these examples; it must be {sign} {bound:g}"
        else:
            left, right = _apart(value, bound)
            message = f"{what} {left} {sign if passed else opposite} {right}{note}{behind}"
    return Judged(
        name=name,
        kind=kind,
        metric=gate.metric,
        class_name=class_name,
        slice=slice_name or None,
        bound=bound,
        value=value,
        baseline=baseline,
        passed=passed,
        support=support,
        message=message,
    )


def _bound(
    gate: Gate, report: dict[str, Any], class_name: str | None
) -> tuple[str, bool, float | None, float | None, str]:
    """Returns kind, whether lower is better, bound, baseline's value, and a note for people."""
    if isinstance(gate, AtLeast):
        return "at_least", False, gate.bound, None, ""
    if isinstance(gate, AtMost):
        return "at_most", True, gate.bound, None, ""
    assert isinstance(gate, NoWorse)
    before = report["baseline"]
    table = (
        (before["per_class"].get(class_name, {}) if class_name else before["metrics"])
        if (before)
        else {}
    )
    baseline = table.get(gate.metric)
    if baseline is None:
        return "no_worse", gate.lower_is_better, None, None, ""
    bound = baseline + gate.by if gate.lower_is_better else baseline - gate.by
    note = f", the last blessed model's {_short(baseline)}"
    note += f" {'+' if gate.lower_is_better else '-'} {gate.by:g}" if gate.by else ""
    return "no_worse", gate.lower_is_better, bound, baseline, note


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 0.1 or not value else f"{value:.2g}"


def _apart(a: float, b: float) -> tuple[str, str]:
    """Returns both numbers with as few decimals, two at least, as tell the truth."""
    for decimals in range(2, 9):
        left, right = f"{a:.{decimals}f}", f"{b:.{decimals}f}"
        exact = abs(float(right) - b) <= 5e-5 * max(1.0, abs(b))
        if exact and (left != right or abs(a - b) <= _SLACK):
            return left, right
    return repr(a), repr(b)
