"""What one night's reading remembers for the next: parts, digests, finished shards, splits.

Under the store's folder lie `digests` (what a part's files contain, by their names, sizes and
times), `examples` (finished shards, by the content of a part) and `places`: of which parts each
place consisted, and the split of every example of the spans that have gone.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from tfx.dsl.io import fileio

from components.example_gen.places import Place
from components.example_gen.readers import storage
from components.shard_store import MEMORY, ShardStore

Stamp = tuple[int, ...]
"""Size and time of the last change of a file, and of its mask."""

_ITEMS = "items.parquet"
_SPLITS = pa.schema(
    [("digest", pa.binary()), ("split", pa.string()), ("span", pa.int64()), ("id", pa.string())]
)
_ROWS = pa.schema(
    [
        *(("path", pa.binary()), ("stamp", pa.list_(pa.int64()))),
        *(("key", pa.string()), ("id", pa.string()), ("digest", pa.binary())),
        *(("mask", pa.binary()), ("split", pa.string()), ("label", pa.string())),
        *(("slices", pa.string()), ("empty", pa.bool_())),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One example, of which nothing but the image itself is kept.

    Attributes:
      path: The file it was read from.
      stamp: Size and time of that file.
      key: As in `Record`.
      id: As in `Record`, without the place's prefix.
      digest: SHA-256 of its content.
      mask: SHA-256 of its mask; b"" without one.
      split: As in `Record`, "" if the content decides.
      label: As in `Record`.
      slices: Its further features as JSON.
      empty: Whether it has no content.
    """

    path: str
    stamp: Stamp
    key: str
    id: str
    digest: bytes
    mask: bytes
    split: str
    label: str | None
    slices: str
    empty: bool


@dataclass(frozen=True)
class Memory:
    """The stores below one folder.

    Attributes:
      folder: The store's; "" to remember nothing.
    """

    folder: str

    @property
    def digests(self) -> ShardStore:
        """What the files of a part contain."""
        return ShardStore(self._below("digests"))

    @property
    def examples(self) -> ShardStore:
        """Finished shards."""
        return ShardStore(self._below("examples"))

    def parts_of(self, place: Place) -> list[str]:
        """Returns the keys of the parts that a place consisted of, as `remember` was told."""
        file = self._place_file(place)
        if not file or not fileio.exists(file):
            return []
        with fileio.open(file, "r") as f:
            return [str(key) for key in json.loads(f.read())]

    def remember(self, place: Place, parts: Iterable[str]) -> None:
        """Keeps the keys of a place's parts."""
        if file := self._place_file(place):
            _write(file, json.dumps(list(parts)).encode())

    def rows(self, part: str) -> list[Row]:
        """Returns what is known of a part's files; nothing if it has been removed."""
        entry = self.digests.find(part)
        return read_rows(storage.join(entry, _ITEMS)) if entry else []

    def stamps(self, part: str) -> Iterator[tuple[str, Stamp]]:
        """Yields (path, stamp) of the files of a part."""
        entry = self.digests.find(part)
        if not entry:
            return
        with fileio.open(storage.join(entry, _ITEMS), "rb") as f:
            table = pq.read_table(pa.BufferReader(f.read()), columns=["path", "stamp"])
        for path, stamp in zip(*(column.to_pylist() for column in table.columns), strict=True):
            yield path.decode("utf-8", "surrogatepass"), tuple(stamp)

    def put_rows(self, part: str, rows: list[Row]) -> None:
        """Keeps what the files of a part contain."""
        if self.folder:
            staged = self.digests.staged()
            write_rows(storage.join(staged, _ITEMS), rows)
            self.digests.put(part, staged)

    def known_splits(self, root: str) -> pa.Table:
        """Returns the split of every example that was kept in any span.

        Args:
          root: The data root, with its placeholders.
        """
        file = self._splits_file(root)
        return read_table(file) if file and fileio.exists(file) else _SPLITS.empty_table()

    def remember_splits(self, root: str, table: pa.Table) -> None:
        """Keeps what `known_splits` returns."""
        if file := self._splits_file(root):
            _write(file, table_bytes(table))

    def _splits_file(self, root: str) -> str:
        return self._below(MEMORY, f"splits-{_hash(root)}.parquet")

    def _place_file(self, place: Place) -> str:
        name = f"{place.settings}\n{place.prefix}\n{place.name}"
        return self._below(MEMORY, _hash(name) + ".json")

    def _below(self, *names: str) -> str:
        return storage.join(self.folder, *names) if self.folder else ""


def splits_table(rows: Iterable[tuple[bytes, str, int, str]]) -> pa.Table:
    """Returns (digest, split, number of the span, id) as `Memory.remember_splits` takes them."""
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return pa.table([list(column) for column in columns], schema=_SPLITS)


def write_rows(path: str, rows: list[Row]) -> None:
    """Writes rows as Parquet."""
    columns = [[getattr(row, name) for row in rows] for name in _ROWS.names]
    # Names of files need not be text.
    columns[0] = [path.encode("utf-8", "surrogatepass") for path in columns[0]]
    _write(path, table_bytes(pa.table(columns, schema=_ROWS)))


def read_rows(path: str) -> list[Row]:
    """Returns what `write_rows` wrote."""
    return [
        Row(
            **{
                **fields,
                "path": fields["path"].decode("utf-8", "surrogatepass"),
                "stamp": tuple(fields["stamp"]),
            }
        )
        for fields in read_table(path).to_pylist()
    ]


def read_table(path: str) -> pa.Table:
    """Returns a Parquet file of any file system."""
    with fileio.open(path, "rb") as f:
        return pq.read_table(pa.BufferReader(f.read()))


def table_bytes(table: pa.Table) -> bytes:
    """Returns a table as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def _write(path: str, contents: bytes) -> None:
    """Writes a file under another name first, so that a killed run leaves the old one."""
    fileio.makedirs(path.rpartition("/")[0])
    with fileio.open(path + ".part", "wb") as f:
        f.write(contents)
    fileio.rename(path + ".part", path, overwrite=True)


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
