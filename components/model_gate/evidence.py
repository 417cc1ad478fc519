"""What the examples show about one value, or about the change of one value, and how surely."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.stats import norm

from components.model_gate import fractions, resampling
from trainer_modules.engine.problems import vocabulary
from trainer_modules.engine.problems.outcomes import Outcomes
from trainer_modules.engine.task.gates import AtLeast, AtMost, NoWorse

# A resampled bound needs this many examples.
FEWEST = 20


@dataclass(frozen=True)
class Evidence:
    """Evidence on one value.

    Attributes:
      n: Examples behind it.
      p_value: Probability of it, or of a more extreme one, if what is to be shown is not so.
      interval: Level → both ends, each with an error of at most that level, in the metric's unit.
      detectable: Level → the smallest loss (of a bound: the value from which a model keeps it) that
        is found with a probability of `fractions.POWER`; None if none is.
    """

    n: int
    p_value: float
    interval: Callable[[float], tuple[float, float] | None]
    detectable: Callable[[float], float | None]


def of_changes(
    gate: NoWorse, now: Outcomes, before: Outcomes, class_names: list[str | None], alpha: float
) -> list[Evidence]:
    """Returns the evidence that a metric has become worse by more than the gate's tolerance.

    Args:
      gate: The gate.
      now: The candidate's outcomes.
      before: The baseline's, on the same examples.
      class_names: The classes to judge; None for the overall metric.
      alpha: The level of the gate, before a correction.
    """
    paired = [_of_pair(gate, now, before, name) for name in class_names]
    left = [i for i, evidence in enumerate(paired) if evidence is None]
    if left:
        changes = _resampled(gate, now, before, [class_names[i] for i in left], alpha)
        for i, evidence in zip(left, changes, strict=True):
            paired[i] = evidence
    return [evidence for evidence in paired if evidence is not None]


def _of_pair(
    gate: NoWorse, now: Outcomes, before: Outcomes, class_name: str | None
) -> Evidence | None:
    """Returns the evidence if the metric is a fraction of the same examples for both models."""
    held = [model.fraction(gate.metric, class_name) for model in (now, before)]
    if held[0] is None or held[1] is None or not np.array_equal(held[0][1], held[1][1]):
        return None
    (right, among), (was_right, _) = held[0], held[1]
    of = int(among.sum())
    if not of:
        return None
    gained, lost = int((right & ~was_right & among).sum()), int((~right & was_right & among).sum())
    if gate.lower_is_better:
        gained, lost = lost, gained

    def interval(level: float) -> tuple[float, float]:
        low, high = fractions.paired_interval(gained, lost, of, level)
        return (-high, -low) if gate.lower_is_better else (low, high)

    return Evidence(
        n=of,
        p_value=fractions.paired_p_value(gained, lost, of, gate.tolerance),
        interval=interval,
        detectable=lambda level: fractions.paired_detectable(
            gained + lost, of, gate.tolerance, level
        ),
    )


def _rows(metric: str, class_names: list[str | None]) -> resampling.Values:
    """Returns what computes a metric under weights, one row for each class (None: overall)."""

    def values(model: Outcomes, weights: np.ndarray) -> np.ndarray:
        if class_names == [None]:
            return model.overall(metric, weights)[None]
        at = [model.classes.index(str(name)) for name in class_names]
        return np.asarray(model.of_classes(metric, weights)[at])

    return values


def _resampled(
    gate: NoWorse, now: Outcomes, before: Outcomes, class_names: list[str | None], alpha: float
) -> list[Evidence]:
    """Returns the evidence on metrics that are no fractions of the same examples."""
    size = len(now)
    if size < 2:
        return [_nothing(size) for _ in class_names]
    sign = -1.0 if gate.lower_is_better else 1.0
    count = resampling.resamples(alpha, len(class_names))
    new, old = resampling.bootstrapped(_rows(gate.metric, class_names), [now, before], count)
    result = []
    for name, changes in zip(class_names, new - old, strict=True):
        # What is undefined in a resample is no loss.
        lost = int((sign * changes < -gate.tolerance - 1e-12).sum())
        p_value = (1 + count - lost) / (count + 1)
        if p_value <= alpha:
            gained = partial(_gained, sign, gate.metric, name)
            p_value = max(p_value, resampling.exchanged_p_value(gained, now, before, count))
        detectable = partial(_beyond, start=gate.tolerance, values=changes, sign=1.0)
        result.append(Evidence(size, p_value, partial(_percentiles, changes), detectable))
    return result


def _gained(
    sign: float, metric: str, class_name: str | None, model: Outcomes, weights: np.ndarray
) -> np.ndarray:
    """Returns one metric, negated where lower is better."""
    return np.asarray(sign * _rows(metric, [class_name])(model, weights)[0])


def _percentiles(values: np.ndarray, level: float) -> tuple[float, float] | None:
    if np.isnan(values).all():
        return None
    low, high = np.nanquantile(values, [level, 1 - level])
    return float(low), float(high)


def _beyond(level: float, *, start: float, values: np.ndarray, sign: float) -> float | None:
    """Returns how far from `start` a normal estimate is told from it at `level` with that power.

    The deviation is that of the resampled values: (z(level) + z(1 - power)) times it.
    """
    spread = 0.0 if np.isnan(values).all() else float(np.nanstd(values))
    distance = float(norm.isf(level) + norm.isf(1 - fractions.POWER)) * spread
    return start + sign * distance if spread else None


def _nothing(size: int) -> Evidence:
    return Evidence(size, 1.0, lambda _: None, lambda _: None)


def of_bound(
    gate: AtLeast | AtMost, outcomes: Outcomes, class_name: str | None, alpha: float
) -> Evidence:
    """Returns the evidence that a metric keeps the gate's bound; without enough examples, none.

    Args:
      gate: The gate.
      outcomes: The candidate's outcomes.
      class_name: The class to judge; None for the overall metric.
      alpha: The level of the gate.
    """
    lower = isinstance(gate, AtMost)
    held = outcomes.fraction(gate.metric, class_name)
    if held is None:
        return _of_resampled_bound(gate, outcomes, class_name, alpha)
    right, among = held
    of, hits = int(among.sum()), int((right & among).sum())
    if not of:
        return _nothing(0)
    return Evidence(
        n=of,
        p_value=fractions.one_p_value(hits, of, gate.bound, lower=lower),
        interval=lambda level: fractions.one_interval(hits, of, level),
        detectable=lambda level: fractions.one_detectable(of, gate.bound, level, lower=lower),
    )


def _of_resampled_bound(
    gate: AtLeast | AtMost, outcomes: Outcomes, class_name: str | None, alpha: float
) -> Evidence:
    size, lower = len(outcomes), isinstance(gate, AtMost)
    if size < FEWEST:
        return _nothing(size)
    count = resampling.resamples(alpha, 1)
    (rows,) = resampling.bootstrapped(_rows(gate.metric, [class_name]), [outcomes], count)
    values = rows[0]
    kept = values <= gate.bound if lower else values >= gate.bound
    p_value = (1 + int((~kept).sum())) / (count + 1)
    meaning = vocabulary.measure(gate.metric)
    bounded = meaning.low == 0.0 and meaning.high == 1.0
    if bounded:
        # Resamples repeat what was seen. If a fraction of all examples is of another kind, n of
        # them miss it with this probability ("rule of three": Hanley and Lippman-Hand, "If nothing
        # goes wrong, is everything all right?", 1983).
        p_value = max(p_value, ((1 - gate.bound) if lower else gate.bound) ** size)

    def interval(level: float) -> tuple[float, float] | None:
        ends = _percentiles(values, level)
        if ends is None or not bounded:
            return ends
        unseen = 1 - level ** (1 / size)
        return min(ends[0], 1 - unseen), max(ends[1], unseen)

    detectable = partial(_beyond, start=gate.bound, values=values, sign=-1.0 if lower else 1.0)
    return Evidence(size, p_value, interval, detectable)
