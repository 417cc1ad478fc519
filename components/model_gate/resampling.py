"""Uncertainty of metrics that are no fractions of examples: F1, losses, IoU, R² and the like.

The examples are resampled, both models on the same ones: the paired bootstrap with percentiles
(Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 16; for pairs of
models Koehn, "Statistical Significance Tests for Machine Translation Evaluation", 2004). With few
examples it is too sure of itself. Therefore a loss must also be shown by the permutation test that
exchanges the models' answers to each example at random (Yeh, "More accurate tests for the
statistical significance of result differences", 2000), which is exact if the models are equally
good. Both are SciPy's, with a fixed seed, and in parts that bound the memory.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import bootstrap, permutation_test

from trainer_modules.engine.problems.outcomes import Outcomes

# What a metric is asked for: weights of the examples → its values.
Values = Callable[[Outcomes, np.ndarray], np.ndarray]

_FEWEST_RESAMPLES = 1_999
_SEED = 0
# Weights that are held at once.
_NUMBERS = 4_000_000


def resamples(alpha: float, tests: int) -> int:
    """Returns how many resamples show a probability of `alpha` / `tests`, four times over."""
    return max(_FEWEST_RESAMPLES, math.ceil(4 * tests / alpha) - 1)


def bootstrapped(values: Values, models: list[Outcomes], count: int) -> np.ndarray:
    """Returns what the resamples give each model, float64 `[models, …, count]`.

    Args:
      values: Gives `[…, resamples]` for weights `[resamples, examples]`.
      models: Outcomes on the same examples, at least two of them.
      count: Number of resamples.
    """
    size = len(models[0])

    def statistic(rows: np.ndarray, axis: int = -1) -> np.ndarray:
        del axis
        weights = _counted(rows.reshape(-1, size))
        return np.stack([values(model, weights) for model in models])

    result = bootstrap(
        (np.arange(size),),
        statistic,
        n_resamples=count,
        batch=_batch(models[0]),
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    return np.asarray(result.bootstrap_distribution)


def exchanged_p_value(values: Values, now: Outcomes, before: Outcomes, count: int) -> float:
    """Returns the probability of a difference `now` - `before` this low if both are alike.

    Args:
      values: Gives `[resamples]`, NaN where it is undefined, which counts as this low.
      now: One model's outcomes.
      before: The other's, on the same examples.
      count: Number of random exchanges; with fewer possible ones, all of them.
    """
    both, size = now.followed_by(before), len(now)

    def statistic(own: np.ndarray, other: np.ndarray, axis: int = -1) -> np.ndarray:
        del axis
        own, other = (part.reshape(-1, size) for part in (own, other))
        difference = values(both, np.concatenate([own, other], axis=1))
        difference = difference - values(both, np.concatenate([other, own], axis=1))
        return np.nan_to_num(difference, nan=-np.inf)

    tested = permutation_test(
        (np.ones(size), np.zeros(size)),
        statistic,
        permutation_type="samples",
        alternative="less",
        n_resamples=count,
        batch=_batch(both),
        vectorized=True,
        rng=np.random.default_rng(_SEED),
    )
    return float(np.ravel(tested.pvalue)[0])


def _batch(outcomes: Outcomes) -> int:
    return max(1, _NUMBERS // (len(outcomes) * outcomes.width))


def _counted(rows: np.ndarray) -> np.ndarray:
    """Returns how often each of n examples was drawn, float64 `[resamples, n]`.

    Args:
      rows: Indices of the examples drawn, int `[resamples, n]`.
    """
    number, size = rows.shape
    places = rows + size * np.arange(number)[:, None]
    return np.bincount(places.ravel(), minlength=number * size).reshape(rows.shape).astype(float)
