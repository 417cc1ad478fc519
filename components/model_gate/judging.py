"""Applies a task's gates to Evaluator's report."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from components.model_gate.chance import judge_chance
from components.model_gate.comparing import judge_no_worse
from components.model_gate.gate_outcome import (
    FAILED,
    NOT_COMPARED,
    PASSED,
    SLACK,
    Judged,
    counted,
    format_apart,
)
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.task.gates import AtLeast, AtMost, BetterThanChance, Gate, NoWorse


@dataclass(frozen=True)
class Verdict:
    """Whether a model is blessed, and every gate's outcome."""

    blessed: bool
    gates: tuple[Judged, ...]
    message: str


def judge(gates: Iterable[Gate], report: dict[str, Any]) -> Verdict:
    """Judges every gate.

    Args:
      gates: The task's gates.
      report: Evaluator's report, see `components/evaluator/report`.

    Returns:
      The verdict; its message is one paragraph, with one sentence for each failed gate.

    Raises:
      BadInputError: If a gate names a metric, class or slice that does not exist, or a class
        without examples.
    """
    judged = tuple(outcome for gate in gates for outcome in _judge(gate, report))
    failed = [outcome.message for outcome in judged if outcome.status == FAILED]
    if failed:
        message = "; ".join(f"not blessed: {outcome}" for outcome in failed) + "."
    elif judged:
        message = f"Blessed: {counted(outcome.plain() for outcome in judged)}."
        if any(outcome.status == NOT_COMPARED for outcome in judged):
            message += f" {report.get('baseline_reason', '')}".rstrip()
    else:
        message = "Blessed: the task sets no gates."
    return Verdict(not failed, judged, message)


def _judge(gate: Gate, report: dict[str, Any]) -> Iterator[Judged]:
    if isinstance(gate, BetterThanChance):
        yield judge_chance(gate, report)
    elif isinstance(gate, NoWorse):
        _check_no_worse(gate, report)
        yield from judge_no_worse(gate, report)
    else:
        yield from _judge_bound(gate, report)


def _check_no_worse(gate: NoWorse, report: dict[str, Any]) -> None:
    if gate.each_class:
        _check_there_are_classes(gate, report["per_class"])
        for row in report["per_class"].values():
            find_metric(gate, row, report)
    else:
        find_metric(gate, report["metrics"], report)


def _judge_bound(gate: AtLeast | AtMost, report: dict[str, Any]) -> Iterator[Judged]:
    where = _within_slice(report, gate)
    if not (gate.each_class or gate.class_name):
        count = where["metrics"].get("example_count")
        support = int(count) if gate.slice and count is not None else None
        yield _outcome(gate, find_metric(gate, where["metrics"], report), None, support)
        return
    table = where["per_class"]
    names = [gate.class_name] if gate.class_name else list(table)
    _check_classes(gate, names, table)
    for name in names:
        value = find_metric(gate, table[name], report)
        yield _outcome(gate, value, name, table[name]["support"])


def _within_slice(report: dict[str, Any], gate: AtLeast | AtMost) -> dict[str, Any]:
    if not gate.slice:
        return report
    if gate.slice not in report["slices"]:
        raise BadInputError(
            f"The gate on {gate.metric} names a slice without examples. The slice "
            f"{did_you_mean(gate.slice, report['slices'])} (slices are set by the task's "
            "`slices`)"
        )
    within: dict[str, Any] = report["slices"][gate.slice]
    return within


def _check_there_are_classes(gate: Gate, table: dict[str, Any]) -> None:
    if not table:
        raise BadInputError(f"The gate on {_metric(gate)} names classes, but this task has none.")


def _check_classes(gate: Gate, names: list[str], table: dict[str, Any]) -> None:
    _check_there_are_classes(gate, table)
    for name in names:
        find_class(gate, name, table)
    empty = [name for name in names if not table[name]["support"]]
    if empty:
        raise BadInputError(
            f"The gate on {_metric(gate)} cannot be judged: there are no examples of "
            f"{', '.join(repr(name) for name in empty)} in the evaluated split. Add examples of "
            "them, or remove the gate from these classes."
        )


def _metric(gate: Gate) -> str:
    return getattr(gate, "metric", "chance")


def find_class(gate: Gate, name: str, table: dict[str, Any]) -> dict[str, Any]:
    """Returns a class's metrics.

    Raises:
      BadInputError: If there is no such class.
    """
    if name not in table:
        raise BadInputError(f"The gate on {_metric(gate)}: class {did_you_mean(name, table)}")
    row: dict[str, Any] = table[name]
    return row


def find_metric(gate: Gate, metrics: dict[str, Any], report: dict[str, Any]) -> float | None:
    """Returns the value of a gate's metric, None where it is undefined.

    Raises:
      BadInputError: If there is no such metric.
    """
    metric = _metric(gate)
    if metric not in metrics or metric == "support":
        hint = did_you_mean(metric, [name for name in metrics if name != "support"])
        per_class: dict[str, Any] = next(iter(report["per_class"].values()), {})
        if metric in per_class and metric not in metrics:
            hint += " (this metric is measured for each class: set each_class=True or class_name)"
        raise BadInputError(f"A gate's metric {hint}")
    value: float | None = metrics[metric]
    return value


def _outcome(
    gate: AtLeast | AtMost, value: float | None, class_name: str | None, support: int | None
) -> Judged:
    what = gate.metric
    what += f" of class '{class_name}'" if class_name is not None else ""
    what += f" in slice '{gate.slice}'" if gate.slice else ""
    behind = f" (support {support})" if support is not None else ""
    lower = isinstance(gate, AtMost)
    sign, opposite = ("<=", ">") if lower else (">=", "<")
    passed = value is not None and (
        value <= gate.bound + SLACK if lower else value >= gate.bound - SLACK
    )
    if value is None:
        message = f"{what} is undefined on these examples; it must be {sign} {gate.bound:g}"
    else:
        left, right = format_apart(value, gate.bound)
        message = f"{what} {left} {sign if passed else opposite} {right}{behind}"
    return Judged(
        name=f"{what} {sign} {gate.bound:g}",
        kind="at_most" if lower else "at_least",
        metric=gate.metric,
        class_name=class_name,
        slice=gate.slice or None,
        bound=gate.bound,
        value=value,
        status=PASSED if passed else FAILED,
        support=support,
        message=message,
    )
