"""Outcomes of a regression: target and prediction of each example."""

from dataclasses import dataclass

import numpy as np

from trainer_modules.engine.problems.outcomes import Outcomes, mean


@dataclass(frozen=True, kw_only=True)
class ValueOutcomes(Outcomes):
    """A regression's outcomes.

    Attributes:
      truth: Targets, float64 `[examples]`, in the target's unit.
      value: Predictions, of the same form.
    """

    truth: np.ndarray
    value: np.ndarray

    def overall(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Returns `mse`, `rmse`, `mae`, `bias` or `r2`, see `Outcomes`."""
        error = self.value - self.truth
        if metric == "mae":
            return mean(np.abs(error), weights)
        if metric == "bias":
            return mean(error, weights)
        squared = mean(error**2, weights)
        if metric != "r2":
            return np.sqrt(squared) if metric == "rmse" else squared
        # Around the overall mean, so that a large mean costs no precision.
        centred = self.truth - self.truth.mean()
        spread = mean(centred**2, weights) - mean(centred, weights) ** 2
        constant = spread <= 1e-12 * np.maximum(1.0, float((centred**2).max(initial=0.0)))
        ratio = np.divide(squared, spread, out=np.zeros_like(squared), where=~constant)
        # As `r2_score` defines a target that does not vary.
        return np.where(constant, np.where(squared > 0, 0.0, 1.0), 1.0 - ratio)
