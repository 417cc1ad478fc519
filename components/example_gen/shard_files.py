"""The files of one part: shards of Examples, the record of each, and what was left out."""

import hashlib
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import pyarrow as pa
from tfx.dsl.io import fileio

from components.example_gen import checking
from components.example_gen.manifest import Part
from components.example_gen.memory import table_bytes
from components.example_gen.places import Place
from components.example_gen.readers import storage
from components.example_gen.readers.items import Rejected
from components.shard_store import link_file

SHARD = "data_tfrecord-"
RECORDS = "records"
EMPTY_SHARD = SHARD + "0" * 16

# What an entry of the store holds beside its shards.
_CONTENTS, _REJECTED, _CONVERTED, _TABLE = (
    *("contents.json", "rejected.jsonl"),
    *("converted.jsonl", "records.parquet"),
)
_SCHEMA = pa.schema(
    [
        *(("id", pa.string()), ("span", pa.string()), ("split", pa.string())),
        *(("label", pa.string()), ("digest", pa.binary(32)), ("shard", pa.string())),
        *(("height", pa.int64()), ("width", pa.int64()), ("channels", pa.int64())),
        *(("format", pa.string()), ("brightness", pa.float64())),
    ]
)


class Writer:
    """Writes the entry of one part into an empty folder."""

    def __init__(self, folder: str, place: Place) -> None:
        """Starts an entry of a place's examples."""
        self._folder, self._place = folder, place
        self._rows: list[dict[str, Any]] = []
        self._shards: dict[str, Any] = {}
        self._names = {split: hashlib.sha256() for split in place.splits}
        self._lists = {
            name: storage.create(storage.join(folder, name)) for name in (_REJECTED, _CONVERTED)
        }
        self._counts: Mapping[tuple[str, str, str], int] = {}

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for f in (*self._lists.values(), *self._shards.values()):
            f.close()
        if error is None:
            self._finish()

    def reject(self, entry: Rejected) -> None:
        """Lists an example that cannot be used."""
        line = _line(id=entry.id, split=entry.split, reason=entry.reason)
        self._lists[_REJECTED].write(line)

    def add(
        self, checked: checking.Checked, *, id: str, split: str, label: str, digest: bytes
    ) -> None:
        """Writes an Example."""
        import tensorflow as tf

        if split not in self._shards:
            self._shards[split] = tf.io.TFRecordWriter(storage.join(self._folder, split))
        self._shards[split].write(checked.serialized)
        self._names[split].update(hashlib.sha256(checked.serialized).digest())
        if checked.converted:
            note = ", ".join(checked.notes)
            line = _line(id=id, split=split, format=checked.format, note=note)
            self._lists[_CONVERTED].write(line)
        measured = checked.measured
        self._rows.append(
            {
                "id": id,
                "span": self._place.span.folder if not self._place.fixed else self._place.prefix,
                "split": split,
                "label": label,
                "digest": digest,
                "format": checked.format,
                **{
                    name: getattr(measured, name) if measured else None
                    for name in ("height", "width", "channels", "brightness")
                },
            }
        )

    def count(self, counts: Mapping[tuple[str, str, str], int]) -> None:
        """Takes the counts of the part: (kind, split, name) → number."""
        self._counts = counts

    def _finish(self) -> None:
        shards = {}
        for split in self._shards:
            shards[split] = SHARD + self._names[split].hexdigest()[:16]
            old, new = (storage.join(self._folder, name) for name in (split, shards[split]))
            fileio.rename(old, new, overwrite=True)
        table = [{**row, "shard": shards[row["split"]]} for row in self._rows]
        with fileio.open(storage.join(self._folder, _TABLE), "wb") as f:
            f.write(table_bytes(pa.Table.from_pylist(table, schema=_SCHEMA)))
        counted = [[*key, count] for key, count in sorted(self._counts.items()) if count]
        with storage.create(storage.join(self._folder, _CONTENTS)) as f:
            f.write(json.dumps({"shards": shards, "counts": counted}))


def publish(entry: str, work: str, part: Part, folders: Mapping[str, str]) -> bool:
    """Adds the shards of an entry to the night's Examples, and its lists to the work.

    Args:
      entry: The folder that a `Writer` filled.
      work: Where the lists go.
      part: Whose they are.
      folders: Split → folder of its Examples.

    Returns:
      Whether all files are there; an entry of a store may be removed at any time.
    """
    number = f"{part.number:05d}"
    fileio.makedirs(storage.join(work, RECORDS))
    names = {
        _REJECTED: storage.join(work, f"rejected-{number}.jsonl"),
        _CONVERTED: storage.join(work, f"converted-{number}.jsonl"),
        _TABLE: records_file(work, part),
        _CONTENTS: storage.join(work, f"contents-{number}.json"),
    }
    if not all(link_file(storage.join(entry, name), file) for name, file in names.items()):
        return False
    shards = read_contents(work, part)["shards"]
    return all(
        link_file(storage.join(entry, name), storage.join(folders[split], name))
        for split, name in shards.items()
    )


def fill_empty(folders: Mapping[str, str]) -> None:
    """Gives every split a shard: TFX's readers do not accept a folder without one."""
    import tensorflow as tf

    for folder in folders.values():
        if not fileio.exists(folder) or not fileio.listdir(folder):
            fileio.makedirs(folder)
            tf.io.TFRecordWriter(storage.join(folder, EMPTY_SHARD)).close()


def read_contents(work: str, part: Part) -> dict[str, Any]:
    """Returns the shards and counts of a published part."""
    with fileio.open(storage.join(work, f"contents-{part.number:05d}.json"), "r") as f:
        contents: dict[str, Any] = json.loads(f.read())
    return contents


def rejected_ids(work: str, part: Part) -> set[str]:
    """Returns the ids of the examples of a published part that could be read but not used."""
    with fileio.open(storage.join(work, f"rejected-{part.number:05d}.jsonl"), "r") as f:
        return {json.loads(line)["id"] for line in iter(f.readline, "")}


def records_file(work: str, part: Part) -> str:
    """Returns the file with one row for each example of a published part."""
    return storage.join(work, RECORDS, f"{part.number:05d}.parquet")


def write_lists(
    work: str, part: Part, rejected: list[Rejected], copies: list[dict[str, str]]
) -> None:
    """Lists what this night leaves out of a part although it could be read."""
    number = f"{part.number:05d}"
    with storage.create(storage.join(work, f"left-out-{number}.jsonl")) as f:
        for entry in rejected:
            f.write(_line(id=entry.id, split=entry.split, reason=entry.reason))
    with storage.create(storage.join(work, f"duplicates-{number}.jsonl")) as f:
        for copy in copies:
            f.write(_line(**copy))


def _line(**fields: str) -> str:
    return json.dumps(fields, ensure_ascii=False) + "\n"
