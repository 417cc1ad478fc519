"""Gates with a confidence: judged on the outcomes of single examples, not on values alone.

`NoWorse` refuses only what is shown: a loss beyond the tolerance. Over its classes and slices
Holm's correction applies, since each of them could refuse a model that is no worse.

`AtLeast` and `AtMost` pass only what is shown: that the bound is kept. Every class and slice must
show it at the full confidence, and then no correction is needed: a model that breaks one of the
bounds passes with a probability of at most 1 - confidence, however many others there are
("intersection-union test": Berger, "Multiparameter Hypothesis Testing and Acceptance Sampling",
Technometrics 24, 1982).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.evaluator.outcomes import OutcomeTable
from components.model_gate import evidence, fractions, holm
from components.model_gate.comparing import Side, gate_name
from components.model_gate.evidence import Evidence
from components.model_gate.gate_outcome import FAILED, PASSED, Judged, format_apart, precise
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems.outcomes import Outcomes
from trainer_modules.engine.task.gates import AtLeast, AtMost, Gate, NoWorse


def table_of(gate: Gate, table: OutcomeTable | None) -> OutcomeTable:
    """Returns the outcomes.

    Raises:
      BadInputError: If the evaluation has none.
    """
    if table is None:
        raise BadInputError(
            f"The gate {type(gate).__name__} has a confidence, but this evaluation was made by an "
            "earlier version that kept no outcomes of single examples. Evaluate the model again."
        )
    return table


def judge_no_worse(
    gate: NoWorse, sides: Sequence[Side], report: Mapping[str, Any], table: OutcomeTable
) -> dict[Side, Judged]:
    """Judges every side that can be compared.

    Args:
      gate: A gate with a confidence.
      sides: What is compared: classes, slices, or everything.
      report: Evaluator's report.
      table: The outcomes of its examples.
    """
    alpha = 1 - _confidence(gate)
    shown: dict[Side, Evidence] = {}
    for name in dict.fromkeys(side.slice for side in sides):
        alike = [side for side in sides if side.slice == name]
        pair = _pair(report, table, name)
        found = evidence.of_changes(gate, *pair, [side.class_name for side in alike], alpha)
        shown |= dict(zip(alike, found, strict=True))
    p_values = [one.p_value for one in shown.values()]
    corrected, levels = holm.adjusted(p_values), holm.levels(p_values, alpha)
    return {
        side: _change(gate, side, shown[side], p_value, level, len(shown))
        for side, p_value, level in zip(shown, corrected, levels, strict=True)
    }


def _pair(
    report: Mapping[str, Any], table: OutcomeTable, slice_name: str
) -> tuple[Outcomes, Outcomes]:
    """Returns both models' outcomes on the examples that they are compared on."""
    shared = report.get("shared")
    now, before = table.paired(tuple(shared["classes"]) if shared else ())
    rows = np.flatnonzero(now.counted & before.counted & table.within(slice_name))
    return now.taken(rows), before.taken(rows)


def _confidence(gate: AtLeast | AtMost | NoWorse) -> float:
    if gate.confidence is None:
        raise ValueError("gate must have a confidence. Received: None")
    return gate.confidence


def _change(
    gate: NoWorse, side: Side, shown: Evidence, p_value: float, level: float, tests: int
) -> Judged:
    value, baseline = side.now[gate.metric], side.before[gate.metric]
    lower, alpha = gate.lower_is_better, 1 - _confidence(gate)
    failed = value is None or p_value <= alpha
    interval = shown.interval(level)
    if interval is not None:
        # The second of both tests can only keep a model, which widens what is possible.
        edge = gate.tolerance if lower else -gate.tolerance
        low, high = interval
        if lower:
            interval = (max(low, edge) if failed else min(low, edge), high)
        else:
            interval = (low, min(high, edge) if failed else max(high, edge))
    detectable = shown.detectable(level)
    if value is None:
        message = f"{side.what} is undefined on these examples, the last blessed model's is not"
    else:
        message = _of_change(
            gate, side, shown.n, interval, p_value, detectable, failed=failed, tests=tests
        )
    return Judged(
        name=gate_name(gate, side.what),
        kind="no_worse",
        metric=gate.metric,
        class_name=side.class_name,
        slice=side.slice or None,
        bound=baseline + gate.tolerance if lower else baseline - gate.tolerance,
        value=value,
        baseline=baseline,
        status=FAILED if failed else PASSED,
        support=side.support,
        message=message,
        interval=interval,
        n=shown.n,
        p_value=p_value,
        detectable=detectable,
    )


