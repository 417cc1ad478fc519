"""Inputs of a prediction: images in folders or by pattern, TFRecords, a CSV of paths or numbers.

The input is divided into chunks, small descriptions that are sent to the workers; only the workers
read the bytes. An entry that cannot be read becomes an entry with an error.
"""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from components.example_gen.readers import csv_text
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.images import formats

_RECORDS = re.compile(r"\.tfrec(ord)?s?(\.gz|-\d+-of-\d+(\.gz)?)?$")
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
      files: (id, path) of images.
      records: A file of tf.Examples instead.
      rows: (id, numbers) of a table instead.
      failed: (id, reason) of what is known to be unreadable instead.
      keys: Names inside `records`.
    """

    index: int
    files: tuple[tuple[str, str], ...] = ()
    records: str = ""
    rows: tuple[tuple[str, tuple[float, ...]], ...] = ()
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
    if data.lower().endswith(".csv"):
        if columns:
            rows = _pieces(_table(data, keys, columns), batch_size)
            return [Chunk(index=i, rows=piece) for i, piece in enumerate(rows)]
        listed = _pieces(_paths(data, keys), batch_size)
        return [Chunk(index=i, files=piece) for i, piece in enumerate(listed)]
    if columns:
        raise BadInputError(
            f"--data must be a CSV file with the columns {', '.join(columns)} that this model "
            f"takes. Received: {data}"
        )
    root, found = _find(data)
    records = [path for path in found if _RECORDS.search(path)]
    if records:
        return [Chunk(index=i, records=path, keys=keys) for i, path in enumerate(records)]
    images = [path for path in found if path.lower().endswith(formats.ENDINGS)] if root else found
    if not images:
        raise BadInputError(
            f"--data {data} has no images ({', '.join(formats.ENDINGS)}) and no TFRecords "
            f"(*.tfrec*) among its {len(found)} files."
        )
    base = root or _fixed_part(data)
    files = [(os.path.relpath(path, base).replace(os.sep, "/"), path) for path in images]
    return [Chunk(index=i, files=piece) for i, piece in enumerate(_pieces(files, batch_size))]


def _find(data: str) -> tuple[str, list[str]]:
    """Returns (the folder, or "" for a pattern; the files in name order)."""
    import tensorflow as tf

    if tf.io.gfile.isdir(data):
        found = [
            os.path.join(folder, name)
            for folder, _, names in tf.io.gfile.walk(data)
            if "/." not in folder[len(data) :]
            for name in names
            if not name.startswith(".")
        ]
        return data, sorted(found)
    if tf.io.gfile.exists(data):
        return "", [data]
    # Python's glob supports `**`, TensorFlow's supports gs://.
    matched = tf.io.gfile.glob(data) if "://" in data else glob.glob(data, recursive=True)
    found = sorted(path for path in matched if not tf.io.gfile.isdir(path))
    if not found:
        raise BadInputError(
            f"--data {data}: there is no such folder or file, and no file matches it as a pattern."
        )
    return "", found


def _fixed_part(pattern: str) -> str:
    """Returns the folder of a pattern up to its first wildcard."""
    return os.path.dirname(re.split(r"[*?\[]", pattern)[0])


def _pieces(items: list[Any], multiple: int) -> list[tuple[Any, ...]]:
    """Cuts into pieces; a small input gets small pieces, so that progress is visible."""
    size = max(_SMALLEST_CHUNK, min(_LARGEST_CHUNK, len(items) // _CHUNKS))
    size = -(-size // multiple) * multiple
    return [tuple(items[start : start + size]) for start in range(0, len(items), size)]


def _read_csv(data: str, needed: Sequence[str]) -> list[dict[str, str]]:
    import tensorflow as tf

    if not tf.io.gfile.exists(data):
        raise BadInputError(f"--data {data}: there is no such file.")
    with tf.io.gfile.GFile(data, "rb") as f:
        contents = f.read()
    header = csv_text.header(contents)
    for name in needed:
        if name not in header:
            raise BadInputError(f"--data {data}: a column {did_you_mean(name, header)}.")
    rows = [row for _, row in csv_text.rows(contents)]
    if not rows:
        raise BadInputError(f"--data {data} has a header but no rows.")
    return rows


def _paths(data: str, keys: Keys) -> list[tuple[str, str]]:
    rows = _read_csv(data, [keys.path, *([keys.id] if keys.id else [])])
    folder = os.path.dirname(data)
    return [(row[keys.id or keys.path], _join(folder, row[keys.path])) for row in rows]


def _join(folder: str, path: str) -> str:
    return path if "://" in path else os.path.join(folder, path)


def _table(data: str, keys: Keys, columns: Sequence[str]) -> list[tuple[str, tuple[float, ...]]]:
    rows: list[tuple[str, tuple[float, ...]]] = []
    for i, row in enumerate(_read_csv(data, [*columns, *([keys.id] if keys.id else [])])):
        rows.append((row[keys.id] if keys.id else str(i), tuple(_number(row[c]) for c in columns)))
    return rows


def _number(text: str) -> float:
    """Returns NaN for a value that is not a number; the entry then has an error."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def read(chunk: Chunk) -> Iterator[Entry]:
    """Reads a chunk's entries, in order."""
    if chunk.records:
        yield from map(_converted, _read_records(chunk))
    for name, why in chunk.failed:
        yield Entry(name, None, why)
    for name, values in chunk.rows:
        wrong = any(v != v for v in values)
        yield (
            Entry(name, None, "a column is empty or not a number") if wrong else Entry(name, values)
        )
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
    import tensorflow as tf

    name, path = file
    try:
        if "://" not in path:
            with open(path, "rb") as local:
                return Entry(name, local.read())
        with tf.io.gfile.GFile(path, "rb") as remote:
            return Entry(name, remote.read())
    except (OSError, tf.errors.OpError) as e:
        return Entry(name, None, f"cannot be read: {getattr(e, 'strerror', None) or e}")


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
