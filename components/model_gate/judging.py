"""Applies a task's gates to Evaluator's report."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from components.evaluator.outcomes import OutcomeTable
from components.model_gate import comparing, confident
from components.model_gate.chance import judge_chance
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


# Reads the outcomes of the evaluated examples, which only gates with a confidence need.
Outcomes = Callable[[], OutcomeTable | None]


def judge(
    gates: Iterable[Gate], report: dict[str, Any], outcomes: Outcomes = lambda: None
) -> Verdict:
    """Judges every gate.

    Args:
      gates: The task's gates.
      report: Evaluator's report, see `components/evaluator/report`.
      outcomes: Reads its `components/evaluator/outcomes`; called at most once.

    Returns:
      The verdict; its message is one paragraph, with one sentence for each failed gate.

    Raises:
      BadInputError: If a gate names a metric, class or slice that does not exist, or a class
        without examples.
    """
    read = cache(outcomes)
    judged = tuple(outcome for gate in gates for outcome in _judge(gate, report, read))
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


def _judge(gate: Gate, report: dict[str, Any], outcomes: Outcomes) -> Iterator[Judged]:
    if isinstance(gate, BetterThanChance):
        yield judge_chance(gate, report)
    elif isinstance(gate, NoWorse):
        _check_no_worse(gate, report)
        yield from _judge_no_worse(gate, report, outcomes)
    else:
        for slice_name in _slices(gate, report):
            yield from _judge_bound(gate, report, slice_name, outcomes)


def _judge_no_worse(gate: NoWorse, report: dict[str, Any], outcomes: Outcomes) -> Iterator[Judged]:
    listed = [
        side for name in _slices(gate, report) for side in comparing.sides(gate, report, name)
    ]
    pairs = [side for side in listed if isinstance(side, comparing.Side)]
    judged = {}
    if pairs and gate.confidence is not None:
        table = confident.table_of(gate, outcomes())
        judged = confident.judge_no_worse(gate, pairs, report, table)
    for side in listed:
        if isinstance(side, Judged):
            yield side
        else:
            yield judged[side] if side in judged else comparing.compared(gate, side)


def _check_no_worse(gate: NoWorse, report: dict[str, Any]) -> None:
    if gate.each_class:
        _check_there_are_classes(gate, report["per_class"])
        for row in report["per_class"].values():
            find_metric(gate, row, report)
    else:
        find_metric(gate, report["metrics"], report)


def _judge_bound(
    gate: AtLeast | AtMost, report: dict[str, Any], slice_name: str, outcomes: Outcomes
) -> Iterator[Judged]:
    where = report["slices"][slice_name] if slice_name else report
    if not (gate.each_class or gate.class_name):
        count = where["metrics"].get("example_count")
        support = int(count) if slice_name and count is not None else None
        value = find_metric(gate, where["metrics"], report)
        yield _outcome(gate, value, None, slice_name, support, outcomes)
        return
    table = where["per_class"]
    names = [gate.class_name] if gate.class_name else list(table)
    _check_classes(gate, names, table)
    for name in names:
        value = find_metric(gate, table[name], report)
        yield _outcome(gate, value, name, slice_name, table[name]["support"], outcomes)


def _slices(gate: AtLeast | AtMost | NoWorse, report: dict[str, Any]) -> list[str]:
    """Returns the slices that a gate judges; `[""]` for all examples.

    Raises:
      BadInputError: If the evaluation has none of them.
    """
    if not gate.slice or gate.slice in report["slices"]:
        return [gate.slice]
    of_feature = [name for name in report["slices"] if name.split("=", 1)[0] == gate.slice]
    if not of_feature:
        raise BadInputError(
            f"The gate on {gate.metric} names a slice without examples. The slice "
            f"{did_you_mean(gate.slice, report['slices'])} (slices are set by the task's "
            "`slices`)"
        )
    return of_feature


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
    gate: AtLeast | AtMost,
    value: float | None,
    class_name: str | None,
    slice_name: str,
    support: int | None,
    outcomes: Outcomes,
) -> Judged:
    what = gate.metric
    what += f" of class '{class_name}'" if class_name is not None else ""
    what += f" in slice '{slice_name}'" if slice_name else ""
    if gate.confidence is not None:
        table = confident.table_of(gate, outcomes())
        return confident.judge_bound(
            gate,
            what,
            value,
            table.alone().taken(table.within(slice_name)),
            class_name=class_name,
            slice_name=slice_name,
            support=support,
        )
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
        slice=slice_name or None,
        bound=gate.bound,
        value=value,
        status=PASSED if passed else FAILED,
        support=support,
        message=message,
    )
