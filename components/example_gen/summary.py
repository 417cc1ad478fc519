"""Collects the results of the parts in the `rejected` artifact."""

import collections
import json
from collections.abc import Iterable, Iterator
from typing import Any

from tfx.dsl.io import fileio

from components.example_gen.readers import storage

_LISTED = 1000


def gather(work: str, parts: int, splits: Iterable[str], folder: str) -> dict[str, Any]:
    """Writes `rejected.jsonl`, `converted.jsonl` and `summary.json`.

    Args:
      work: Folder with the files that `writing.write_part` wrote.
      parts: How many there are.
      splits: The splits of the data.
      folder: Where to write.

    Returns:
      The summary, see `RejectedExamples`.
    """
    splits = tuple(splits)
    totals: collections.Counter[tuple[str, str, str]] = collections.Counter()
    for part in range(parts):
        with fileio.open(storage.join(work, f"counts-{part:05d}"), "r") as f:
            for kind, split, name, count in json.loads(f.read()):
                totals[kind, split, name] += count
    for name in ("rejected", "converted"):
        with storage.create(storage.join(folder, f"{name}.jsonl")) as f:
            for line in _lines(work, name, parts):
                f.write(line)
    rejected = {split: n for (kind, split, _), n in sorted(totals.items()) if kind == "rejected"}
    summary = {
        "counts": {split: totals["example", split, ""] for split in splits},
        "rejected": sum(rejected.values()),
        "rejected_per_split": rejected,
        "converted": _listed(totals, "converted", _lines(work, "converted", parts)),
        "duplicates": _listed(totals, "duplicate", _lines(work, "duplicates", parts)),
        "classes": {split: _named(totals, "class", split) for split in splits},
        "formats": _named(totals, "format", ""),
    }
    with storage.create(storage.join(folder, "summary.json")) as f:
        f.write(json.dumps(summary, indent=1, ensure_ascii=False))
    return summary


def _named(totals: dict[tuple[str, str, str], int], kind: str, split: str) -> dict[str, int]:
    return {
        n: count for (k, s, n), count in sorted(totals.items()) if (k, s) == (kind, split) and n
    }


def _lines(work: str, name: str, parts: int) -> Iterator[str]:
    for part in range(parts):
        with fileio.open(storage.join(work, f"{name}-{part:05d}"), "r") as f:
            yield from iter(f.readline, "")


def _listed(
    totals: dict[tuple[str, str, str], int], kind: str, lines: Iterator[str]
) -> dict[str, Any]:
    first = (line for line, _ in zip(lines, range(_LISTED), strict=False))
    return {
        "count": sum(n for (k, _, _), n in totals.items() if k == kind),
        "listed": [json.loads(line) for line in first],
    }
