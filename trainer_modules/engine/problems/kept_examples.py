"""The single examples that an evaluation keeps: the worst, and unbiased samples.

The selection does not depend on the order of the examples or on how Beam splits them.
"""

import hashlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

WORST = 64
SAMPLED = 48


def random_rank(example_id: str) -> int:
    """Returns the id's 64-bit draw: the same in every run, unrelated to the id's order."""
    return int.from_bytes(hashlib.blake2b(example_id.encode(), digest_size=8).digest(), "big")


@dataclass
class Kept:
    """The `limit` entries with the lowest rank.

    Attributes:
      limit: How many to keep.
      entries: (rank, example) pairs; a rank ends with the example's id, so that ranks differ.
    """

    limit: int
    entries: list[tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)

    def offer(self, entries: Iterable[tuple[tuple[Any, ...], dict[str, Any]]]) -> None:
        """Considers further examples."""
        self.entries = heapq.nsmallest(
            self.limit, [*self.entries, *entries], key=lambda entry: entry[0]
        )

    @property
    def full_from(self) -> Any:
        """The first component of the highest kept rank; None while there is room."""
        return self.entries[-1][0][0] if len(self.entries) == self.limit else None

    def examples(self) -> list[dict[str, Any]]:
        """Returns the kept examples, lowest rank first."""
        return [example for _, example in self.entries]
