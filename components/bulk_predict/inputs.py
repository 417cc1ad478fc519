"""Inputs of a prediction: images in folders or by pattern, TFRecords, a CSV of paths or numbers.

The input is divided into chunks, small descriptions that are sent to the workers; only the workers
read the bytes. An entry that cannot be read becomes an entry with an error.
"""

import glob
import itertools
import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from components.example_gen.readers import path_table, storage, tables
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.images import formats

_RECORDS = re.compile(r"\.tfrec(ord)?s?(\.gz|-\d+-of-\d+(\.gz)?)?$")
_LISTS = (".csv", ".tsv")
_SMALLEST_CHUNK, _LARGEST_CHUNK, _CHUNKS = 64, 1024, 32
_READERS = 8


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Names inside TFRecords and CSV files.

    Attributes:
      image: Feature of the encoded image.
      id: Feature, or CSV column, of the id; "" for the first of `image_name`, `id` that is there.
      label: Feature of a label to copy to the field `true`; "" for none.
      path: CSV column of the image's path.
    """

    image: str = "image"
    id: str = ""
    label: str = ""
    path: str = "path"


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A piece of the input.

    Attributes:
      index: Its place in the input.
      files: (id, path) of images; a path is "" where a CSV row names none.
      records: A file of tf.Examples instead.
      rows: (id, numbers, reason) of a table instead; a reason is "" where there are numbers.
      failed: (id, reason) of what is known to be unreadable instead.
      keys: Names inside `records`.
    """

    index: int
    files: tuple[tuple[str, str], ...] = ()
    records: str = ""
    rows: tuple[tuple[str, tuple[float, ...], str], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    keys: Keys = field(default_factory=Keys)


@dataclass(frozen=True)
class Entry:
    """One thing to predict: `content` is encoded bytes or a row of numbers, None with an error.

    Encoded bytes are of a format that TensorFlow decodes: `read` converts the others, and says so.
    """

    id: str
    content: Any
    error: str = ""
    true: str = ""
    converted: bool = False


def chunks(data: str, keys: Keys, columns: Sequence[str] = (), batch_size: int = 1) -> list[Chunk]:
    """Finds what `data` names and cuts it into chunks, in a stable order.

    Args:
      data: A folder, a pattern, a TFRecord file, a CSV file, or an image.
      keys: Names inside TFRecords and CSV files.
      columns: Feature columns of a model of tables; () for a model of images.
      batch_size: Chunks hold a multiple of it, so that no call of the model is half empty.

    Raises:
      BadInputError: If there is nothing, or nothing that can be read as images.
    """
    ending = os.path.splitext(data)[1].lower()
    if ending in _LISTS or (columns and ending == ".npz"):
        if columns:
            rows = _pieces(_table(data, keys, columns), batch_size)
            return [Chunk(index=i, rows=piece) for i, piece in enumerate(rows)]
        named = _pieces(_paths(data, keys), batch_size)
        return [Chunk(index=i, files=piece) for i, piece in enumerate(named)]
    if columns:
        raise BadInputError(
            f"--data must be a CSV or .npz file with the columns {', '.join(columns)} that this "
            f"model takes. Received: {data}"
        )
    root, paths, unlisted = _find(data)
    records = [path for path in paths if _RECORDS.search(path)]
    if records:
        return [Chunk(index=i, records=path, keys=keys) for i, path in enumerate(records)]
    images = [path for path in paths if path.lower().endswith(formats.ENDINGS)] if root else paths
    if not images:
        raise BadInputError(
            f"--data {data} has no images ({', '.join(formats.ENDINGS)}) and no TFRecords "
            f"(*.tfrec*) among its {len(paths)} files."
        )
    base = root or _fixed_part(data)
    names = (os.path.relpath(path, base).replace(os.sep, "/") for path in images)
    files = list(zip(map(storage.printable, names), images, strict=True))
    listed = [Chunk(index=i, files=piece) for i, piece in enumerate(_pieces(files, batch_size))]
    return [*listed, *([Chunk(index=len(listed), failed=unlisted)] if unlisted else [])]


def _find(data: str) -> tuple[str, list[str], tuple[tuple[str, str], ...]]:
    """Returns (the folder, or "" for a pattern; the files in name order; (id, reason) of folders).

    In a folder these are the files that training would find there.
    """
    import tensorflow as tf

    if storage.is_folder(data):
        entries = list(storage.files(data))
        files = [e.relative for e in entries if not e.relative.endswith("/")]
        unlisted = [
            (storage.printable(e.relative), e.problem)
            for e in entries
            if e.relative.endswith("/") and e.problem != storage.EMPTY
        ]
        return data, [storage.join(data, name) for name in sorted(files)], tuple(unlisted)
    if storage.exists(data):
        return "", [data], ()
    # Python's glob supports `**`, TensorFlow's supports gs://.
    matched = tf.io.gfile.glob(data) if "://" in data else glob.glob(data, recursive=True)
    paths = sorted(path for path in matched if not tf.io.gfile.isdir(path))
    if not paths:
        raise BadInputError(
            f"--data {data}: there is no such folder or file, and no file matches it as a pattern."
        )
    return "", paths, ()


def _fixed_part(pattern: str) -> str:
    """Returns the folder of a pattern up to its first wildcard."""
    return os.path.dirname(re.split(r"[*?\[]", pattern)[0])


def _pieces(items: list[Any], multiple: int) -> list[tuple[Any, ...]]:
    """Cuts into pieces; a small input gets small pieces, so that progress is visible."""
    size = max(_SMALLEST_CHUNK, min(_LARGEST_CHUNK, len(items) // _CHUNKS))
    size = -(-size // multiple) * multiple
    return [tuple(items[start : start + size]) for start in range(0, len(items), size)]


def _rows(data: str, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line or index, row) as training reads them, once the needed columns are there."""
    if not storage.exists(data):
        raise BadInputError(f"--data {data}: there is no such file.")
    rows = tables.rows_of(data)
    first = next(rows, None)
    if first is None:
        raise BadInputError(f"--data {data} has no rows below a header.")
    for name in needed:
        if name not in first[1]:
            raise BadInputError(f"--data {data}: a column {did_you_mean(name, list(first[1]))}.")
    return itertools.chain([first], rows)


def _paths(data: str, keys: Keys) -> list[tuple[str, str]]:
    folder, name = posixpath.split(data)
    listed = []
    for line, row in _rows(data, [keys.path, *([keys.id] if keys.id else [])]):
        path = row[keys.path].strip()
        full = path_table.located(folder, "", path)[1] if path else ""
        listed.append((row[keys.id or keys.path] or f"{name}:{line}", full))
    return listed


def _table(
    data: str, keys: Keys, columns: Sequence[str]
) -> list[tuple[str, tuple[float, ...], str]]:
    rows: list[tuple[str, tuple[float, ...], str]] = []
    for i, (_, row) in enumerate(_rows(data, [*columns, *([keys.id] if keys.id else [])])):
        reason = tables.wrong_numbers(row, columns)
        values = () if reason else tuple(float(row[column]) for column in columns)
        rows.append((str(row[keys.id]) if keys.id else str(i), values, reason))
    return rows


def read(chunk: Chunk) -> Iterator[Entry]:
    """Reads a chunk's entries, in order."""
    if chunk.records:
        yield from map(_converted, _read_records(chunk))
    for name, why in chunk.failed:
        yield Entry(name, None, why)
    for name, values, reason in chunk.rows:
        yield Entry(name, None, reason) if reason else Entry(name, values)
    if chunk.files:
        with ThreadPoolExecutor(_READERS) as pool:
            for start in range(0, len(chunk.files), 4 * _READERS):
                yield from pool.map(_read_image, chunk.files[start : start + 4 * _READERS])


def _read_image(file: tuple[str, str]) -> Entry:
    return _converted(_read_file(file))


def _converted(entry: Entry) -> Entry:
    """Returns an image in a format that the model decodes, or the reason why there is none."""
    if entry.error:
        return entry
    try:
        converted = formats.convert(entry.content)
    except formats.UnreadableError as error:
        return replace(entry, content=None, error=str(error))
    return replace(entry, content=converted.png, converted=True) if converted else entry


def _read_file(file: tuple[str, str]) -> Entry:
    name, path = file
    if not path:
        return Entry(name, None, "the row names no image")
    try:
        return Entry(name, storage.read(path))
    except OSError as error:
        return Entry(name, None, f"cannot be read: {error.strerror or error}")


def _read_records(chunk: Chunk) -> Iterator[Entry]:
    import tensorflow as tf

    shard = os.path.basename(chunk.records)
    count = 0
    try:
        with tf.io.gfile.GFile(chunk.records, "rb") as f:
            compression = "GZIP" if f.read(2) == b"\x1f\x8b" else ""
        dataset = tf.data.TFRecordDataset(chunk.records, compression, buffer_size=8 << 20)
        for serialized in dataset.prefetch(64).as_numpy_iterator():
            yield _parse(serialized, f"{shard}:{count}", chunk.keys)
            count += 1
    except tf.errors.OpError as e:
        text = f"the file cannot be read beyond this point: {str(e.message).splitlines()[0]}"
        yield Entry(f"{shard}:{count}", None, text)


def _parse(serialized: bytes, place: str, keys: Keys) -> Entry:
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        feature = tf.train.Example.FromString(serialized).features.feature
    except DecodeError:
        return Entry(place, None, "is not a tf.train.Example")
    names = [keys.id] if keys.id else ["image_name", "id"]
    name = next((_text(feature[n]) for n in names if n in feature), place)
    true = _text(feature[keys.label]) if keys.label in feature else ""
    image = feature[keys.image].bytes_list.value if keys.image in feature else ()
    if not image:
        return Entry(name, None, f"has no feature '{keys.image}'; it has {sorted(feature)}", true)
    return Entry(name, image[0], "", true)


def _text(feature: Any) -> str:
    """Returns a feature's first value as text."""
    kind = feature.WhichOneof("kind")
    values = getattr(feature, kind).value if kind else ()
    if not values:
        return ""
    return values[0].decode("utf-8", "replace") if isinstance(values[0], bytes) else str(values[0])
