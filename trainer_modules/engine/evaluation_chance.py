"""How often a model wins against one constant answer to everything."""

from typing import Any


def against_constant(
    *,
    metric: str,
    floor: float,
    constant: str,
    wins: int,
    of: int,
    odds: float,
    wins_are: str,
    unit: str,
    classes: int = 0,
    of_metric: bool = False,
) -> dict[str, Any]:
    """Returns the count in the form of `details["chance"]`.

    Args:
      metric: The metric that people compare.
      floor: The constant answer's value of it.
      constant: The constant answer in words, after "better than".
      wins: Examples that the model wins.
      of: Examples that can be won.
      odds: Probability that a model that has learnt nothing wins one, in [0, 1].
      wins_are: A description of wins, to follow their number.
      unit: A description of the examples.
      classes: Number of classes; 0 if there are none.
      of_metric: Whether the metric is the share of wins.
    """
    return dict(locals())
