"""Writes one part of the data, or takes it as it was written on an earlier night."""

import collections
import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tfx.dsl.io import fileio

from components.example_gen import checking, duplicates, hashing, manifest, shard_files, streaming
from components.example_gen.manifest import Part
from components.example_gen.memory import Memory, Row
from components.example_gen.places import Place, content_of
from components.example_gen.readers import storage
from components.example_gen.readers.items import UNLABELLED, Record, Rejected
from trainer_modules.engine.problems import Problem

_CHANGED = "changed while it was being read"
# Entries of the store have this form; another form is another key.
_FORM = "1"

Drops = Mapping[str, duplicates.Drop | duplicates.Relabel]


@dataclass(frozen=True, kw_only=True)
class _Decided:
    """What was read of an example, its split and label, and whether it is left out and why."""

    row: Row
    split: str
    label: str | None
    drop: duplicates.Drop | None


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What became of one record: its key, and the Example or why there is none."""

    key: str
    result: checking.Checked | Rejected


def write_part(
    place: Place,
    problem: Problem,
    work: str,
    part: Part,
    folders: Mapping[str, str],
    memory: Memory,
    drops: Drops,
) -> None:
    """Adds the shards of a part, and lists the examples that were left out.

    Args:
      place: Where the part lies.
      problem: What is learnt.
      work: Folder of the manifest; `rejected-<part>`, `converted-<part>`, `duplicates-<part>`,
        `counts-<part>` and `part-<part>.json` go there as well.
      part: Which part.
      folders: Split → folder of its Examples.
      memory: Of earlier nights.
      drops: Key → why an example is left out, or its new label.
    """
    decided = _decided(place, hashing.rows_of(part, work), drops)
    key = _key(place, problem, decided.values())
    listed, rejected = manifest.read(work, part.number)
    store = memory.examples
    entry = store.find(key)
    if not (entry and shard_files.publish(entry, work, part, folders)):
        if entry:
            # Something removed a file of it.
            fileio.rmtree(entry)
        staged = store.staged() if memory.folder else storage.join(work, "staged", key)
        fileio.makedirs(staged)
        read_all = _examine_all(place, problem, listed, decided, staged)
        # What could not be read tonight may be readable on another night.
        keep = bool(memory.folder) and read_all
        shard_files.publish(store.put(key, staged) if keep else staged, work, part, folders)
        if not keep:
            fileio.rmtree(staged)
    _list_dropped(place, work, part, rejected, decided)


def _decided(place: Place, rows: Iterable[Row], drops: Drops) -> dict[str, _Decided]:
    """Returns key → what is decided about every example of a part."""
    decided = {}
    for row in rows:
        split = place.split_of(split=row.split, identifier=row.id, digest=row.digest)
        if place.fixed and split == UNLABELLED:
            continue
        change = drops.get(place.prefix + row.key)
        label, drop = row.label, None
        if isinstance(change, duplicates.Relabel):
            label = change.label
        else:
            drop = change
        decided[row.key] = _Decided(row=row, split=split, label=label, drop=drop)
    return decided


def _list_dropped(
    place: Place,
    work: str,
    part: Part,
    rejected: list[Rejected],
    decided: Mapping[str, _Decided],
) -> None:
    """Lists copies and contradictions, unless the image itself cannot be used."""
    unusable = shard_files.rejected_ids(work, part)
    copies = []
    for example in decided.values():
        identifier, drop = place.prefix + example.row.id, example.drop
        if drop is None or identifier in unusable:
            continue
        if drop.reason:
            rejected.append(Rejected(id=identifier, split=example.split, reason=drop.reason))
        else:
            copies.append({"id": identifier, "kept": drop.kept, "split": example.split})
    shard_files.write_lists(work, part, rejected, copies)


def _key(place: Place, problem: Problem, decided: Iterable[_Decided]) -> str:
    """Returns a hash of everything that the shards of a part depend on."""
    digest = hashlib.sha256(f"{_FORM}\n{place.settings}\n{place.prefix}\n".encode())
    lines = []
    for example in decided:
        row = example.row
        lines.append(
            f"{row.id}\n{example.split}\n{row.digest.hex()}\n{row.mask.hex()}\n{row.slices}\n"
            f"{example.drop is None}\n{example.label}\n{_label_features(problem, example.label)}"
        )
    for line in sorted(lines):
        digest.update(hashlib.sha256(line.encode()).digest())
    return digest.hexdigest()[:32]


def _label_features(problem: Problem, label: str | None) -> str:
    if label is None:
        return ""
    return f"{problem.raw_labels(label)} {problem.counted_as(label)}"


def _examine_all(
    place: Place,
    problem: Problem,
    listed: Iterable[manifest.Listed],
    decided: Mapping[str, _Decided],
    staged: str,
) -> bool:
    """Writes an entry of the store; returns whether every file could be read."""
    counts: collections.Counter[tuple[str, str, str]] = collections.Counter()
    check = functools.partial(_check, problem=problem, decided=decided, prefix=place.prefix)
    read_all = True
    with shard_files.Writer(staged, place) as writer:
        for outcomes in streaming.stream(place.reader, [e.item for e in listed], check):
            for outcome in outcomes:
                if outcome is None:
                    continue
                result, example = outcome.result, decided.get(outcome.key)
                if isinstance(result, Rejected):
                    # What is known of a file's content is known for good; a failed read is not.
                    read_all &= example is not None and result.reason != _CHANGED
                    counts["rejected", result.split, ""] += 1
                    writer.reject(result)
                    continue
                assert example is not None
                if example.drop:
                    continue
                counts["example", example.split, ""] += 1
                counts["format", "", result.format] += 1
                counts["converted", example.split, ""] += result.converted
                for shown in result.classes:
                    counts["class", example.split, shown] += 1
                writer.add(
                    result,
                    id=place.prefix + example.row.id,
                    split=example.split,
                    label=_label_text(example),
                    digest=example.row.digest,
                )
        writer.count(counts)
    return read_all


def _label_text(example: _Decided) -> str:
    return f"mask {example.row.mask.hex()}" if example.row.mask else example.label or ""


def _check(
    path: str,
    record: Record | Rejected,
    *,
    problem: Problem,
    decided: Mapping[str, _Decided],
    prefix: str,
) -> _Outcome | None:
    del path
    identifier = prefix + record.id
    if isinstance(record, Rejected):
        return _Outcome(key="", result=dataclasses.replace(record, id=identifier))
    example = decided.get(record.key)
    if example is None:
        return None
    if content_of(record) != (example.row.digest, example.row.mask):
        changed = Rejected(id=identifier, split=record.split, reason=_CHANGED)
        return _Outcome(key=record.key, result=changed)
    record = dataclasses.replace(record, id=identifier, label=example.label)
    return _Outcome(key=record.key, result=checking.examine(record, problem))
