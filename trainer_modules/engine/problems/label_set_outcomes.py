"""Outcomes of a model of label sets: true set, predicted set and probabilities of each image."""

from dataclasses import dataclass

import numpy as np

from trainer_modules.engine.problems.class_measures import divide
from trainer_modules.engine.problems.outcomes import Outcomes, mean
from trainer_modules.engine.problems.set_measures import binary_cross_entropy, ranking_precision


@dataclass(frozen=True, kw_only=True)
class LabelSetOutcomes(Outcomes):
    """Outcomes of a model of label sets.

    Attributes:
      truth: The true sets, bool `[examples, classes]`.
      chosen: The predicted sets, bool of the same shape.
      probabilities: Float32 of the same shape.
    """

    truth: np.ndarray
    chosen: np.ndarray
    probabilities: np.ndarray

    @property
    def width(self) -> int:
        """Numbers for each example: one for each class."""
        return max(1, len(self.classes))

    def fraction(
        self, metric: str, class_name: str | None = None
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns exact sets, or a class's right answers among the true or the predicted."""
        if class_name is None:
            exact = (self.truth == self.chosen).all(axis=1)
            return (exact, self.counted) if metric == "exact_match" else None
        at = self.classes.index(class_name)
        truth, chosen = self.truth[:, at], self.chosen[:, at]
        of = {"recall": truth, "precision": chosen}.get(metric)
        return None if of is None else (truth & chosen, of)

    def overall(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Returns the metric, see `Outcomes`."""
        each = self._of_examples(metric)
        if each is not None:
            return mean(each, weights)
        if metric == "mean_average_precision":
            return np.asarray(self.of_classes("average_precision", weights).mean(axis=0))
        if metric == "micro_average_precision":
            spread = np.repeat(weights, len(self.classes), axis=1)
            return _average_precision(self.probabilities.ravel(), self.truth.ravel(), spread)
        average, _, name = metric.partition("_")
        hits, support, predicted = self._sums(weights)
        if average == "macro":
            return np.asarray(_quotient(name, hits, support, predicted).mean(axis=0))
        return _quotient(name, hits.sum(axis=0), support.sum(axis=0), predicted.sum(axis=0))

    def of_classes(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Returns `precision`, `recall`, `f1` or `average_precision` of every class."""
        if metric != "average_precision":
            return _quotient(metric, *self._sums(weights))
        return np.stack(
            [
                _average_precision(self.probabilities[:, i], self.truth[:, i], weights)
                for i in range(len(self.classes))
            ]
        )

    def _of_examples(self, metric: str) -> np.ndarray | None:
        if metric == "exact_match":
            return np.asarray((self.truth == self.chosen).all(axis=1))
        if metric == "hamming_loss":
            return np.asarray((self.truth != self.chosen).mean(axis=1))
        if metric == "log_loss":
            return binary_cross_entropy(self.probabilities, self.truth)
        if metric == "label_ranking_average_precision":
            return ranking_precision(self.probabilities, self.truth)
        return None

    def _sums(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns hits, support and predicted, `[classes, resamples]` each."""
        hits, support, predicted = (
            (weights @ sets.astype(np.float64)).T
            for sets in (self.truth & self.chosen, self.truth, self.chosen)
        )
        return hits, support, predicted


def _quotient(
    name: str, hits: np.ndarray, support: np.ndarray, predicted: np.ndarray
) -> np.ndarray:
    if name == "f1":
        return divide(2 * hits, support + predicted)
    return divide(hits, {"recall": support, "precision": predicted}[name])


def _average_precision(scores: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns `average_precision_score`, float64 `[resamples]`; 0 without positives."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(-scores[order], append=np.inf))
    w = weights[:, order]
    right, predicted = (np.cumsum(part, axis=1)[:, ends] for part in (w * truth[order], w))
    gained = np.diff(right, axis=1, prepend=0.0)
    precision = divide(right, predicted)
    return divide((gained * precision).sum(axis=1), right[:, -1])
