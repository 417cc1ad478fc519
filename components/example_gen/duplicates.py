"""Exact duplicates: of several copies of the same bytes, only one is kept."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from components.example_gen.places import JUDGED
from components.example_gen.readers.items import EVAL, TEST, TRAIN

# Held-out sets are not changed; the copy in the split further left is kept.
_PRIORITY = (JUDGED, TEST, EVAL, TRAIN)


@dataclass(frozen=True, order=True)
class Copy:
    """One of several examples with the same content.

    Attributes:
      rank: Its place in the order of preference: a fixed test set first, then the earliest span,
        and within a span the position of its split.
      id: Name for people.
      key: Unique within the data.
      split: Its split.
      label: Its label, as a text to compare.
      span: Number of its span.
      follows_place: Whether something other than its bytes decided its split.
    """

    rank: tuple[bool, int, int]
    id: str
    key: str
    split: str
    label: str
    span: int = 0
    follows_place: bool = True


@dataclass(frozen=True)
class KnownSplit:
    """Where some content was seen first.

    Attributes:
      split: Its split there.
      span: The number of that span.
      id: Its id there.
      read: Whether that span is read tonight.
    """

    split: str
    span: int
    id: str
    read: bool


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


def copy_of(
    *, key: str, id: str, split: str, label: str, span: int = 0, follows_place: bool = True
) -> Copy:
    """Returns a `Copy`; unlabelled examples are not compared and must not be passed."""
    return Copy(
        rank=(split != JUDGED, span, _PRIORITY.index(split)),
        id=id,
        key=key,
        split=split,
        label=label,
        span=span,
        follows_place=follows_place,
    )


def decide(
    copies: Iterable[Copy],
    *,
    within_split: bool,
    unite: Callable[[list[str]], str | None] = lambda _: None,
    seen: KnownSplit | None = None,
) -> list[tuple[str, Drop | Relabel]]:
    """Returns (key, why) of the copies to leave out, and the new label of one that stays.

    Of copies with the same label the first is kept: that of a fixed test set, else of the earliest
    span, and within a span ordered by split (test, eval, train), then by id. Copies with different
    labels are all dropped, since the right label is unknown, unless their labels can be united. A
    fixed test set stays as it is.

    Args:
      copies: All examples with one content.
      within_split: Whether copies within the preferred split are dropped too.
      unite: The label that stands for different ones; None if they contradict each other.
      seen: Where an earlier night saw this content first.
    """
    ordered = sorted(copies)
    decisions: list[tuple[str, Drop | Relabel]] = []
    # An example stays in the split in which a model may have seen it: a span that arrives late
    # does not take it over, and a span that is not read any more still counts.
    if seen and seen.read:
        ordered.sort(
            key=lambda c: (c.split != JUDGED, (c.span, c.split) != (seen.span, seen.split))
        )
    elif seen:
        there = f"{seen.id} ({seen.split}, in a span outside the window)"
        moved = [c for c in ordered if c.split not in (seen.split, JUDGED) and c.follows_place]
        decisions += [(c.key, Drop(kept=there)) for c in moved]
        ordered = [c for c in ordered if c not in moved]
    if ordered and ordered[0].split == JUDGED:
        learnt = [c for c in ordered if c.split != JUDGED]
        decisions += [(c.key, Drop(kept=ordered[0].id)) for c in learnt]
        ordered = [c for c in ordered if c.split == JUDGED]
    if len(ordered) < 2:
        return decisions
    return decisions + _among(ordered, within_split, unite)


def _among(
    ordered: list[Copy], within_split: bool, unite: Callable[[list[str]], str | None]
) -> list[tuple[str, Drop | Relabel]]:
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
