"""The search space, as plain data; keys are those of `--set`."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of `values`."""

    key: str
    values: tuple[int | float | str, ...]


@dataclass(frozen=True, kw_only=True)
class Range:
    """A number within `low`..`high`, uniform in its logarithm where `log`."""

    key: str
    low: float
    high: float
    log: bool = False


Hyperparameter = Choice | Range
