"""Metrics of a classifier, class by class, in one pass and with constant memory.

One confusion matrix holds precision, recall and F1 of every class; the rest are a few sums.
Definitions are scikit-learn's (`classification_report`, `log_loss`, `roc_auc_score`,
`top_k_accuracy_score`), with 0 where a quotient has no denominator.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainer_modules.engine.problems import class_outcomes
from trainer_modules.engine.problems.chance import against_constant
from trainer_modules.engine.problems.class_measures import divide, rank_of_truth
from trainer_modules.engine.problems.class_outcomes import CALIBRATION_BINS, ClassOutcomes
from trainer_modules.engine.problems.kept_examples import SAMPLED, WORST, Kept, random_rank

PAIRS = 30
# Number of examples kept of each confused pair while counting, and in total at the end, the most
# confused pairs first.
KEPT_OF_PAIR, KEPT_OF_PAIRS = 4, 160
# Scores are counted exactly up to this many distinct values, then on a grid of 2^-20.
_DISTINCT_SCORES = 1 << 20


@dataclass
class ClassTally:
    """Running totals of a classifier's predictions; add, merge, then read.

    Attributes:
      classes: Class names in the order of the model's outputs.
      only: Classes whose examples count, to compare models that know different ones; () for all.
        Metrics that depend on the number of classes (log loss, calibration, top 5) are then left
        out.
    """

    classes: tuple[str, ...]
    only: tuple[str, ...] = ()
    confusion: np.ndarray = field(init=False)
    bins: np.ndarray = field(init=False)
    log_loss_sum: float = 0.0
    top_5: int = 0
    scores: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    unknown: dict[str, str] = field(default_factory=dict)
    most_wrong: Kept = field(default_factory=lambda: Kept(WORST))
    right: Kept = field(default_factory=lambda: Kept(SAMPLED))
    wrong: Kept = field(default_factory=lambda: Kept(SAMPLED))
    of_pair: dict[tuple[int, int], Kept] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.classes)
        self.confusion = np.zeros((count, count), np.int64)
        self.bins = np.zeros((CALIBRATION_BINS, 3))
        self.index = {name: i for i, name in enumerate(self.classes)}

    def add(self, labels: list[str], predictions: list[dict[str, Any]], ids: list[str]) -> None:
        """Counts a batch.

        Args:
          labels: True class names.
          predictions: Served predictions; `probabilities` is float32 `[classes]`.
          ids: Names of the examples.
        """
        if self.only:
            kept = [i for i, label in enumerate(labels) if label in self.only]
            labels, ids = [labels[i] for i in kept], [ids[i] for i in kept]
            predictions = [predictions[i] for i in kept]
        truth = np.array([self.index.get(label, -1) for label in labels])
        for i in np.flatnonzero(truth < 0):
            self.unknown.setdefault(labels[i], ids[i])
        known = np.flatnonzero(truth >= 0)
        if not len(known):
            return
        p = np.stack([np.asarray(predictions[i]["probabilities"]).ravel() for i in known])
        truth, names = truth[known], [ids[i] for i in known]
        rows = np.arange(len(truth))
        predicted = np.argmax(p, axis=1)
        confidence = p[rows, predicted].astype(np.float64)
        of_truth = p[rows, truth]
        right = predicted == truth

        np.add.at(self.confusion, (truth, predicted), 1)
        # scikit-learn clips to the epsilon of the probabilities' own type.
        eps = np.finfo(p.dtype).eps
        self.log_loss_sum -= float(np.log(np.clip(of_truth, eps, 1 - eps), dtype=np.float64).sum())
        self.top_5 += int((rank_of_truth(p, of_truth, truth) < 5).sum())
        at = np.clip(np.ceil(confidence * CALIBRATION_BINS) - 1, 0, CALIBRATION_BINS - 1)
        at = np.nan_to_num(at).astype(int)
        np.add.at(self.bins, at, np.stack([np.ones(len(at)), confidence, right], axis=1))
        if len(self.classes) == 2:
            second = p[:, 1].astype(np.float64)
            self._add_scores(np.stack([second, truth == 1, truth == 0], axis=1))
        self._keep(truth, predicted, confidence, names)

    def _keep(
        self, truth: np.ndarray, predicted: np.ndarray, confidence: np.ndarray, ids: list[str]
    ) -> None:
        def example(i: Any) -> dict[str, Any]:
            return {
                "id": ids[i],
                "true": self.classes[truth[i]],
                "predicted": self.classes[predicted[i]],
                "probability": float(confidence[i]),
            }

        right = truth == predicted
        draws = np.array([random_rank(name) for name in ids], np.uint64)
        for kept, chosen in ((self.right, right), (self.wrong, ~right)):
            if kept.full_from is not None:
                chosen = chosen & (draws <= np.uint64(kept.full_from))
            kept.offer(((int(draws[i]), ids[i]), example(i)) for i in np.flatnonzero(chosen))
        wrong = [((-float(confidence[i]), ids[i]), example(i), i) for i in np.flatnonzero(~right)]
        self.most_wrong.offer((rank, kept_example) for rank, kept_example, _ in wrong)
        for rank, kept_example, i in wrong:
            self._of(int(truth[i]), int(predicted[i])).offer([(rank, kept_example)])

    def _of(self, true: int, predicted: int) -> Kept:
        return self.of_pair.setdefault((true, predicted), Kept(KEPT_OF_PAIR))

    def _add_scores(self, rows: np.ndarray) -> None:
        """Adds (score, positives, negatives) rows, one row for each distinct score."""
        rows = np.concatenate([self.scores, rows])
        distinct, where = np.unique(rows[:, 0], return_inverse=True)
        if len(distinct) > _DISTINCT_SCORES:
            grid = np.round(rows[:, 0] * _DISTINCT_SCORES) / _DISTINCT_SCORES
            distinct, where = np.unique(grid, return_inverse=True)
        counts = [np.bincount(where, rows[:, k], len(distinct)) for k in (1, 2)]
        self.scores = np.stack([distinct, *counts], axis=1)

    def merge(self, other: "ClassTally") -> None:
        """Adds the totals of another part of the data."""
        self.confusion += other.confusion
        self.bins += other.bins
        self.log_loss_sum += other.log_loss_sum
        self.top_5 += other.top_5
        if len(other.scores):
            self._add_scores(other.scores)
        self.unknown = {**other.unknown, **self.unknown}
        self.most_wrong.offer(other.most_wrong.entries)
        self.right.offer(other.right.entries)
        self.wrong.offer(other.wrong.entries)
        for pair, kept in other.of_pair.items():
            self._of(*pair).offer(kept.entries)

    def per_class(self) -> dict[str, dict[str, float]]:
        """Returns `precision`, `recall`, `f1` and `support` of every class by name."""
        table = self._table()
        return {
            name: {
                "precision": float(table[0, i]),
                "recall": float(table[1, i]),
                "f1": float(table[2, i]),
                "support": int(table[3, i]),
            }
            for i, name in enumerate(self.classes)
            if not self.only or name in self.only
        }

    def _table(self) -> np.ndarray:
        right = np.diag(self.confusion).astype(float)
        support, predicted = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        f1 = divide(2 * right, support + predicted)
        return np.stack([divide(right, predicted), divide(right, support), f1, support])

    def metrics(self) -> dict[str, float]:
        """Returns the overall metrics by name; NaN if it is undefined on these examples."""
        table, count = self._table(), int(self.confusion.sum())
        fraction = divide(table[3], np.array(count))
        values = {"accuracy": float(divide(np.trace(self.confusion), np.array(count)))}
        judged = [i for i, name in enumerate(self.classes) if not self.only or name in self.only]
        if len(self.classes) > 5 and not self.only:
            values["top_5_accuracy"] = float(divide(np.array(self.top_5), np.array(count)))
        for i, name in enumerate(("precision", "recall", "f1")):
            values[f"macro_{name}"] = float(table[i][judged].mean())
            values[f"weighted_{name}"] = float((table[i] * fraction).sum())
        if self.only:
            return values | {"example_count": float(count)}
        values["log_loss"] = self.log_loss_sum / count if count else float("nan")
        if len(self.classes) == 2:
            values["auc"] = _area_under_curve(self.scores)
        gaps = np.abs(self.bins[:, 2] - self.bins[:, 1]).sum()
        values["expected_calibration_error"] = float(gaps / count) if count else float("nan")
        values["example_count"] = float(count)
        return values

    def details(self) -> dict[str, Any]:
        """Returns what a report needs beyond the metrics; see docs/evaluation.md."""
        cells = np.argwhere(self.confusion)
        return {
            "kind": "classification",
            "classes": list(self.classes),
            "per_class": self.per_class(),
            "confusion": [[int(t), int(p), int(self.confusion[t, p])] for t, p in cells],
            "confused_pairs": self._confused_pairs(),
            "calibration": [
                {
                    "from": i / CALIBRATION_BINS,
                    "to": (i + 1) / CALIBRATION_BINS,
                    "count": int(count),
                    "confidence": confidence / count if count else None,
                    "accuracy": right / count if count else None,
                }
                for i, (count, confidence, right) in enumerate(self.bins.tolist())
            ],
            "most_wrong": self.most_wrong.examples(),
            "right": self.right.examples(),
            "wrong": self.wrong.examples(),
            "of_pairs": self._examples_of_pairs(),
            "unknown_labels": dict(sorted(self.unknown.items())),
            "chance": self._chance(),
        }

    def columns(
        self, labels: list[str], predictions: list[dict[str, Any]]
    ) -> dict[str, np.ndarray]:
        """Returns what is stored of each example, see `class_outcomes`."""
        return class_outcomes.columns(self.classes, labels, predictions)

    def outcomes(self, columns: dict[str, np.ndarray]) -> ClassOutcomes:
        """Returns stored columns as outcomes; `predicted` may be a class that is not judged."""
        return ClassOutcomes.read(columns, self.only or self.classes)

    def _chance(self) -> dict[str, Any]:
        """Returns how often the model is right, compared with the commonest class as its answer."""
        support, count = self.confusion.sum(axis=1), int(self.confusion.sum())
        commonest = int(np.argmax(support))
        # With all examples in the model's classes this is never below 1 / classes.
        fraction = float(divide(support[commonest], count))
        return against_constant(
            metric="accuracy",
            floor=fraction,
            constant=f"always answering '{self.classes[commonest]}'",
            wins=int(np.trace(self.confusion)),
            of=count,
            odds=fraction,
            wins_are="right",
            unit="examples",
            classes=len(self.classes),
            of_metric=True,
        )

    def _examples_of_pairs(self) -> list[dict[str, Any]]:
        by_count = sorted(self.of_pair, key=lambda pair: (-self.confusion[pair], pair))
        examples = [example for pair in by_count for example in self.of_pair[pair].examples()]
        return examples[:KEPT_OF_PAIRS]

    def _confused_pairs(self) -> list[dict[str, Any]]:
        support = self.confusion.sum(axis=1)
        off = self.confusion * (1 - np.eye(len(self.classes), dtype=np.int64))
        worst = np.argsort(-off, axis=None, kind="stable")[:PAIRS]
        pairs = [np.unravel_index(flat, off.shape) for flat in worst]
        return [
            {
                "true": self.classes[t],
                "predicted": self.classes[p],
                "count": int(off[t, p]),
                "fraction": float(off[t, p] / support[t]),
            }
            for t, p in pairs
            if off[t, p]
        ]


def _area_under_curve(scores: np.ndarray) -> float:
    """Returns the chance that a positive scores higher than a negative, ties counted half."""
    positives, negatives = scores[:, 1], scores[:, 2]
    pairs = positives.sum() * negatives.sum()
    if not pairs:
        return float("nan")
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / pairs)
