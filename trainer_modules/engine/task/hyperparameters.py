"""The search space, as plain data; keys are those of `--set`."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of `values`.

    Attributes:
      key: The setting that varies, as `--set` names it.
      values: Its possible values.
    """

    key: str
    values: tuple[int | float | str, ...]


@dataclass(frozen=True, kw_only=True)
class Range:
    """A number within `low`..`high`.

    Attributes:
      key: The setting that varies, as `--set` names it.
      low: The smallest value.
      high: The largest value.
      log: Draw uniformly from the logarithm, as for learning rates.
    """

    key: str
    low: float
    high: float
    log: bool = False


Hyperparameter = Choice | Range
