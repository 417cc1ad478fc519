"""Outcomes of a segmentation: for each image, the pixels of each class that were found.

Pixels of one image depend on one another, so images are what is resampled.
"""

from dataclasses import dataclass

import numpy as np

from trainer_modules.engine.problems.class_measures import divide
from trainer_modules.engine.problems.outcomes import Outcomes


@dataclass(frozen=True, kw_only=True)
class MaskOutcomes(Outcomes):
    """A segmentation's outcomes, in pixels.

    Attributes:
      hits: Pixels of each class that are predicted as it, int `[images, classes]`. The
        intersection; the union is `support` + `predicted` - `hits`.
      support: Pixels of each class.
      predicted: Pixels predicted as each class.
    """

    hits: np.ndarray
    support: np.ndarray
    predicted: np.ndarray

    def overall(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Returns `mean_iou` or `pixel_accuracy`, see `Outcomes`."""
        hits, support, predicted = self._sums(weights)
        pixels = support.sum(axis=0)
        if metric == "pixel_accuracy":
            value = divide(hits.sum(axis=0), pixels)
        else:
            union = support + predicted - hits
            value = divide(divide(hits, union).sum(axis=0), (union > 0).sum(axis=0))
        return np.where(pixels > 0, value, np.nan)

    def of_classes(self, metric: str, weights: np.ndarray) -> np.ndarray:
        """Returns `iou`, `precision`, `recall` or `f1` of every class."""
        hits, support, predicted = self._sums(weights)
        if metric == "iou":
            return divide(hits, support + predicted - hits)
        if metric == "f1":
            return divide(2 * hits, support + predicted)
        return divide(hits, {"recall": support, "precision": predicted}[metric])

    def _sums(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns hits, support and predicted over the images, `[classes, resamples]` each."""
        hits, support, predicted = (
            (weights @ pixels.astype(np.float64)).T
            for pixels in (self.hits, self.support, self.predicted)
        )
        return hits, support, predicted
