"""Metrics of a multi-label classifier in one pass: sets of labels, and each label by itself.

Definitions are scikit-learn's (`precision_recall_fscore_support`, `average_precision_score`,
`accuracy_score`, `hamming_loss`, `log_loss`, `label_ranking_average_precision_score`), with 0 where
a quotient has no denominator, and for the average precision of a class without examples.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainer_modules.engine.problems.chance import against_shuffles
from trainer_modules.engine.problems.class_measures import divide
from trainer_modules.engine.problems.kept_examples import SAMPLED, WORST, Kept, random_rank
from trainer_modules.engine.problems.label_set_outcomes import LabelSetOutcomes
from trainer_modules.engine.problems.label_sets import SEPARATOR, split
from trainer_modules.engine.problems.score_table import (
    ScoreTable,
    average_precision,
    curve,
    summed,
)
from trainer_modules.engine.problems.set_measures import binary_cross_entropy, ranking_precision
from trainer_modules.engine.problems.thresholds import cross_fitted_f1

CURVE_POINTS = 60
PAIRS = 200
# The permutation test of `chance` takes at most this many examples, chosen by the hash of their id.
DRAWN = 2_000


@dataclass
class LabelSetTally:
    """Running totals of predicted sets; add, merge, then read.

    Attributes:
      classes: Class names in the order of the model's outputs.
      only: Classes that are judged, to compare models that know different ones; () for all.
      separator: Text between the names in a set.
    """

    classes: tuple[str, ...]
    only: tuple[str, ...] = ()
    separator: str = SEPARATOR
    count: int = 0
    exact: int = 0
    log_loss_sum: float = 0.0
    ranking_sum: float = 0.0
    unknown: dict[str, str] = field(default_factory=dict)
    most_wrong: Kept = field(default_factory=lambda: Kept(WORST))
    right: Kept = field(default_factory=lambda: Kept(SAMPLED))
    wrong: Kept = field(default_factory=lambda: Kept(SAMPLED))
    drawn: Kept = field(default_factory=lambda: Kept(DRAWN))

    def __post_init__(self) -> None:
        judged = [i for i, name in enumerate(self.classes) if not self.only or name in self.only]
        self.judged = np.array(judged, int)
        self.names = tuple(self.classes[i] for i in judged)
        size = len(judged)
        self.hits = np.zeros(size, np.int64)
        self.predicted = np.zeros(size, np.int64)
        self.support = np.zeros(size, np.int64)
        # Pairs of classes in one set, true and predicted.
        self.together = np.zeros((2, size, size), np.int64)
        self.sizes = np.zeros((2, size + 1), np.int64)
        # Two tables for each class, each of the examples of one half.
        self.tables = [[ScoreTable(), ScoreTable()] for _ in judged]

    def add(self, labels: list[str], predictions: list[dict[str, Any]], ids: list[str]) -> None:
        """Counts a batch.

        Args:
          labels: True sets as text, see `label_sets`.
          predictions: Served predictions: `probabilities` and `scores`, float32 `[classes]` each;
            a score above 0 means that the class is in the predicted set.
          ids: Names of the examples.
        """
        if not labels:
            return
        sets = [frozenset(split(text, self.separator)) for text in labels]
        self._note_unknown(sets, ids)
        truth, p, chosen = self._read(sets, predictions)
        draws = np.array([random_rank(name) for name in ids], np.uint64)
        self._count(truth, chosen)
        for half in (0, 1):
            inside = draws % np.uint64(2) == half
            for i, tables in enumerate(self.tables):
                tables[half].add(p[inside, i], truth[inside, i])
        loss = binary_cross_entropy(p, truth)
        self.log_loss_sum += float(loss.sum())
        self.ranking_sum += float(ranking_precision(p, truth).sum())
        self.drawn.offer(
            ((int(draw), name), {"truth": row, "probabilities": answer})
            for draw, name, row, answer in zip(draws, ids, truth, p, strict=True)
        )
        self._keep(truth, chosen, p, loss, ids, draws)

    def _read(
        self, sets: list[frozenset[str]], predictions: list[dict[str, Any]]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns truth, probabilities and predicted sets, `[examples, judged classes]` each."""
        truth = np.array([[name in entry for name in self.names] for entry in sets], bool)
        p, scores = (
            np.array([np.asarray(entry[name]).ravel() for entry in predictions], np.float32)
            for name in ("probabilities", "scores")
        )
        p, scores = (part.reshape(len(sets), len(self.classes)) for part in (p, scores))
        truth = truth.reshape(len(sets), len(self.names))
        return truth, p[:, self.judged], scores[:, self.judged] > 0

    def columns(
        self, labels: list[str], predictions: list[dict[str, Any]]
    ) -> dict[str, np.ndarray]:
        """Returns what is stored of each example; columns of an array are the judged classes."""
        sets = [frozenset(split(text, self.separator)) for text in labels]
        truth, p, chosen = self._read(sets, predictions)
        return {"truth": truth, "chosen": chosen, "probabilities": p}

    def outcomes(self, columns: dict[str, np.ndarray]) -> LabelSetOutcomes:
        """Returns stored columns of all classes as outcomes on `only`, in its order."""
        names = self.only or self.classes
        at = [self.classes.index(name) for name in names]
        arrays = {name: values[:, at] for name, values in columns.items()}
        return LabelSetOutcomes(classes=names, **arrays)

    def _note_unknown(self, sets: list[frozenset[str]], ids: list[str]) -> None:
        # A model that is compared on shared classes may meet a class that it does not know.
        if self.only:
            return
        known = set(self.classes)
        for labels, name in zip(sets, ids, strict=True):
            for label in sorted(labels - known):
                self.unknown.setdefault(label, name)

    def _count(self, truth: np.ndarray, chosen: np.ndarray) -> None:
        self.count += len(truth)
        self.exact += int((truth == chosen).all(axis=1).sum())
        self.hits += (truth & chosen).sum(axis=0)
        self.predicted += chosen.sum(axis=0)
        self.support += truth.sum(axis=0)
        for kind, sets in enumerate((truth, chosen)):
            members = sets.astype(np.int64)
            self.together[kind] += members.T @ members
            np.add.at(self.sizes[kind], members.sum(axis=1), 1)

    def _keep(
        self,
        truth: np.ndarray,
        chosen: np.ndarray,
        p: np.ndarray,
        loss: np.ndarray,
        ids: list[str],
        draws: np.ndarray,
    ) -> None:
        def example(i: Any) -> dict[str, Any]:
            shown = np.flatnonzero(truth[i] | chosen[i])
            return {
                "id": ids[i],
                "true": [self.names[k] for k in np.flatnonzero(truth[i])],
                "predicted": [self.names[k] for k in np.flatnonzero(chosen[i])],
                "labels": self.separator.join(self.names[k] for k in np.flatnonzero(chosen[i])),
                "probabilities": {self.names[k]: float(p[i, k]) for k in shown},
            }

        right = (truth == chosen).all(axis=1)
        for kept, picked in ((self.right, right), (self.wrong, ~right)):
            kept.offer(((int(draws[i]), ids[i]), example(i)) for i in np.flatnonzero(picked))
        wrong = np.flatnonzero(~right)
        self.most_wrong.offer(((-float(loss[i]), ids[i]), example(i)) for i in wrong)

    def merge(self, other: "LabelSetTally") -> None:
        """Adds the totals of another part of the data."""
        for name in ("count", "exact", "log_loss_sum", "ranking_sum"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("hits", "predicted", "support", "together", "sizes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for ours, theirs in zip(self.tables, other.tables, strict=True):
            for half in (0, 1):
                ours[half].merge(theirs[half])
        self.unknown = {**other.unknown, **self.unknown}
        for name in ("most_wrong", "right", "wrong", "drawn"):
            getattr(self, name).offer(getattr(other, name).entries)

    def per_class(self) -> dict[str, dict[str, float]]:
        """Returns the metrics of every judged class by name.

        They are `precision`, `recall`, `f1`, `average_precision`, `cross_fitted_f1` (see
        `thresholds`) and `support`.
        """
        table = self._table()
        return {
            name: {
                "precision": float(table[0, i]),
                "recall": float(table[1, i]),
                "f1": float(table[2, i]),
                "average_precision": average_precision(self._rows(i)),
                "cross_fitted_f1": cross_fitted_f1([t.rows for t in self.tables[i]]),
                "support": int(self.support[i]),
            }
            for i, name in enumerate(self.names)
        }

    def _rows(self, i: int) -> np.ndarray:
        return summed([table.rows for table in self.tables[i]])

    def _table(self) -> np.ndarray:
        f1 = divide(2 * self.hits, self.support + self.predicted)
        return np.stack([divide(self.hits, self.predicted), divide(self.hits, self.support), f1])

    def metrics(self) -> dict[str, float]:
        """Returns the overall metrics by name; NaN if it is undefined on these examples."""
        rows, each = list(self.per_class().values()), self._table()
        together = summed([self._rows(i) for i in range(len(self.names))])
        averages = {"mean_average_precision": _mean(row["average_precision"] for row in rows)}
        averages["micro_average_precision"] = average_precision(together)
        for i, name in enumerate(("precision", "recall", "f1")):
            averages[f"macro_{name}"] = _mean(each[i])
        hits, predicted, support = (
            np.array(part.sum()) for part in (self.hits, self.predicted, self.support)
        )
        averages["micro_precision"] = float(divide(hits, predicted))
        averages["micro_recall"] = float(divide(hits, support))
        averages["micro_f1"] = float(divide(2 * hits, predicted + support))
        averages["cross_fitted_macro_f1"] = _mean(row["cross_fitted_f1"] for row in rows)
        per_example = {
            "exact_match": float(self.exact),
            "hamming_loss": float(predicted + support - 2 * hits) / max(1, len(self.names)),
            "log_loss": self.log_loss_sum,
            "label_ranking_average_precision": self.ranking_sum,
        }
        for name, total in per_example.items():
            averages[name] = total / self.count if self.count else float("nan")
        return {**averages, "example_count": float(self.count)}

    def details(self) -> dict[str, Any]:
        """Returns what a report needs beyond the metrics; see docs/evaluation.md."""
        return {
            "kind": "multilabel",
            "classes": list(self.classes),
            "per_class": self.per_class(),
            "curves": {
                name: curve(self._rows(i), CURVE_POINTS) for i, name in enumerate(self.names)
            },
            "pairs": self._pairs(),
            "set_sizes": {"true": self.sizes[0].tolist(), "predicted": self.sizes[1].tolist()},
            "most_wrong": self.most_wrong.examples(),
            "right": self.right.examples(),
            "wrong": self.wrong.examples(),
            "unknown_labels": dict(sorted(self.unknown.items())),
            "chance": self._chance(),
        }

    def _pairs(self) -> list[dict[str, Any]]:
        """Returns how often two labels occur together, true and predicted, the commonest first."""
        upper = np.triu(self.together.sum(axis=0), k=1)
        order = np.argsort(-upper, axis=None, kind="stable")[:PAIRS]
        pairs = [np.unravel_index(flat, upper.shape) for flat in order]
        return [
            {
                "classes": [self.names[a], self.names[b]],
                "true": int(self.together[0, a, b]),
                "predicted": int(self.together[1, a, b]),
            }
            for a, b in pairs
            if upper[a, b]
        ]

    def _chance(self) -> dict[str, Any]:
        """Returns the evidence that probabilities follow the labels; thresholds do not matter.

        The average precision of an answer that is the same for every example is the fraction of the
        examples that have the label.
        """
        drawn = self.drawn.examples()
        truth, answers = (
            np.array([entry[name] for entry in drawn], np.float64).reshape(
                len(drawn), len(self.names)
            )
            for name in ("truth", "probabilities")
        )
        return against_shuffles(
            metric="mean_average_precision",
            floor=_mean(self.support / self.count) if self.count else 0.0,
            constant="always giving the same answer",
            truth=truth,
            predicted=answers,
            unit="examples",
            classes=len(self.names),
        )


def _mean(values: Any) -> float:
    numbers = list(values)
    return float(np.mean(numbers)) if numbers else float("nan")
