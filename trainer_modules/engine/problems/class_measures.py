"""Measures of single predictions among several classes, and quotients without a denominator."""

from typing import Any

import numpy as np


def rank_of_truth(p: np.ndarray, of_truth: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Returns how many classes rank above the true one; ties rank as in scikit-learn.

    Args:
      p: Probabilities `[examples, classes]`.
      of_truth: The true class's probability, `[examples]`.
      truth: The true class's index, int `[examples]`.
    """
    later = np.arange(p.shape[1])[None, :] > truth[:, None]
    before = (p > of_truth[:, None]) | ((p == of_truth[:, None]) & later)
    return np.asarray(before.sum(axis=1))


def divide(a: Any, b: Any) -> np.ndarray:
    """Returns `a / b`, and 0 where `b` is 0."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b > 0)
