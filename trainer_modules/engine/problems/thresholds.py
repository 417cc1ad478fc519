"""Chooses the threshold of each class, from which on its probability counts as its label.

For each class the threshold with the highest F1 on the validation examples; see Lipton, Elkan and
Naryanaswamy, "Optimal Thresholding of Classifiers to Maximize F1 Measure" (2014). Such a threshold
fits the examples that it was chosen on: their own F1 is too good by what `cross_fitted_f1`
measures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer_modules.engine.problems.score_table import ScoreTable, best_threshold

# With fewer examples of a class the best threshold is an accident of these examples.
FEWEST = 10


@dataclass(frozen=True)
class Chosen:
    """A threshold for each class.

    Attributes:
      thresholds: In the order of the classes, float32 values in [0, 1].
      defaulted: Index of each class with too few examples, which got the default → their number.
    """

    thresholds: tuple[float, ...]
    defaulted: dict[int, int]


def choose(probabilities: np.ndarray, truth: np.ndarray, *, default: float = 0.5) -> Chosen:
    """Returns the threshold of each class with the highest F1.

    Args:
      probabilities: float32 `[examples, classes]` of the validation examples.
      truth: Of the same shape, 1 where the example has the label.
      default: The threshold of a class with too few examples.
    """
    thresholds, defaulted = [], {}
    for i in range(probabilities.shape[1]):
        positive = truth[:, i].astype(bool)
        count = int(positive.sum())
        if count < FEWEST:
            defaulted[i] = count
            thresholds.append(default)
            continue
        table = ScoreTable(limit=len(positive))
        table.add(probabilities[:, i], positive)
        best = best_threshold(table.rows)
        assert best is not None
        thresholds.append(best)
    return Chosen(thresholds=tuple(thresholds), defaulted=defaulted)


def cross_fitted_f1(halves: Sequence[np.ndarray]) -> float:
    """Returns F1 of the choice itself: made on one half of the examples, judged on the other.

    Both halves take both parts, and their counts are added before F1 is computed, as for all
    examples at once. `FEWEST` is not applied, since a half has fewer examples.

    Args:
      halves: The rows of two `ScoreTable`s of one class.
    """
    right = total = 0.0
    for rows, others in (halves, halves[::-1]):
        best = best_threshold(others)
        passing = rows[rows[:, 0] >= (0.5 if best is None else best)]
        right += 2 * float(passing[:, 1].sum())
        total += float(passing[:, 1:].sum() + rows[:, 1].sum())
    return right / total if total else 0.0
