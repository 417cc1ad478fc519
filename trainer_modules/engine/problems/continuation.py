"""How the outputs of a network go on from those of an earlier one: rows by name, and their scale.

The last layer has a row for each output: a column of its kernel `[…, features, outputs]` and an
entry of its bias `[outputs]`. A row of a class that the earlier network knew is kept, wherever it
stood; the others stay as they were initialised.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """Which rows go on, and in which scale.

    Attributes:
      rows: For each output of the new network, the earlier network's output that it continues; None
        for one that has to be learnt anew.
      factor: What kernel and bias of a continued row are multiplied by.
      shift: What is then added to its bias.
    """

    rows: tuple[int | None, ...]
    factor: float = 1.0
    shift: float = 0.0

    @property
    def has_new(self) -> bool:
        """Whether an output has to be learnt anew."""
        return None in self.rows

    def kernel(self, earlier: np.ndarray, fresh: np.ndarray) -> np.ndarray:
        """Returns the kernel to start from.

        Args:
          earlier: The earlier network's, float32 `[…, features, earlier outputs]`.
          fresh: The new network's as initialised, float32 `[…, features, outputs]`.

        Raises:
          ValueError: If the shapes differ otherwise than in the number of outputs.
        """
        return self._continued(earlier, fresh, shift=0.0)

    def bias(self, earlier: np.ndarray, fresh: np.ndarray) -> np.ndarray:
        """Returns the bias to start from, float32 `[outputs]`; see `kernel`."""
        return self._continued(earlier, fresh, shift=self.shift)

    def _continued(self, earlier: np.ndarray, fresh: np.ndarray, shift: float) -> np.ndarray:
        if earlier.shape[:-1] != fresh.shape[:-1] or fresh.shape[-1] != len(self.rows):
            raise ValueError(
                f"the earlier layer must have the shape {fresh.shape}, except for the last number. "
                f"Received: {earlier.shape}"
            )
        started = fresh.copy()
        for row, before in enumerate(self.rows):
            if before is not None:
                # In float64, as a shift may be far larger than what it is added to.
                kept = earlier[..., before].astype(np.float64) * self.factor + shift
                started[..., row] = kept.astype(fresh.dtype)
        return started


def by_name(now: Sequence[str], before: Sequence[str]) -> Continuation:
    """Returns the continuation of outputs that have names, each once."""
    places = {name: row for row, name in enumerate(before)}
    return Continuation(rows=tuple(places.get(name) for name in now))
