"""Exact duplicates: of several copies of the same bytes, only one is kept."""

from collections.abc import Callable, Iterable
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


@dataclass(frozen=True)
class Relabel:
    """The copy that stays has the labels of all copies: its new label."""

    label: str


def copy_of(*, key: str, id: str, split: str, label: str) -> Copy:
    """Returns a `Copy`; unlabelled examples are not compared and must not be passed."""
    return Copy(rank=_PRIORITY.index(split), id=id, key=key, split=split, label=label)


def decide(
    copies: Iterable[Copy],
    *,
    within_split: bool,
    unite: Callable[[list[str]], str | None] = lambda _: None,
) -> list[tuple[str, Drop | Relabel]]:
    """Returns (key, why) of the copies to leave out, and the new label of one that stays.

    Of copies with the same label the first is kept, ordered by split (test, eval, train), then by
    id. Copies with different labels are all dropped, since the right label is unknown, unless
    their labels can be united.

    Args:
      copies: All examples with one content.
      within_split: Whether copies within the preferred split are dropped too.
      unite: The label that stands for different ones; None if they contradict each other.
    """
    ordered = sorted(copies)
    if len(ordered) < 2:
        return []
    kept = ordered[0]
    other = next((c for c in ordered if c.label != kept.label), None)
    united = None
    if other is not None and within_split:
        united = unite(sorted({copy.label for copy in ordered}))
    if other is not None and within_split and united is None:
        reason = f"same bytes labelled '{kept.label}' ({kept.id}) and '{other.label}' ({other.id})"
        return [(c.key, Drop(kept="", reason=reason)) for c in ordered]
    decisions: list[tuple[str, Drop | Relabel]] = [
        (c.key, Drop(kept=kept.id)) for c in ordered[1:] if within_split or c.split != kept.split
    ]
    if united is not None and united != kept.label:
        decisions.append((kept.key, Relabel(united)))
    return decisions
