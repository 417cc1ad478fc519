"""Holm's correction: several tests at once, and the level at which each of them was made.

Of m probabilities in ascending order, the k-th (from 0) is compared with alpha / (m - k), and the
first that is larger ends it: no later one is significant. The probability of any false finding
among all of them is then at most alpha, whatever their dependence (Holm, "A Simple Sequentially
Rejective Multiple Test Procedure", 1979).
"""

from collections.abc import Sequence

import numpy as np


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Returns each probability as it compares with alpha itself, in the same order."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    stepwise = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    result = np.empty(len(p))
    result[order] = np.minimum(stepwise, 1.0)
    return [float(value) for value in result]


def levels(p_values: Sequence[float], alpha: float) -> list[float]:
    """Returns the level that decided on each, so that an interval at it tells the same."""
    p = np.asarray(p_values, float)
    found = np.asarray(adjusted(p_values)) <= alpha
    rank = np.empty(len(p), int)
    rank[np.argsort(p, kind="stable")] = np.arange(len(p))
    # What is not found was held against the level at which the procedure ended.
    steps = np.where(found, rank, found.sum())
    return [float(level) for level in alpha / (len(p) - steps)]
