"""Measures of one example with a set of labels: its loss, and the ranking of its labels."""

import numpy as np
from scipy.stats import rankdata


def binary_cross_entropy(p: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Returns the mean loss of each example's decisions, float64 `[examples]`.

    As scikit-learn's `log_loss`, probabilities are clipped to the epsilon of their own type.
    """
    eps = np.finfo(p.dtype).eps
    of_truth = np.clip(np.where(truth, p, 1 - p), eps, 1 - eps)
    return np.asarray(-np.log(of_truth, dtype=np.float64).mean(axis=1))


def ranking_precision(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Returns scikit-learn's label ranking average precision of each example.

    For each label of the example: of the classes with a score as high as its own or higher, the
    fraction that are labels too; then the mean. 1 for the empty set and for the set of all classes.

    Args:
      scores: Float `[examples, classes]`.
      truth: Bool of the same shape.

    Returns:
      float64 `[examples]`.
    """
    labels = truth.sum(axis=1)
    ranks = rankdata(-scores, "max", axis=1)
    # Classes outside the set come after all labels.
    among = rankdata(np.where(truth, -scores, np.inf), "max", axis=1)
    mean = np.where(truth, among / ranks, 0.0).sum(axis=1) / np.maximum(labels, 1)
    return np.where((labels == 0) | (labels == truth.shape[1]), 1.0, mean)
