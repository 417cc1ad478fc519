"""Reads, checks and writes one part of the data, or hashes it."""

import collections
import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tfx.dsl.io import fileio

from components.example_gen import checking, duplicates, manifest, parallel
from components.example_gen.readers import splits, storage
from components.example_gen.readers.items import UNLABELLED, Item, Reader, Record, Rejected
from trainer_modules.engine.problems import Problem

_CHUNK = 16
_CHUNK_BYTES = 1 << 20

Outcome = tuple[Record | None, checking.Checked | Rejected]


def fingerprints(reader: Reader, work: str, part: int) -> Iterator[tuple[bytes, duplicates.Copy]]:
    """Yields (SHA-256, copy) of every example of a part that may be a duplicate."""
    for fingerprint in _stream(reader, work, part, _hash):
        for digest, record in fingerprint:
            split = record.split or splits.by_hash(record.id, digest, reader.hash_split)
            label = record.label or ""
            if record.mask is not None:
                label = "mask " + hashlib.sha256(record.mask).hexdigest()[:8]
            if split != UNLABELLED and record.content:
                yield (
                    digest,
                    duplicates.copy_of(key=record.key, id=record.id, split=split, label=label),
                )


def write_part(
    reader: Reader,
    problem: Problem,
    work: str,
    part: int,
    folders: Mapping[str, str],
    of: int,
    drops: Mapping[str, duplicates.Drop | duplicates.Relabel],
) -> None:
    """Writes one file of Examples for each split, and lists the examples that were left out.

    Args:
      reader: Of the data.
      problem: What is learnt.
      work: Folder of the manifest; `rejected-<part>`, `converted-<part>`, `duplicates-<part>` and
        `counts-<part>` go there as well.
      part: Which part.
      folders: Split → folder of its Examples.
      of: How many parts there are.
      drops: Key → why an example is left out, or its new label.
    """
    import tensorflow as tf

    counts: collections.Counter[tuple[str, str, str]] = collections.Counter()
    name = f"data_tfrecord-{part:05d}-of-{of:05d}"
    temporary = {s: storage.join(work, f"{s}-{name}") for s in folders}
    writers = {s: tf.io.TFRecordWriter(path) for s, path in temporary.items()}
    check = functools.partial(_check, problem=problem, drops=drops)
    with (
        storage.create(storage.join(work, f"rejected-{part:05d}")) as rejected,
        storage.create(storage.join(work, f"converted-{part:05d}")) as converted,
        storage.create(storage.join(work, f"duplicates-{part:05d}")) as dropped,
    ):

        def reject(entry: Rejected) -> None:
            counts["rejected", entry.split, ""] += 1
            rejected.write(_line(id=entry.id, split=entry.split, reason=entry.reason))

        for outcomes in _stream(reader, work, part, check):
            for record, result in outcomes:
                if record is None or isinstance(result, Rejected):
                    assert isinstance(result, Rejected)
                    reject(result)
                    continue
                split = record.split or _hashed(record, reader)
                drop = drops.get(record.key)
                if isinstance(drop, duplicates.Drop) and drop.reason:
                    reject(Rejected(id=record.id, split=split, reason=drop.reason))
                    continue
                if isinstance(drop, duplicates.Drop):
                    counts["duplicate", split, ""] += 1
                    dropped.write(_line(id=record.id, kept=drop.kept, split=split))
                    continue
                writers[split].write(result.serialized)
                counts["example", split, ""] += 1
                counts["format", "", result.format] += 1
                if result.converted:
                    counts["converted", split, ""] += 1
                    note = ", ".join(result.notes)
                    line = _line(id=record.id, split=split, format=result.format, note=note)
                    converted.write(line)
                for shown in result.classes:
                    counts["class", split, shown] += 1
    for split, writer in writers.items():
        writer.close()
        fileio.rename(temporary[split], storage.join(folders[split], name), overwrite=True)
    with storage.create(storage.join(work, f"counts-{part:05d}")) as f:
        f.write(json.dumps([[*key, count] for key, count in sorted(counts.items())]))


def _hashed(record: Record, reader: Reader) -> str:
    digest = hashlib.sha256(record.content).digest()
    return splits.by_hash(record.id, digest, reader.hash_split)


def _stream(
    reader: Reader, work: str, part: int, act: Callable[[Record | Rejected], Any]
) -> Iterator[list[Any]]:
    """Yields the results of `act` on the entries of a part, computed by several threads."""
    threads = parallel.thread_count(remote=any(map(storage.is_remote, reader.places())))
    yield from parallel.run(_tasks(reader, work, part, act), threads=threads)


def _tasks(
    reader: Reader, work: str, part: int, act: Callable[[Record | Rejected], Any]
) -> Iterator[Callable[[], list[Any]]]:
    """Yields tasks of several entries each: submitting a task costs as much as a tiny image."""
    for entries in _chunks(_entries(reader, work, part)):
        yield functools.partial(_act_on, reader, entries, act)


def _entries(reader: Reader, work: str, part: int) -> Iterator[Item | Record | Rejected]:
    for entry in manifest.read(work, part):
        if isinstance(entry, Item) and reader.holds_many:
            yield from reader.read(entry)
        else:
            yield entry


def _chunks(
    entries: Iterator[Item | Record | Rejected],
) -> Iterator[list[Item | Record | Rejected]]:
    chunk: list[Item | Record | Rejected] = []
    size = 0
    for entry in entries:
        chunk.append(entry)
        size += len(entry.content) if isinstance(entry, Record) else 0
        if len(chunk) == _CHUNK or size > _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _act_on(
    reader: Reader, entries: list[Item | Record | Rejected], act: Callable[[Any], Any]
) -> list[Any]:
    outcomes: list[Any] = []
    for entry in entries:
        records = reader.read(entry) if isinstance(entry, Item) else (entry,)
        outcomes.extend(result for record in records if (result := act(record)) is not None)
    return outcomes


def _hash(record: Record | Rejected) -> tuple[bytes, Record] | None:
    if isinstance(record, Rejected):
        return None
    return hashlib.sha256(record.content).digest(), record


def _check(
    record: Record | Rejected,
    *,
    problem: Problem,
    drops: Mapping[str, duplicates.Drop | duplicates.Relabel],
) -> Outcome:
    if isinstance(record, Rejected):
        return None, record
    change = drops.get(record.key)
    if isinstance(change, duplicates.Relabel):
        record = dataclasses.replace(record, label=change.label)
    return record, checking.examine(record, problem)


def _line(**fields: str) -> str:
    return json.dumps(fields, ensure_ascii=False) + "\n"
