"""Collects the results of the parts in the `rejected` artifact."""

import collections
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tfx.dsl.io import fileio

from components.example_gen import shard_files
from components.example_gen.artifacts import SPANS
from components.example_gen.manifest import Part
from components.example_gen.memory import read_table
from components.example_gen.places import Place, all_splits
from components.example_gen.readers import storage
from components.shard_store import link_file

_LISTED = 1000
_LISTS = {"rejected": ("rejected", "left-out"), "converted": ("converted",)}

_Totals = collections.Counter[tuple[str, str, str]]


def gather(
    work: str, parts: Sequence[Part], places: tuple[Place, ...], folder: str, *, judged: str = ""
) -> dict[str, Any]:
    """Writes `rejected.jsonl`, `converted.jsonl`, `summary.json`, `spans.json` and `records`.

    Args:
      work: Folder with the files that `writing.write_part` wrote.
      parts: The parts of all places.
      places: What was read.
      folder: Where to write.
      judged: Folder's name of the span that is judged, where only one of several is.

    Returns:
      The summary, see `RejectedExamples`.
    """
    splits = all_splits(places)
    by_place: list[_Totals] = [collections.Counter() for _ in places]
    for part in parts:
        by_place[part.place].update(_counts(work, part))
    totals: _Totals = collections.Counter()
    for counted in by_place:
        totals.update(counted)
    for name, kinds in _LISTS.items():
        with storage.create(storage.join(folder, f"{name}.jsonl")) as f:
            for line in _lines(work, kinds, parts):
                f.write(line)
    fileio.makedirs(storage.join(folder, shard_files.RECORDS))
    for part in parts:
        file = shard_files.records_file(work, part)
        link_file(file, storage.join(folder, shard_files.RECORDS, file.rpartition("/")[2]))
    rejected = {split: n for (kind, split, _), n in sorted(totals.items()) if kind == "rejected"}
    summary = {
        "counts": {split: totals["example", split, ""] for split in splits},
        "rejected": sum(rejected.values()),
        "rejected_per_split": rejected,
        "converted": _listed(totals, "converted", _lines(work, ("converted",), parts)),
        "duplicates": _listed(totals, "duplicate", _lines(work, ("duplicates",), parts)),
        "classes": {split: _named(totals, "class", split) for split in splits},
        "formats": _named(totals, "format", ""),
    }
    _write_json(folder, "summary.json", summary)
    _write_json(folder, SPANS, _spans(work, parts, places, by_place, judged))
    return summary


def _spans(
    work: str,
    parts: Sequence[Part],
    places: tuple[Place, ...],
    by_place: Sequence[_Totals],
    judged: str,
) -> list[dict[str, Any]]:
    """Returns what `spans.json` holds, oldest first; a fixed test set is no span."""
    newest = max(place.span.number for place in places if not place.fixed)
    described = []
    for position, place in enumerate(places):
        if place.fixed:
            continue
        totals, span = by_place[position], place.span
        own = [part for part in parts if part.place == position]
        described.append(
            {
                "span": span.folder,
                "number": span.number,
                "version": span.version,
                "newest": span.number == newest,
                "judged": bool(judged) and span.folder == judged,
                "counts": {split: totals["example", split, ""] for split in place.splits},
                "classes": {split: _named(totals, "class", split) for split in place.splits},
                "rejected": _sum(totals, "rejected"),
                "duplicates": _sum(totals, "duplicate"),
                "sha256": _content(work, own),
            }
        )
    return described


def _content(work: str, parts: Sequence[Part]) -> str:
    """Returns a hash of what was kept: content, label and split, in whatever order."""
    lines = []
    for part in parts:
        table = read_table(shard_files.records_file(work, part))
        columns = (table[name].to_pylist() for name in ("digest", "label", "split"))
        for digest, label, split in zip(*columns, strict=True):
            lines.append(digest + f"\n{label}\n{split}\n".encode())
    whole = hashlib.sha256()
    for line in sorted(lines):
        whole.update(line)
    return whole.hexdigest()


def _counts(work: str, part: Part) -> _Totals:
    totals: _Totals = collections.Counter()
    for kind, split, name, count in shard_files.read_contents(work, part)["counts"]:
        totals[kind, split, name] += count
    for kind, name in (("rejected", "left-out"), ("duplicate", "duplicates")):
        for line in _lines(work, (name,), [part]):
            totals[kind, json.loads(line)["split"], ""] += 1
    return totals


def _sum(totals: _Totals, kind: str) -> int:
    return sum(n for (k, _, _), n in totals.items() if k == kind)


def _named(totals: _Totals, kind: str, split: str) -> dict[str, int]:
    return {
        n: count for (k, s, n), count in sorted(totals.items()) if (k, s) == (kind, split) and n
    }


def _lines(work: str, names: Iterable[str], parts: Sequence[Part]) -> Iterator[str]:
    names = tuple(names)
    for part in parts:
        for name in names:
            path = storage.join(work, f"{name}-{part.number:05d}.jsonl")
            with fileio.open(path, "r") as f:
                yield from iter(f.readline, "")


def _listed(totals: _Totals, kind: str, lines: Iterator[str]) -> dict[str, Any]:
    first = (line for line, _ in zip(lines, range(_LISTED), strict=False))
    return {
        "count": _sum(totals, kind),
        "listed": [json.loads(line) for line in first],
    }


def _write_json(folder: str, name: str, value: Any) -> None:
    with storage.create(storage.join(folder, name)) as f:
        f.write(json.dumps(value, indent=1, ensure_ascii=False))
