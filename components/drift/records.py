"""Reads what ImageExampleGen wrote about each example, and cuts it into what is compared."""

import io
import json
import os
from dataclasses import dataclass
from typing import Any

import pandas as pd
from tfx.dsl.io import fileio

from components.example_gen.readers.items import TRAIN, UNLABELLED

WINDOW, CHAMPION = "window", "champion"
"""What the newest examples are compared with."""

_JUDGED = "judged"
# Examples of these splits are of another origin, or are there a second time.
_LEFT_OUT = (UNLABELLED, _JUDGED)


@dataclass(frozen=True, eq=False, kw_only=True)
class Ingested:
    """The examples of one run.

    Attributes:
      table: A row for each kept example: `id`, `span`, `split`, `label`, `digest` (hexadecimal),
        `shard`, `height`, `width`, `channels`, `format`, `brightness`.
      spans: The contents of `spans.json`, oldest first.
      rejected: Ids of the rejected examples.
    """

    table: pd.DataFrame
    spans: list[dict[str, Any]]
    rejected: frozenset[str]


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """One side of a comparison.

    Attributes:
      name: What it is, in words.
      table: As in `Ingested`.
      rejected: How many examples were rejected.
    """

    name: str
    table: pd.DataFrame
    rejected: int


@dataclass(frozen=True, kw_only=True)
class Night:
    """What a night has to compare.

    Attributes:
      newest: The newest examples; None where they cannot be told from the others.
      references: `WINDOW` or `CHAMPION` → what to compare them with.
      trained_on: Digests that the champion learnt from; None where that is unknown.
      notes: What is not compared, and why, a sentence each.
    """

    newest: Sample | None
    references: dict[str, Sample]
    trained_on: frozenset[str] | None
    notes: tuple[str, ...]


def read(uri: str) -> Ingested | None:
    """Returns the examples of a `rejected` artifact; None where an older version wrote it."""
    spans = os.path.join(uri, "spans.json")
    files = sorted(fileio.glob(os.path.join(uri, "records", "*.parquet")))
    if not fileio.exists(spans) or not files:
        return None
    with fileio.open(spans, "r") as f:
        found = json.load(f)
    with fileio.open(os.path.join(uri, "rejected.jsonl"), "r") as f:
        rejected = frozenset(json.loads(line)["id"] for line in iter(f.readline, ""))
    parts = []
    for file in files:
        with fileio.open(file, "rb") as f:
            parts.append(pd.read_parquet(io.BytesIO(f.read())))
    table = pd.concat(parts, ignore_index=True)
    # NumPy drops zeros at the end of bytes, and pandas compares through it.
    table["digest"] = table["digest"].map(bytes.hex)
    table = table[~table["split"].isin(_LEFT_OUT)].reset_index(drop=True)
    return Ingested(table=table, spans=found, rejected=rejected)


def night(now: Ingested | None, champion: Ingested | None, *, has_champion: bool) -> Night:
    """Returns what to compare.

    Where the data have spans, the newest span is compared with the others of the window. A folder
    that grows has none: there, the newest examples are those that the champion has not seen.

    Args:
      now: This run's examples.
      champion: Those from which the champion was made, all splits.
      has_champion: Whether there is a champion, with known data or without.
    """
    if now is None:
        note = "these examples were read by an earlier version, without a record of each of them"
        return Night(newest=None, references={}, trained_on=None, notes=(note,))
    trained_on = None
    if champion is not None:
        trained_on = frozenset(champion.table.loc[champion.table["split"] == TRAIN, "digest"])
    notes = []
    if not has_champion:
        notes.append("no champion is known")
    elif champion is None:
        notes.append("the data of the champion are not known here")
    newest: Sample | None
    if any(span["span"] for span in now.spans):
        newest, references = _by_span(now)
        if not references:
            notes.append("the window holds no other span")
    else:
        newest, references = _by_content(now, champion), {}
    if champion is not None:
        references[CHAMPION] = Sample(
            name="the champion's data", table=champion.table, rejected=len(champion.rejected)
        )
    if newest is None:
        notes.append("the data have no spans, so new examples cannot be told from old ones")
    elif not len(newest.table):
        notes.append("there are no new examples")
        newest = None
    return Night(newest=newest, references=references, trained_on=trained_on, notes=tuple(notes))


def _by_span(now: Ingested) -> tuple[Sample, dict[str, Sample]]:
    names = [span["span"] for span in now.spans if span["newest"]]
    is_new = now.table["span"].isin(names)
    others = [span for span in now.spans if not span["newest"]]
    rejected = sum(span["rejected"] for span in now.spans if span["newest"])
    newest = Sample(
        name=f"the newest span '{', '.join(names)}'", table=now.table[is_new], rejected=rejected
    )
    if not len(now.table[~is_new]):
        return newest, {}
    count = f"{len(others)} other span{'s' if len(others) > 1 else ''}"
    window = Sample(
        name=f"the {count} of the window",
        table=now.table[~is_new],
        rejected=sum(span["rejected"] for span in others),
    )
    return newest, {WINDOW: window}


def _by_content(now: Ingested, champion: Ingested | None) -> Sample | None:
    if champion is None:
        return None
    is_new = ~now.table["digest"].isin(set(champion.table["digest"]))
    return Sample(
        name="what the champion has not seen",
        table=now.table[is_new],
        rejected=len(now.rejected - champion.rejected),
    )
