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
      floor: What the constant answer reaches in it.
      constant: The constant answer in words, after "better than".
      wins: Examples that the model wins.
      of: Examples that can be won.
      odds: Probability that a model that knows nothing wins one, in [0, 1].
      wins_are: What a win is, in words, after a number.
      unit: What the examples are, in words.
      classes: Classes to tell apart; 0 where there are none.
      of_metric: Whether the metric is the share of wins.
    """
    return dict(locals())
