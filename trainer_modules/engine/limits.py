"""Bounds of numbers in a task: what cannot be trained with is refused when it is written down."""

import math
from typing import Any


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
      name: What people call it.
      value: The number.
      above: It must be greater.
      least: It must be as great.
      below: It must be smaller.
      most: It must be as small.
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
