"""Outcomes of a classifier: true and predicted class of each example, and three probabilities."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer_modules.engine.problems.class_measures import divide, rank_of_truth
from trainer_modules.engine.problems.outcomes import Outcomes, mean

CALIBRATION_BINS = 15


def columns(
    classes: tuple[str, ...], labels: list[str], predictions: list[dict[str, Any]]
) -> dict[str, np.ndarray]:
    """Returns what is stored of each example.

    Args:
      classes: Class names in the order of the model's outputs.
      labels: True class names; the model may not know some of them.
      predictions: Served predictions; `probabilities` is float32 `[classes]`.

    Returns:
      `truth` and `predicted` (names), `confidence` (the predicted class's probability), `of_truth`
      (the true one's; NaN if the model does not know it), `rank` (classes above the true one), and,
      of two classes, `second` (the second one's probability).
    """
    index = {name: i for i, name in enumerate(classes)}
    p = np.array([np.asarray(entry["probabilities"]).ravel() for entry in predictions], np.float32)
    p = p.reshape(len(labels), len(classes))
    truth = np.array([index.get(label, -1) for label in labels], np.int64)
    rows, predicted = np.arange(len(labels)), np.argmax(p, axis=1)
    of_truth = np.where(truth >= 0, p[rows, truth], np.float32(np.nan))
    known = {
        "truth": np.array(labels, object),
        "predicted": np.array(classes, object)[predicted],
        "confidence": p[rows, predicted],
        "of_truth": of_truth,
        "rank": rank_of_truth(p, of_truth, truth).astype(np.int32),
    }
    return known | ({"second": p[:, 1]} if len(classes) == 2 else {})


@dataclass(frozen=True, kw_only=True)
class ClassOutcomes(Outcomes):
    """A classifier's outcomes.

    Attributes:
      truth: Index of the true class, int `[examples]`; -1 for one that is not judged.
      predicted: Index of the predicted class; -1 for one that is not judged.
      confidence: The predicted class's probability, float32.
      of_truth: The true class's probability, float32.
      rank: Number of classes that rank above the true one.
      second: Of two classes, the second one's probability.
    """

    truth: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    of_truth: np.ndarray
    rank: np.ndarray
    second: np.ndarray

    @staticmethod
    def read(stored: dict[str, np.ndarray], classes: tuple[str, ...]) -> "ClassOutcomes":
        """Returns the outcomes in stored columns, judged on `classes`."""
        index = {name: i for i, name in enumerate(classes)}
        truth, predicted = (
            np.array([index.get(label, -1) for label in stored[name]], np.int64)
            for name in ("truth", "predicted")
        )
        numbers = {name: stored[name] for name in ("confidence", "of_truth", "rank")}
        second = stored.get("second", np.zeros(len(truth), np.float32))
        return ClassOutcomes(
            classes=classes, truth=truth, predicted=predicted, second=second, **numbers
        )

    @property
    def counted(self) -> np.ndarray:
        """Examples of the classes that are judged."""
        return np.asarray(self.truth >= 0)

    def fraction(
        self, metric: str, class_name: str | None = None
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns right answers, among all examples, those of a class or those predicted as it."""
        right = self.truth == self.predicted
        if class_name is not None:
            of = {"recall": self.truth, "precision": self.predicted}.get(metric)
            return None if of is None else (right, of == self.classes.index(class_name))
        if metric == "top_5_accuracy":
            return self.rank < 5, self.counted
        return (right, self.counted) if metric in ("accuracy", "weighted_recall") else None

    def overall(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Returns the metric, see `Outcomes`."""
        held = self.fraction(metric)
        if held is not None:
            return mean(held[0], weights)
        if metric == "log_loss":
            # As `log_loss`: probabilities are clipped to the epsilon of their own type.
            eps = np.finfo(self.of_truth.dtype).eps
            return mean(-np.log(np.clip(self.of_truth, eps, 1 - eps), dtype=np.float64), weights)
        if metric == "expected_calibration_error":
            return self._calibration_error(weights)
        if metric == "auc":
            return self._area_under_curve(weights)
        average, _, name = metric.partition("_")
        values, support = self.of_classes(name, weights), self._sums(self.truth, weights)
        if average == "macro":
            return np.asarray(values.mean(axis=0))
        return np.asarray((values * divide(support, support.sum(axis=0))).sum(axis=0))

    def of_classes(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Returns `precision`, `recall` or `f1` of every class."""
        hits = self._sums(np.where(self.truth == self.predicted, self.truth, -1), weights)
        support, predicted = (self._sums(at, weights) for at in (self.truth, self.predicted))
        if metric == "f1":
            return divide(2 * hits, support + predicted)
        return divide(hits, {"recall": support, "precision": predicted}[metric])

    def _sums(self, at: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Returns the weight of the examples at each class, `[classes, resamples]`."""
        return np.stack([weights[:, at == i].sum(axis=1) for i in range(len(self.classes))])

    def _calibration_error(self, weights: np.ndarray) -> np.ndarray:
        confidence = self.confidence.astype(np.float64)
        at = np.clip(np.ceil(confidence * CALIBRATION_BINS) - 1, 0, CALIBRATION_BINS - 1)
        gap = (self.truth == self.predicted) - confidence
        total = weights.sum(axis=1)
        gaps = sum(np.abs(weights[:, at == i] @ gap[at == i]) for i in range(CALIBRATION_BINS))
        return np.where(total > 0, divide(gaps, total), np.nan)

    def _area_under_curve(self, weights: np.ndarray) -> np.ndarray:
        """Returns the chance that a positive scores higher than a negative, ties counted half."""
        order = np.argsort(self.second, kind="stable")
        positive, w = self.truth[order] == 1, weights[:, order]
        ends = np.flatnonzero(np.diff(self.second[order], append=np.inf))
        positives, negatives = (
            np.diff(np.cumsum(w * chosen, axis=1)[:, ends], axis=1, prepend=0.0)
            for chosen in (positive, ~positive)
        )
        pairs = positives.sum(axis=1) * negatives.sum(axis=1)
        below = np.cumsum(negatives, axis=1) - negatives
        won = (positives * (below + negatives / 2)).sum(axis=1)
        return np.where(pairs > 0, divide(won, pairs), np.nan)
