"""Exact duplicates: of several copies of the same bytes, only one is kept."""

from collections.abc import Iterable
from dataclasses import dataclass

from components.example_gen.readers.items import EVAL, TEST, TRAIN

# Held-out sets are not changed; the copy in the split further left is kept.
_PRIORITY = (TEST, EVAL, TRAIN)


@dataclass(frozen=True, order=True)
class Copy:
    """One of several examples with the same content.

    Attributes:
      rank: Position of its split in the order of preference.
      id: Name for people.
      key: Unique within the data.
      split: Its split.
      label: Its label, as a text to compare.
    """

    rank: int
    id: str
    key: str
    split: str
    label: str


@dataclass(frozen=True)
class Drop:
    """Why an example is left out.

    Attributes:
      kept: Id of the copy that stays; "" where the copies contradict each other.
      reason: The contradiction, or "".
    """

    kept: str
    reason: str = ""


def copy_of(*, key: str, id: str, split: str, label: str) -> Copy:
    """Returns a `Copy`; unlabelled examples are not compared and must not be passed."""
    return Copy(rank=_PRIORITY.index(split), id=id, key=key, split=split, label=label)


def decide(copies: Iterable[Copy], *, within_split: bool) -> list[tuple[str, Drop]]:
    """Returns (key, why) of the copies to leave out.

    Of copies with the same label the first is kept, ordered by split (test, eval, train), then by
    id. Copies with different labels are all dropped, since the right label is unknown.

    Args:
      copies: All examples with one content.
      within_split: Whether copies within the preferred split are dropped too.
    """
    ordered = sorted(copies)
    if len(ordered) < 2:
        return []
    kept = ordered[0]
    other = next((c for c in ordered if c.label != kept.label), None)
    if other is not None and within_split:
        reason = f"same bytes labelled '{kept.label}' ({kept.id}) and '{other.label}' ({other.id})"
        return [(c.key, Drop(kept="", reason=reason)) for c in ordered]
    return [
        (c.key, Drop(kept=kept.id)) for c in ordered[1:] if within_split or c.split != kept.split
    ]
