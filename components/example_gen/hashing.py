"""What each file of a part contains: read and hashed, or known from an earlier night."""

import dataclasses
import functools
import json
from collections.abc import Iterator

from components.example_gen import duplicates, manifest, streaming
from components.example_gen.manifest import Listed, Part
from components.example_gen.memory import Memory, Row, read_rows, write_rows
from components.example_gen.places import Place, content_of
from components.example_gen.readers import storage
from components.example_gen.readers.items import UNLABELLED, Record, Rejected


def fingerprints(
    place: Place, part: Part, work: str, memory: Memory
) -> Iterator[tuple[bytes, duplicates.Copy]]:
    """Yields (SHA-256, copy) of every example of a part that may be a duplicate.

    Writes `hashed-<number>`, the rows of the part, for `rows_of`.
    """
    rows = _rows(place, part, work, memory)
    write_rows(_file(work, part), rows)
    for row in rows:
        split = place.split_of(split=row.split, identifier=row.id, digest=row.digest)
        if split != UNLABELLED and not row.empty:
            yield row.digest, _copy(place, row, split)


def rows_of(part: Part, work: str) -> list[Row]:
    """Returns the rows of a part that `fingerprints` has seen."""
    return read_rows(_file(work, part))


def _copy(place: Place, row: Row, split: str) -> duplicates.Copy:
    return duplicates.copy_of(
        key=place.prefix + row.key,
        id=place.prefix + row.id,
        split=split,
        label=f"mask {row.mask.hex()[:8]}" if row.mask else row.label or "",
        span=place.span.number,
        follows_place=place.decides_by_place(row.split),
    )


def _rows(place: Place, part: Part, work: str, memory: Memory) -> list[Row]:
    """Returns the rows of a part; what could not be read has none, and is read again next time."""
    listed, _ = manifest.read(work, part.number)
    known: dict[str, list[Row]] = {}
    for key in sorted({entry.known for entry in listed} - {""}):
        wanted = {entry.item.path for entry in listed if entry.known == key}
        for row in memory.rows(key):
            if row.path in wanted:
                known.setdefault(row.path, []).append(row)
    if not place.reader.holds_many:
        known = {path: rows[:1] for path, rows in known.items()}
    if part_rows := memory.rows(part.key):
        # The same files as when a run was killed, or as last night.
        known |= _by_path(part_rows, place)
    rows = [
        _as_listed(row, entry, place) for entry in listed for row in known.get(entry.item.path, ())
    ]
    unread = [entry for entry in listed if entry.item.path not in known]
    complete = True
    stamps = {entry.item.path: entry.stamp for entry in unread}
    hash_row = functools.partial(_hash, stamps=stamps)
    for outcomes in streaming.stream(place.reader, [entry.item for entry in unread], hash_row):
        rows += [row for row in outcomes if row is not None]
        complete &= None not in outcomes
    if complete and not part_rows:
        memory.put_rows(part.key, rows)
    return rows


def _by_path(rows: list[Row], place: Place) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.path, []).append(row)
    return found if place.reader.holds_many else {path: r[:1] for path, r in found.items()}


def _as_listed(row: Row, entry: Listed, place: Place) -> Row:
    """Returns a known row under today's label: that of a single image is not in its file."""
    if place.reader.holds_many:
        return row
    item = entry.item
    return dataclasses.replace(
        row,
        key=item.key,
        id=item.id,
        split=item.split,
        label=item.label,
        slices=_slices({name: value.encode() for name, value in item.slices}),
    )


def _hash(
    path: str, record: Record | Rejected, *, stamps: dict[str, tuple[int, ...]]
) -> Row | None:
    if isinstance(record, Rejected):
        return None
    digest, mask = content_of(record)
    return Row(
        path=path,
        stamp=stamps[path],
        key=record.key,
        id=record.id,
        digest=digest,
        mask=mask,
        split=record.split,
        label=record.label,
        slices=_slices(record.slices),
        empty=not record.content,
    )


def _slices(values: dict[str, bytes]) -> str:
    return json.dumps({name: value.hex() for name, value in sorted(values.items())})


def _file(work: str, part: Part) -> str:
    return storage.join(work, f"hashed-{part.number:05d}")
