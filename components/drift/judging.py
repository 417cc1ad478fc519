"""Compares the newest examples with others, and says which differences are drift."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from components.drift import two_samples
from components.drift.records import Night, Sample
from components.drift.two_samples import Difference
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.task.drift import Drift

NONE, DRIFTED, NOT_COMPARED = "none", "drifted", "not_compared"
_FEWEST = 10
"""Vectors on each side without which features are not compared."""
_SHOWN = 5

Features = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""`WINDOW` or `CHAMPION` → features of the newest examples and of the others, float `[n, d]`."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One property of the newest examples against one reference.

    Attributes:
      what: The property.
      against: `WINDOW` or `CHAMPION`.
      sentence: What was found, with figures.
      value: Size of the difference, see `two_samples`.
      threshold: Smallest difference that matters.
      p_value: Adjusted for all comparisons of the night; None for a limit that a schema sets.
      drifted: Whether it is drift.
    """

    what: str
    against: str
    sentence: str
    value: float
    threshold: float
    p_value: float | None
    drifted: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A night's verdict on its data.

    Attributes:
      comparisons: All of them, drift first.
      notes: What was not compared, and why.
    """

    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Comparison, ...]:
        """The comparisons that are drift."""
        return tuple(one for one in self.comparisons if one.drifted)

    @property
    def status(self) -> str:
        """`NONE`, `DRIFTED` or `NOT_COMPARED`."""
        if not self.comparisons:
            return NOT_COMPARED
        return DRIFTED if self.findings else NONE

    def plain(self) -> dict[str, Any]:
        """Returns it for JSON."""
        return {
            "comparisons": [asdict(one) for one in self.comparisons],
            "notes": list(self.notes),
        }


@dataclass
class _Pair:
    """The newest examples and one reference, and what was compared of them so far."""

    new: Sample
    old: Sample
    against: str
    limits: Drift
    done: list[Comparison] = field(default_factory=list)

    def add(self, what: str, difference: Difference, threshold: float, figures: str) -> None:
        sentence = f"{what} of {self.new.name} against {self.old.name}: {figures}"
        self.done.append(
            Comparison(
                what=what,
                against=self.against,
                sentence=sentence,
                value=difference.value,
                threshold=threshold,
                p_value=difference.p_value,
            )
        )


def judge(
    night: Night,
    problem: Problem,
    limits: Drift,
    features: Features,
    measured: Sequence[Comparison] = (),
) -> Outcome:
    """Returns the verdict on a night's data.

    Args:
      night: What there is to compare.
      problem: Tells what a label is.
      limits: The task's limits.
      features: The champion's features of some examples, by reference; {} for none.
      measured: Comparisons that are judged already, by the schema.
    """
    compared: list[Comparison] = []
    notes = list(night.notes)
    if night.newest is not None:
        for against, old in night.references.items():
            pair = _Pair(new=night.newest, old=old, against=against, limits=limits)
            _compare_labels(pair, problem)
            for name in ("height", "width", "brightness"):
                _compare_numbers(pair, name)
            for name in ("format", "channels"):
                _compare_kinds(pair, name)
            _compare_rejected(pair)
            if against in features:
                note = _compare_features(pair, *features[against])
                notes += [note] if note else []
            compared += pair.done
    adjusted = two_samples.holm([one.p_value or 0.0 for one in compared])
    judged = [
        _judged(one, p_value, limits) for one, p_value in zip(compared, adjusted, strict=True)
    ]
    ranked = sorted([*judged, *measured], key=lambda one: (not one.drifted, one.p_value or 0.0))
    return Outcome(comparisons=tuple(ranked), notes=tuple(notes))


def _judged(one: Comparison, p_value: float, limits: Drift) -> Comparison:
    drifted = p_value <= limits.false_alarms and abs(one.value) >= one.threshold
    ending = f" (p {p_value:.2g})"
    return Comparison(
        **{
            **asdict(one),
            "p_value": p_value,
            "drifted": drifted,
            "sentence": one.sentence + ending,
        }
    )


def _compare_labels(pair: _Pair, problem: Problem) -> None:
    new, old = (_known(side.table, "label") for side in (pair.new, pair.old))
    if new.empty or old.empty:
        return
    if problem.predicted_number:
        numbers = [pd.to_numeric(labels, errors="coerce").dropna() for labels in (new, old)]
        if all(len(one) for one in numbers):
            _add_numbers(pair, problem.predicted_number, *map(np.asarray, numbers))
        return
    counted = _counts(new, old)
    difference = two_samples.of_counts(*counted.T.to_numpy())
    pair.add("labels", difference, pair.limits.labels, _largest_changes(counted))
    classes = _counts(_exploded(new, problem), _exploded(old, problem))
    _compare_classes(pair, "new classes", classes, (len(new), len(old)), lacking="old")
    _compare_classes(pair, "vanished classes", classes, (len(new), len(old)), lacking="new")


def _exploded(labels: pd.Series, problem: Problem) -> pd.Series:
    """Returns the classes of labels, of which each may hold several."""
    names = {label: problem.counted_as(label) for label in labels.unique()}
    return labels.map(names).explode().dropna()


def _compare_classes(
    pair: _Pair, what: str, classes: pd.DataFrame, sizes: tuple[int, int], *, lacking: str
) -> None:
    """Adds whether chance explains that one side lacks classes of the other."""
    having = "new" if lacking == "old" else "old"
    missing = classes[(classes[lacking] == 0) & (classes[having] > 0)][having]
    by_side = dict(zip(("new", "old"), sizes, strict=True))
    if missing.empty:
        pair.add(what, Difference(0.0, 1.0), 0.0, "none")
        return
    difference = two_samples.of_absence(list(missing), by_side[having], by_side[lacking])
    # The most frequent class was chosen among all of them.
    corrected = Difference(difference.value, min(1.0, difference.p_value * len(classes)))
    ranked = missing.sort_values(ascending=False)
    named = ", ".join(f"'{name}' ({count})" for name, count in ranked.head(_SHOWN).items())
    more = f" and {len(ranked) - _SHOWN} more" if len(ranked) > _SHOWN else ""
    pair.add(what, corrected, 0.0, f"{named}{more}")


def _compare_numbers(pair: _Pair, name: str) -> None:
    new, old = (np.asarray(_known(side.table, name), float) for side in (pair.new, pair.old))
    if len(new) and len(old):
        _add_numbers(pair, name, new, old)


def _add_numbers(pair: _Pair, name: str, new: np.ndarray, old: np.ndarray) -> None:
    difference = two_samples.of_numbers(new, old)
    middle = f"median {np.median(old):.4g} before, {np.median(new):.4g} now"
    figures = f"{middle}; Kolmogorov-Smirnov distance {difference.value:.2f}"
    pair.add(name, difference, pair.limits.numbers, figures)


def _compare_kinds(pair: _Pair, name: str) -> None:
    new, old = (_known(side.table, name) for side in (pair.new, pair.old))
    if new.empty or old.empty:
        return
    counted = _counts(new, old)
    difference = two_samples.of_counts(*counted.T.to_numpy())
    pair.add(name, difference, pair.limits.kinds, _largest_changes(counted))


def _compare_rejected(pair: _Pair) -> None:
    new, old = ((side.rejected, side.rejected + len(side.table)) for side in (pair.new, pair.old))
    figures = f"{old[0]} of {old[1]} before, {new[0]} of {new[1]} now"
    pair.add("rejected", two_samples.of_fractions(new, old), pair.limits.rejected, figures)


def _compare_features(pair: _Pair, new: np.ndarray, old: np.ndarray) -> str:
    """Adds the comparison of features; returns why there is none, else ""."""
    if min(len(new), len(old)) < _FEWEST:
        return (
            f"features are not compared with {pair.old.name}: {len(new)} new and {len(old)} old "
            f"images that the champion did not learn from, at least {_FEWEST} of each are needed"
        )
    difference = two_samples.of_features(new, old)
    figures = f"relative energy distance {difference.value:.3f} of {len(new)} and {len(old)} images"
    pair.add("features", difference, pair.limits.embedding, figures)
    return ""


def _known(table: pd.DataFrame, name: str) -> pd.Series:
    """Returns the values of a column that are there; none where a table has no such column."""
    if name not in table:
        return pd.Series([], dtype=object)
    values = table[name].dropna()
    return values[values != ""]


def _counts(new: pd.Series, old: pd.Series) -> pd.DataFrame:
    """Returns the counts `new` and `old` of each value, by value."""
    counted = pd.DataFrame({"new": new.value_counts(), "old": old.value_counts()})
    return counted.fillna(0).astype(int).sort_index(key=lambda names: names.map(str))


def _largest_changes(counted: pd.DataFrame) -> str:
    shares = counted / counted.sum()
    change = (shares["new"] - shares["old"]).abs().sort_values(ascending=False, kind="stable")
    return ", ".join(
        f"'{name}' {shares.loc[name, 'old']:.1%} before, {shares.loc[name, 'new']:.1%} now"
        for name in change.index[:2]
    )
