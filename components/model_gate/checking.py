"""Checks gates before anything runs: a misspelt metric should not cost a training."""

from typing import Any

from components.model_gate.judging import find_class, find_metric
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.problems.outcomes import WITHOUT_OUTCOMES
from trainer_modules.engine.task.gates import BetterThanChance
from trainer_modules.engine.task.task import Task


def check_gates(task: Task) -> None:
    """Checks that every gate of `task` names a metric, class and slice that can exist.

    Raises:
      BadInputError: If one does not; the nearest name is given.
    """
    if task.problem.takes_classes:
        # The classes come from the data, which has not been read yet.
        return
    report = _form_of_report(task.problem)
    for gate in task.gates:
        if isinstance(gate, BetterThanChance):
            continue
        class_name = getattr(gate, "class_name", "")
        table = report["metrics"]
        if gate.each_class or class_name:
            rows = report["per_class"]
            if not rows:
                raise BadInputError(
                    f"The gate on {gate.metric} names classes, but this task has none."
                )
            table = find_class(gate, class_name or next(iter(rows)), rows)
        find_metric(gate, table, report)
        if gate.confidence is not None and gate.metric in WITHOUT_OUTCOMES:
            raise BadInputError(
                f"The gate on {gate.metric} has a confidence, but the uncertainty of "
                f"{gate.metric} is not known: set confidence=None."
            )
        feature = getattr(gate, "slice", "").split("=", 1)[0]
        if feature and feature not in task.slices:
            raise BadInputError(
                f"The gate on {gate.metric} judges the slice '{gate.slice}', "  # type: ignore[union-attr]
                f"but the task does not slice by '{feature}'. The feature "
                f"{did_you_mean(feature, task.slices)}."
            )


def _form_of_report(problem: Problem) -> dict[str, Any]:
    """Returns the names that a report will hold, from a tally that has counted nothing."""
    tally = problem.tally()
    return {"metrics": tally.metrics(), "per_class": tally.per_class()}
