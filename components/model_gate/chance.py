"""Tests whether a model is better than one constant answer: an exact test, without a baseline.

Evaluator counts the examples on which the model beats that answer (`details["chance"]`, see
`trainer_modules/engine/problems/chance`). Under the hypothesis that the model has learnt nothing,
the count is binomial, so the test is the exact one-sided binomial test; with even odds this is the
sign test: Conover, "Practical Nonparametric Statistics" (3rd edition, 1999), 3.1 and 3.4.

Numbers are not counted: which of two answers is nearer says little where targets are skewed. For
them Evaluator has made a permutation test, whose probability is judged here.
"""

import math
from typing import Any

from scipy.stats import binom

from components.model_gate.gate_outcome import FAILED, PASSED, Judged, format_apart
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems.chance import SHUFFLES
from trainer_modules.engine.task.gates import BetterThanChance

_MOST = 10_000_000


def judge_chance(gate: BetterThanChance, report: dict[str, Any]) -> Judged:
    """Judges the gate.

    Raises:
      BadInputError: If the evaluation has no such count.
    """
    counted = report.get("details", {}).get("chance")
    if not counted or not counted["of"]:
        raise BadInputError(
            "The gate BetterThanChance cannot be judged: the evaluation contains no counts for it."
        )
    if "p_value" in counted:
        return _judge_shuffles(gate, counted, report["metrics"][counted["metric"]])
    wins, of, odds = counted["wins"], counted["of"], counted["odds"]
    value = report["metrics"][counted["metric"]]
    least = wins_needed(of, odds, gate.confidence)
    fewest = examples_needed(
        1.0, odds, gate.confidence, counted["classes"] * gate.examples_per_class
    )
    passed = of >= fewest and wins >= least and value is not None and value > counted["floor"]
    bound = (least / of if counted["of_metric"] else counted["floor"]) if of >= fewest else None
    return Judged(
        name=f"{counted['metric']} better than chance with confidence {gate.confidence:g}",
        kind="better_than_chance",
        metric=counted["metric"],
        bound=bound,
        value=value,
        status=PASSED if passed else FAILED,
        support=of,
        message=_sentence(gate, counted, value, passed=passed, least=least, fewest=fewest),
    )


def _judge_shuffles(
    gate: BetterThanChance, shuffled: dict[str, Any], value: float | None
) -> Judged:
    of, floor, p_value = shuffled["of"], shuffled["floor"], shuffled["p_value"]
    fewest = orders_needed(gate.confidence)
    if fewest:
        fewest = max(fewest, shuffled.get("classes", 0) * gate.examples_per_class)
    enough = 0 < fewest <= of
    # Probabilities are counted in shuffles: the next double is not a difference.
    unlikely = p_value <= 1 - gate.confidence + 1e-12
    passed = enough and unlikely and value is not None and value > floor
    return Judged(
        name=f"{shuffled['metric']} better than chance with confidence {gate.confidence:g}",
        kind="better_than_chance",
        metric=shuffled["metric"],
        bound=floor if enough else None,
        value=value,
        status=PASSED if passed else FAILED,
        support=of,
        message=_sentence_on_shuffles(gate, shuffled, value, fewest=fewest, passed=passed),
    )


def orders_needed(confidence: float) -> int:
    """Returns the fewest examples whose orders can show `confidence`; 0 if none can.

    Of n examples there are n! orders, and one of them is the best.
    """
    if 1 - confidence + 1e-12 < 1 / (SHUFFLES + 1):
        return 0
    return next(n for n in range(2, 20) if 1 / math.factorial(n) <= 1 - confidence + 1e-12)


def _sentence_on_shuffles(
    gate: BetterThanChance,
    shuffled: dict[str, Any],
    value: float | None,
    *,
    fewest: int,
    passed: bool,
) -> str:
    metric, of, floor, unit = (shuffled[key] for key in ("metric", "of", "floor", "unit"))
    if value is None:
        return f"{metric} is undefined on these {unit}; it must be better than chance"
    reached, bound = format_apart(value, floor)
    begin, against = f"{metric} {reached} on {of:,} {unit}", f"{shuffled['constant']} ({bound})"
    if of < fewest or not fewest:
        return f"{begin} is no evidence against {against}: " + (
            f"at least {fewest:,} test {unit} would be needed"
            if fewest
            else f"the highest confidence that can be shown is {1 - 1 / (SHUFFLES + 1):g}"
        )
    chance = (
        f"predictions that ignore the input are as good with a probability of "
        f"{shuffled['p_value']:.2g}, at most {1 - gate.confidence:.2g} is allowed"
    )
    if passed:
        return f"{begin} is better than {against}: {chance}"
    if value <= floor:
        return f"{begin} is not better than {against}"
    return f"{begin} is not shown to be better than {against}: {chance}"


def wins_needed(of: int, odds: float, confidence: float) -> int:
    """Returns the fewest wins of `of` that have a probability of at most 1 - `confidence`.

    Returns `of` + 1 if even winning all of them is not that improbable.
    """
    # With odds of 1 winning proves nothing; below that, scipy's inverse is exact.
    return of + 1 if odds >= 1 else int(binom.isf(1 - confidence, of, odds)) + 1


def examples_needed(rate: float, odds: float, confidence: float, at_least: int) -> int:
    """Returns about how many examples a fraction `rate` of wins needs; 0 if it never passes.

    This is the smallest number, `at_least` or more, for which that fraction is enough; for a rate
    of 1 every larger number is enough as well.
    """
    if rate <= odds:
        return 0
    many = max(at_least, 1)

    def enough(number: int) -> bool:
        return wins_needed(number, odds, confidence) <= rate * number + 1e-9

    while not enough(many):
        many *= 2
        if many > _MOST:
            return 0
    low = max(at_least, many // 2, 1)
    while low < many:
        middle = (low + many) // 2
        low, many = (low, middle) if enough(middle) else (middle + 1, many)
    return many


def _sentence(
    gate: BetterThanChance,
    counted: dict[str, Any],
    value: float | None,
    *,
    passed: bool,
    least: int,
    fewest: int,
) -> str:
    metric, of, wins, unit = (counted[key] for key in ("metric", "of", "wins", "unit"))
    if value is None:
        return f"{metric} is undefined on these {unit}; it must be better than chance"
    reached, floor = format_apart(value, counted["floor"])
    begin = f"{metric} {reached} on {of:,} {unit}"
    against = f"{counted['constant']} ({floor})"
    if of < fewest or not fewest:
        return f"{begin} is no evidence against {against}: " + (
            f"at least {fewest:,} test {unit} would be needed"
            if fewest
            else "no number of such test examples can distinguish a model from it"
        )
    counts = f"{wins:,} {counted['wins_are']}, {least:,} needed at confidence {gate.confidence:g}"
    if passed:
        return f"{begin} is better than {against}: {counts}"
    at_least = counted["classes"] * gate.examples_per_class
    more = examples_needed(wins / of, counted["odds"], gate.confidence, at_least)
    hint = f"; at this rate about {more:,} test {unit} would be needed" if more > of else ""
    return f"{begin} is not shown to be better than {against}: {counts}{hint}"
