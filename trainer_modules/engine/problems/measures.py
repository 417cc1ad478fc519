"""What the values of a metric mean: its range, and which direction is better.

Each kind of problem describes its own metrics (`Problem.measures`); a name means the same in every
kind, so that reports, gates and callbacks can be read without the problem they belong to.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Measure:
    """The meaning of one metric.

    Attributes:
      low: Lowest value.
      high: Highest value.
      error: Whether a lower value is better.
      neutral: Whether neither direction is better, as with counts.
      of_examples: Whether it is the fraction of all examples of which something holds, so that a
        difference is a number of examples.
    """

    low: float = 0.0
    high: float = 1.0
    error: bool = False
    neutral: bool = False
    of_examples: bool = False


FRACTION = Measure()
FRACTION_OF_EXAMPLES = Measure(of_examples=True)
FRACTION_OF_ERRORS = Measure(error=True)
ERROR = Measure(high=math.inf, error=True)
COUNT = Measure(high=math.inf, neutral=True)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How the report shows one kind of problem.

    Attributes:
      headline: The overall metrics that matter most, most important first.
      of_slices: Those that are compared between slices.
      of_class: A class's metrics, in the order of the table's columns; () without classes.
      score: The one of them that stands for the class.
      counted: What `support` counts.
      sections: Sections of the report that only some kinds have, by their key in
        `components/report/page.py`.
    """

    headline: tuple[str, ...]
    of_slices: tuple[str, ...]
    of_class: tuple[str, ...] = ()
    score: str = ""
    counted: str = "examples"
    sections: tuple[str, ...] = ()
