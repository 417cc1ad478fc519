"""The split in which each content was first seen, so that none changes its split.

Where the bytes alone decide the split there is nothing to remember. Where folders, lists or a
pattern in the path do, a copy in a later span, or the same span without its predecessor, could move
an example from the evaluated split into training.
"""

import functools

import pyarrow as pa
import pyarrow.compute as pc
from tfx.dsl.io import fileio

from components.example_gen import hashing, shard_files
from components.example_gen.duplicates import KnownSplit
from components.example_gen.manifest import Part
from components.example_gen.memory import Memory, read_table, table_bytes
from components.example_gen.places import Place
from components.example_gen.readers import storage
from components.example_gen.readers.items import UNLABELLED

_FILE = "known-splits.parquet"


def bring(work: str, places: tuple[Place, ...], memory: Memory) -> None:
    """Writes what earlier nights remember to the work folder, for `of_work`."""
    table = memory.known_splits(places[0].base)
    if not places[0].span.folder or not len(table):
        return
    tonight = {place.span.number for place in places}
    read = [number in tonight for number in table["span"].to_pylist()]
    table = table.append_column("read", pa.array(read, pa.bool_()))
    with fileio.open(storage.join(work, _FILE), "wb") as f:
        f.write(table_bytes(table))


@functools.lru_cache(maxsize=1)
def of_work(work: str) -> dict[bytes, KnownSplit]:
    """Returns digest → where it was seen first; a worker reads it once."""
    file = storage.join(work, _FILE)
    if not fileio.exists(file):
        return {}
    return {row.pop("digest"): KnownSplit(**row) for row in read_table(file).to_pylist()}


def keep(work: str, parts: list[Part], places: tuple[Place, ...], memory: Memory) -> None:
    """Remembers the splits of what was kept tonight, beside those of the other spans."""
    if not memory.folder or not places[0].span.folder:
        return
    before = memory.known_splits(places[0].base)
    tonight = {place.span.number for place in places}
    elsewhere = [number not in tonight for number in before["span"].to_pylist()]
    tables = [before.filter(pa.array(elsewhere, pa.bool_()))]
    for part in parts:
        place = places[part.place]
        rows = [] if place.fixed else hashing.rows_of(part, work)
        if not any(place.decides_by_place(row.split) for row in rows):
            continue
        table = read_table(shard_files.records_file(work, part))
        table = table.filter(pc.not_equal(table["split"], UNLABELLED))
        number = pa.array([place.span.number] * len(table), pa.int64())
        columns = [table["digest"].cast(pa.binary()), table["split"], number, table["id"]]
        tables.append(pa.table(columns, schema=before.schema))
    if any(map(len, tables)) or len(before):
        memory.remember_splits(places[0].base, pa.concat_tables(tables))
