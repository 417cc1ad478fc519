"""Metrics of a regression, overall and along the target's range, with constant memory."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainer_modules.engine.problems.chance import against_shuffles
from trainer_modules.engine.problems.kept_examples import SAMPLED, WORST, Kept, random_rank
from trainer_modules.engine.problems.value_outcomes import ValueOutcomes

# Deciles and points come from at most this many examples, chosen by the hash of their id; up to
# this many they are exact.
DRAWN = 20_000
POINTS = 2_000
DECILES = 10


@dataclass
class RegressionTally:
    """Running totals of a regression's predictions; add, merge, then read.

    The target's variance is merged as in Chan et al., "Updating formulae and a pairwise
    algorithm for computing sample variances" (1979), which stays precise if the mean is large.
    """

    count: int = 0
    mean: float = 0.0
    spread: float = 0.0
    squared_error: float = 0.0
    absolute_error: float = 0.0
    error: float = 0.0
    drawn: Kept = field(default_factory=lambda: Kept(DRAWN))
    most_wrong: Kept = field(default_factory=lambda: Kept(WORST))

    def add(self, labels: list[float], predictions: list[Any], ids: list[str]) -> None:
        """Counts a batch.

        Args:
          labels: Targets, in the target's unit.
          predictions: Served predictions, each `value` or a dict that holds it.
          ids: Names of the examples.
        """
        stored = self.columns(labels, predictions)
        truth, value = stored["truth"], stored["value"]
        error = value - truth
        self._add_moments(len(truth), truth.mean(), ((truth - truth.mean()) ** 2).sum())
        self.squared_error += float((error**2).sum())
        self.absolute_error += float(np.abs(error).sum())
        self.error += float(error.sum())
        examples: list[dict[str, Any]] = [
            {"id": name, "true": float(t), "predicted": float(v), "error": float(e)}
            for name, t, v, e in zip(ids, truth, value, error, strict=True)
        ]
        self.drawn.offer(((random_rank(e["id"]), e["id"]), e) for e in examples)
        self.most_wrong.offer(((-abs(e["error"]), e["id"]), e) for e in examples)

    def columns(self, labels: list[float], predictions: list[Any]) -> dict[str, np.ndarray]:
        """Returns what is stored of each example: `truth` and `value`, float64."""
        values = [np.asarray(p["value"] if isinstance(p, dict) else p).item() for p in predictions]
        return {"truth": np.asarray(labels, np.float64), "value": np.array(values, np.float64)}

    def outcomes(self, columns: dict[str, np.ndarray]) -> ValueOutcomes:
        """Returns stored columns as outcomes."""
        return ValueOutcomes(truth=columns["truth"], value=columns["value"])

    def _add_moments(self, count: int, mean: float, spread: float) -> None:
        if not count:
            return
        total = self.count + count
        shift = float(mean) - self.mean
        self.spread += float(spread) + shift**2 * self.count * count / total
        self.mean += shift * count / total
        self.count = total

    def merge(self, other: "RegressionTally") -> None:
        """Adds the totals of another part of the data."""
        self._add_moments(other.count, other.mean, other.spread)
        self.squared_error += other.squared_error
        self.absolute_error += other.absolute_error
        self.error += other.error
        self.drawn.offer(other.drawn.entries)
        self.most_wrong.offer(other.most_wrong.entries)

    def metrics(self) -> dict[str, float]:
        """Returns `mse`, `rmse`, `mae`, `bias` (mean of prediction minus target) and `r2`."""
        if not self.count:
            undefined = float("nan")
            names = ("mse", "rmse", "mae", "bias", "r2")
            return {**dict.fromkeys(names, undefined), "example_count": 0.0}
        mse = self.squared_error / self.count
        return {
            "mse": mse,
            "rmse": mse**0.5,
            "mae": self.absolute_error / self.count,
            "bias": self.error / self.count,
            "r2": self._r2(),
            "example_count": float(self.count),
        }

    def per_class(self) -> dict[str, dict[str, float]]:
        """Returns nothing: there are no classes."""
        return {}

    def _r2(self) -> float:
        """Returns R², as `sklearn.metrics.r2_score` defines its edge cases."""
        if self.count < 2:
            return float("nan")
        if not self.spread:
            return 0.0 if self.squared_error else 1.0
        return 1.0 - self.squared_error / self.spread

    def details(self) -> dict[str, Any]:
        """Returns what a report needs beyond the metrics; see docs/evaluation.md."""
        drawn = self.drawn.examples()
        return {
            "kind": "regression",
            "deciles": _deciles(drawn),
            "points": [[e["true"], e["predicted"]] for e in drawn[:POINTS]],
            "most_wrong": self.most_wrong.examples(),
            "sample": drawn[:SAMPLED],
            # The mean of the evaluated targets is at least as good an answer as the training mean.
            "chance": against_shuffles(
                metric="r2",
                floor=0.0,
                constant="always answering the mean",
                truth=np.array([e["true"] for e in drawn]),
                predicted=np.array([e["predicted"] for e in drawn]),
                unit="examples",
            ),
        }


def _deciles(examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the errors within each tenth of the examples, ordered by target."""
    truth = np.array([e["true"] for e in examples])
    error = np.array([e["error"] for e in examples])
    order = np.argsort(truth, kind="stable")
    return [
        {
            "from": float(truth[part[0]]),
            "to": float(truth[part[-1]]),
            "count": len(part),
            "mse": float((error[part] ** 2).mean()),
            "mae": float(np.abs(error[part]).mean()),
            "bias": float(error[part].mean()),
        }
        for part in np.array_split(order, DECILES)
        if len(part)
    ]
