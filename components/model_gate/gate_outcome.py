"""The outcome of each gate and the counts of outcomes, in one form for every reader."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PASSED, FAILED, NOT_COMPARED = "passed", "failed", "not_compared"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The outcome of one gate on one value.

    Attributes:
      name: The gate's requirement, as text: `recall of class 'roses' >= 0.8`.
      kind: `at_least`, `at_most`, `no_worse` or `better_than_chance`.
      metric: Name of the metric.
      class_name: The class it was judged on; None for an overall metric.
      slice: The slice it was judged in; None for all examples.
      bound: The bound that the value was compared with; None if it was not compared.
      value: Evaluator's value; None if it is undefined or was not compared.
      baseline: The last blessed model's value; None for other kinds.
      status: `passed`, `failed`, or `not_compared`, which does not affect the blessing.
      support: Examples (of the class, in the slice) behind the value; None for all examples.
      message: One sentence with the numbers.
      interval: For a gate with a confidence, both ends of the value, or of its change from the
        baseline's (`no_worse`), each at that confidence; None for other gates.
      n: Examples that the interval rests on.
      p_value: Probability of what was measured if what the gate is to show is not so: a bound that
        is kept, or a loss beyond the tolerance; corrected if the gate judges several values.
      detectable: The smallest loss (`no_worse`), or for a bound the value, that the gate tells
        apart with a probability of 80 % at this number of examples; None if nothing is.
    """

    name: str
    kind: str
    metric: str
    class_name: str | None = None
    slice: str | None = None
    bound: float | None = None
    value: float | None = None
    baseline: float | None = None
    status: str
    support: int | None = None
    message: str
    interval: tuple[float, float] | None = None
    n: int | None = None
    p_value: float | None = None
    detectable: float | None = None

    @property
    def passed(self) -> bool | None:
        """True or False; None if the gate was not compared."""
        return {PASSED: True, FAILED: False}.get(self.status)

    def plain(self) -> dict[str, Any]:
        """Returns the fields and `passed` as JSON has them, `class_name` as `class`."""
        fields = {("class" if k == "class_name" else k): v for k, v in vars(self).items()}
        return fields | {"passed": self.passed}


def status_of(gate: Mapping[str, Any]) -> str:
    """Returns the status of a gate in plain form, including one written by an older version."""
    if "status" in gate:
        return str(gate["status"])
    if gate.get("kind") == "no_worse" and gate.get("bound") is None:
        return NOT_COMPARED
    return PASSED if gate["passed"] else FAILED


def with_status(gates: Iterable[Mapping[str, Any]], status: str) -> list[dict[str, Any]]:
    """Returns the gates in plain form that have a status."""
    return [dict(gate) for gate in gates if status_of(gate) == status]


def refused(gates: Iterable[Mapping[str, Any]]) -> bool:
    """Says whether a gate failed."""
    return any(status_of(gate) == FAILED for gate in gates)


def gates_in_words(count: int) -> str:
    """Returns `1 gate`, `3 gates`."""
    return f"{count} gate{'' if count == 1 else 's'}"


def counted(gates: Iterable[Mapping[str, Any]]) -> str:
    """Returns `8 of 11 gates passed, 3 not compared`, without the parts that are zero."""
    every = [status_of(gate) for gate in gates]
    if not every:
        return "no gates"
    passed, failed, left = (every.count(s) for s in (PASSED, FAILED, NOT_COMPARED))
    parts = [f"{passed} of {gates_in_words(len(every))} passed"]
    parts += [f"{failed} failed"] if failed and left else []
    parts += [f"{left} not compared"] if left else []
    return ", ".join(parts)


# Keeps 0.9 - 0.02 <= 0.88 true in floating point.
SLACK = 1e-9


def short(value: float) -> str:
    """Returns a number with two decimals, or two digits where it is small."""
    return f"{value:.2f}" if abs(value) >= 0.1 or not value else f"{value:.2g}"


def precise(value: float) -> str:
    """Returns a number with three decimals, or three digits where it is small or large."""
    return f"{value:.3f}" if 0.01 <= abs(value) < 10 else f"{value:.3g}"


def format_apart(a: float, b: float) -> tuple[str, str]:
    """Returns both numbers with the fewest decimals, at least two, that keep their order."""
    for decimals in range(2, 9):
        left, right = f"{a:.{decimals}f}", f"{b:.{decimals}f}"
        exact = abs(float(right) - b) <= 5e-5 * max(1.0, abs(b))
        if exact and (left != right or abs(a - b) <= SLACK):
            return left, right
    return repr(a), repr(b)
