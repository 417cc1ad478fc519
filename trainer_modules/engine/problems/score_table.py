"""Scores of one class with the truth behind them: average precision, curves and thresholds.

The table counts positive and negative examples at each distinct score, so it can be merged, and
everything read from it is exact until `limit` distinct scores; then scores are counted on a grid.
"""

from dataclasses import dataclass, field

import numpy as np

# Distinct scores that are counted exactly; beyond, scores are rounded to multiples of 1 / LIMIT.
LIMIT = 1 << 17


@dataclass
class ScoreTable:
    """Counts of one class's scores; add, merge, then read.

    Attributes:
      limit: Most distinct scores to hold exactly; also the steps of the grid used afterwards.
    """

    limit: int = LIMIT
    _settled: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    _pending: list[np.ndarray] = field(default_factory=list)

    def add(self, scores: np.ndarray, positive: np.ndarray) -> None:
        """Counts scores float32 `[n]` in 0..1 whose truth is bool `[n]`."""
        self._take(np.stack([np.asarray(scores, np.float64), positive, ~positive], axis=1))

    def merge(self, other: "ScoreTable") -> None:
        """Adds the counts of another part of the data."""
        self._take(other.rows)

    @property
    def rows(self) -> np.ndarray:
        """float64 `[distinct, 3]`: score, positives, negatives; scores ascend."""
        if self._pending:
            self._settled = summed([self._settled, *self._pending])
            self._pending = []
            if len(self._settled) > self.limit:
                self._settled[:, 0] = np.round(self._settled[:, 0] * self.limit) / self.limit
                self._settled = summed([self._settled])
        return self._settled

    def _take(self, rows: np.ndarray) -> None:
        self._pending.append(rows)
        # Sorting again whenever the table may have doubled costs O(n log n) in all.
        if sum(map(len, self._pending)) > max(4096, len(self._settled)):
            _ = self.rows


def summed(tables: list[np.ndarray]) -> np.ndarray:
    """Returns (score, positives, negatives) rows together, one row for each distinct score."""
    rows = np.concatenate(tables)
    distinct, where = np.unique(rows[:, 0], return_inverse=True)
    counts = [np.bincount(where, rows[:, k], len(distinct)) for k in (1, 2)]
    return np.stack([distinct, *counts], axis=1)


def _from_the_top(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns true positives and predicted positives with each row's score as the threshold."""
    right = np.cumsum(rows[::-1, 1])[::-1]
    return right, right + np.cumsum(rows[::-1, 2])[::-1]


def average_precision(rows: np.ndarray) -> float:
    """Returns scikit-learn's `average_precision_score`; 0 without positives.

    The sum over the thresholds of the precision there times the recall that is gained, without
    interpolation.
    """
    support = rows[:, 1].sum()
    if not support:
        return 0.0
    right, predicted = _from_the_top(rows)
    return float((rows[:, 1] / support * right / np.maximum(predicted, 1)).sum())


def curve(rows: np.ndarray, points: int) -> list[list[float]]:
    """Returns at most `points` (recall, precision) pairs, recall ascending; [] without positives.

    Where there are more thresholds, every few of them are left out; the last one always stays.
    """
    support = rows[:, 1].sum()
    if not support:
        return []
    right, predicted = (part[::-1] for part in _from_the_top(rows))
    at = np.unique(np.linspace(0, len(right) - 1, min(points, len(right))).round().astype(int))
    recall, precision = right[at] / support, right[at] / predicted[at]
    return [[float(r), float(p)] for r, p in zip(recall, precision, strict=True)]


def best_threshold(rows: np.ndarray) -> float | None:
    """Returns the threshold with the highest F1 on these examples; None without positives.

    Of equally good ones it is the highest. It lies in the middle between the lowest score that
    passes and the next lower one (or 0), so that rounding does not change what passes.
    """
    support = rows[:, 1].sum()
    if not support:
        return None
    right, predicted = _from_the_top(rows)
    f1 = 2 * right / (predicted + support)
    best = len(f1) - 1 - int(np.argmax(f1[::-1]))
    lowest = np.float32(rows[best, 0])
    below = np.float32(rows[best - 1, 0]) if best else np.float32(0)
    middle = np.float32((lowest + below) / 2)
    return float(middle if middle > below else lowest)