def _of_change(
    gate: NoWorse,
    side: Side,
    n: int,
    interval: tuple[float, float] | None,
    p_value: float,
    detectable: float | None,
    *,
    failed: bool,
    tests: int,
) -> str:
    value, baseline = side.now[gate.metric], side.before[gate.metric]
    left, right = format_apart(value, baseline)
    ends = f" [{interval[0]:+.3g}, {interval[1]:+.3g}]" if interval else ""
    corrected = f" corrected for {tests} comparisons" if tests > 1 else ""
    beyond = f"a loss of more than {gate.tolerance:g}" if gate.tolerance else "a loss"
    return (
        f"{side.what} {left}, the last blessed model's {right}: change {value - baseline:+.3g}"
        f"{ends} on {_examples(n)}; {beyond} is {'' if failed else 'not '}shown at confidence "
        f"{gate.confidence:g} (p = {p_value:.2g}{corrected}); "
        + (
            f"a loss of {precise(detectable)} would be found with a probability of "
            f"{fractions.POWER:.0%}"
            if detectable is not None
            else "this number of examples shows no loss"
        )
    )


def _examples(n: int) -> str:
    return f"{n:,} example{'' if n == 1 else 's'}"


def judge_bound(
    gate: AtLeast | AtMost,
    what: str,
    value: float | None,
    outcomes: Outcomes,
    *,
    class_name: str | None,
    slice_name: str,
    support: int | None,
) -> Judged:
    """Judges a bound that must be shown to be kept.

    Args:
      gate: A gate with a confidence.
      what: What is judged, as text.
      value: Evaluator's value; None if it is undefined.
      outcomes: The candidate's outcomes, in the slice.
      class_name: The class that is judged; None for the overall metric.
      slice_name: The slice; "" for all examples.
      support: As in `Judged`.
    """
    confidence = _confidence(gate)
    alpha, lower = 1 - confidence, isinstance(gate, AtMost)
    sign = "<=" if lower else ">="
    shown = evidence.of_bound(gate, outcomes, class_name, alpha)
    passed = value is not None and shown.p_value <= alpha
    interval, detectable = shown.interval(alpha), shown.detectable(alpha)
    if interval is not None:
        low, high = interval
        if lower:
            interval = (low, min(high, gate.bound) if passed else max(high, gate.bound))
        else:
            interval = (max(low, gate.bound) if passed else min(low, gate.bound), high)
    if value is None:
        message = f"{what} is undefined on these examples; it must be {sign} {gate.bound:g}"
    elif interval is None:
        message = (
            f"{what} {precise(value)} on {_examples(shown.n)} is no evidence for {sign} "
            f"{gate.bound:g}: at least {evidence.FEWEST} examples are needed"
        )
    else:
        message = (
            f"{what} {precise(value)} [{precise(interval[0])}, {precise(interval[1])}] on "
            f"{_examples(shown.n)} is {'' if passed else 'not '}shown to be {sign} {gate.bound:g} "
            f"at confidence {confidence:g} (p = {shown.p_value:.2g}); "
            + (
                f"a model with {precise(detectable)} passes with a probability of "
                f"{fractions.POWER:.0%}"
                if detectable is not None
                else "this number of examples cannot show it"
            )
        )
    return Judged(
        name=f"{what} {sign} {gate.bound:g} with confidence {confidence:g}",
        kind="at_most" if lower else "at_least",
        metric=gate.metric,
        class_name=class_name,
        slice=slice_name or None,
        bound=gate.bound,
        value=value,
        status=PASSED if passed else FAILED,
        support=support,
        message=message,
        interval=interval,
        n=shown.n,
        p_value=shown.p_value,
        detectable=detectable,
    )
