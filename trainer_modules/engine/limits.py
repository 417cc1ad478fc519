"""Bounds of a task's numbers: invalid values are rejected when the task is created."""

import math
from collections.abc import Sequence
from typing import Any


def check_choice(name: str, value: str, valid: tuple[str, ...]) -> None:
    """Raises ValueError unless `value` is one of `valid`; `name` names it in the message."""
    if value not in valid:
        raise ValueError(f"{name} must be one of {', '.join(valid)}. Received: {value!r}")


def check_distinct(name: str, values: Sequence[str]) -> None:
    """Raises ValueError unless `values` are several names, each of them once."""
    if isinstance(values, str):
        raise ValueError(
            f"{name} must be a tuple of str. Received: {values!r}. Write a tuple with one "
            "element as (…,), with the comma"
        )
    repeated = sorted({value for value in values if list(values).count(value) > 1})
    if repeated:
        raise ValueError(
            f"{name} must be distinct. Received twice: {', '.join(map(str, repeated))}"
        )


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
) -> None:
    """Raises ValueError unless `value` is None or a finite number within the bounds.

    Args:
      name: Its name in the message.
      value: The number.
      above: Exclusive lower bound.
      least: Inclusive lower bound.
      below: Exclusive upper bound.
      most: Inclusive upper bound.
    """
    if value is None:
        return
    bounds = [
        words
        for bound, words in (
            (above, f"above {above}"),
            (least, f"at least {least}"),
            (below, f"below {below}"),
            (most, f"at most {most}"),
        )
        if bound is not None
    ]
    wanted = " and ".join(bounds) or "finite"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number {wanted}. Received: {value!r}")
    if not (
        math.isfinite(value)
        and (above is None or value > above)
        and (least is None or value >= least)
        and (below is None or value < below)
        and (most is None or value <= most)
    ):
        raise ValueError(f"{name} must be {wanted}. Received: {value!r}")
