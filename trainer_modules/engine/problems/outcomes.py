"""What a model did with each example, and what any weighting of the examples makes of it.

A tally keeps sums; an uncertainty needs the examples. Evaluator stores a few numbers of each
(`Tally.columns`), and a kind's outcomes compute its metrics from them under any weights: whole
numbers are a resample, 0 and 1 a choice. Under equal weights the values are the tally's.
"""

import abc
import dataclasses
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

# Metrics that weights cannot be applied to: counts, and thresholds fitted to halves of the data.
WITHOUT_OUTCOMES = ("example_count", "support", "cross_fitted_f1", "cross_fitted_macro_f1")


@dataclass(frozen=True, kw_only=True)
class Outcomes(abc.ABC):
    """One model's outcomes; every array's first axis is the examples.

    Attributes:
      classes: Names of the classes that are judged; () if there are none.
    """

    classes: tuple[str, ...] = ()

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the fields that hold something for each example, by name."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}

    def __len__(self) -> int:
        return len(next(iter(self.arrays().values())))

    def taken(self, rows: Any) -> Self:
        """Returns the outcomes of some examples; `rows` is any index of NumPy's."""
        chosen: dict[str, Any] = {name: value[rows] for name, value in self.arrays().items()}
        return dataclasses.replace(self, **chosen)

    def followed_by(self, other: Self) -> Self:
        """Returns these outcomes, then another model's on the same examples."""
        theirs = other.arrays()
        joined: dict[str, Any] = {
            name: np.concatenate([value, theirs[name]]) for name, value in self.arrays().items()
        }
        return dataclasses.replace(self, **joined)

    @property
    def counted(self) -> np.ndarray:
        """Which examples count, bool `[examples]`: all, unless only some classes are judged."""
        return np.ones(len(self), bool)

    @property
    def width(self) -> int:
        """Numbers that `overall` handles for each example and resample; bounds its memory."""
        return 1

    def fraction(
        self, metric: str, class_name: str | None = None
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns a metric as the fraction of some examples for which something holds.

        Returns:
          Whether it holds, and whether the example belongs to these, bool `[examples]` each; None
          if the metric is no such fraction.
        """
        del metric, class_name
        return None

    @abc.abstractmethod
    def overall(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Returns an overall metric, float64 `[resamples]`; NaN where it is undefined.

        Args:
          metric: Its name, none of `WITHOUT_OUTCOMES`.
          weights: Float64 `[resamples, examples]`, 0 or more.
        """

    def of_classes(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Returns a metric of every class, float64 `[classes, resamples]`; as `overall`."""
        del weights
        raise ValueError(f"{metric} must be an overall metric: there are no classes")


def mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns weighted means of `values` `[examples]`, float64 `[resamples]`; NaN of nothing."""
    total = weights.sum(axis=1)
    sums = weights @ np.asarray(values, np.float64)
    return np.divide(sums, total, out=np.full(len(weights), np.nan), where=total > 0)
