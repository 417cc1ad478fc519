"""What the tally of any kind of problem must answer, so that Evaluator need not know the kind."""

from typing import Any, Protocol

import numpy as np

from trainer_modules.engine.problems.outcomes import Outcomes


class Tally(Protocol):
    """Running totals over predictions: add, merge, then read.

    The totals of any partition of the data, merged in any order, are those of the whole.
    """

    def add(self, labels: list[Any], predictions: list[Any], ids: list[str]) -> None:
        """Counts a batch.

        Args:
          labels: What `Problem.truth` returned for each example.
          predictions: For each, what the model served: name → NumPy array without a batch
            dimension, or that array alone if it serves only one.
          ids: Names of the examples.
        """

    def merge(self, other: Any) -> None:
        """Adds the totals of another part of the data."""

    def metrics(self) -> dict[str, float]:
        """Returns scalars by name; NaN where one is undefined on these examples."""

    def per_class(self) -> dict[str, dict[str, float]]:
        """Returns scalars by name for each class; {} if the problem has no classes."""

    def details(self) -> dict[str, Any]:
        """Returns what a report needs beyond the metrics, JSON-serialisable.

        Among it: `kind`, a name for its form; `chance`, see `chance`; and `per_class`, if there are
        classes.
        """

    def columns(self, labels: list[Any], predictions: list[Any]) -> dict[str, np.ndarray]:
        """Returns what is stored of each example, without counting it.

        Args:
          labels: As in `add`.
          predictions: As in `add`.

        Returns:
          Name → array `[examples]` or `[examples, classes]`: numbers, booleans, or an object array
          of texts. A row does not depend on the others.
        """

    def outcomes(self, columns: dict[str, np.ndarray]) -> Outcomes:
        """Returns stored columns as outcomes, on the classes that this tally judges."""
