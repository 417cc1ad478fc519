"""Looks up what metrics mean, whatever kind of problem they belong to."""

from collections.abc import Iterable, Mapping

from trainer_modules.engine.problems import KINDS
from trainer_modules.engine.problems.measures import COUNT, FRACTION, Measure, Shown

_OF_ALL_KINDS = {"example_count": COUNT, "support": COUNT}


def measure(metric: str) -> Measure:
    """Returns a metric's meaning; one that no kind describes is a fraction, better if higher.

    Args:
      metric: Its name, of an evaluation, or of a training with or without `val_`.
    """
    name = metric.removeprefix("val_")
    if name in _OF_ALL_KINDS:
        return _OF_ALL_KINDS[name]
    return next((kind.measures[name] for kind in KINDS if name in kind.measures), FRACTION)


def lower_is_better(metric: str) -> bool:
    """Says whether a smaller value of `metric` is the better one; the training's loss is one."""
    return metric.removeprefix("val_") == "loss" or measure(metric).error


def headline(metrics: Iterable[str]) -> list[str]:
    """Returns the metrics that people see first, most important first."""
    return _in_order((kind.shown.headline for kind in KINDS), metrics)


def of_slices(metrics: Iterable[str]) -> list[str]:
    """Returns the metrics that are compared between slices, most important first."""
    return _in_order((kind.shown.of_slices for kind in KINDS), metrics)


def of_class(row: Mapping[str, object]) -> Shown:
    """Returns how a class is shown.

    Args:
      row: The class's metrics by name.

    Raises:
      ValueError: If no kind of problem has such metrics.
    """
    metrics = set(row) - set(_OF_ALL_KINDS)
    for kind in KINDS:
        if metrics and metrics <= set(kind.shown.of_class):
            return kind.shown
    raise ValueError(f"metrics of a class must be those of one kind. Received: {sorted(metrics)}")


def _in_order(orders: Iterable[tuple[str, ...]], present: Iterable[str]) -> list[str]:
    """Returns those names that are present, of the kind whose first one is."""
    names = set(present)
    order = next((order for order in orders if order[0] in names), ())
    return [name for name in order if name in names]
