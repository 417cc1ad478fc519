"""What a search may vary, as plain data; a key is what `--set` would take."""

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
