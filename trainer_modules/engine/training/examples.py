"""Reads the transformed Examples back: shards of TFRecords, plain or gzip-compressed.

One serialized Example becomes (input, label): an image uint8 `[height, width, channels]`, or a
row float32 `[features]`, and the label for the problem's loss.

Training must not depend on how the examples are cut into shards: a night that reuses earlier shards
has others than a run that starts anew. So every split has a *canonical order*, by the hash of
each example's id (which mixes the classes) and, among equal ids, of its content.
"""

import hashlib
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import LabelError
from trainer_modules.engine.task.task import Recipe

_GZIP_MAGIC = b"\x1f\x8b"


# A record's number is that of its file times this, plus its place in the file.
_PER_FILE = 1 << 40
# What a TFRecord has before its content: the length, and a checksum of it; after it another one.
_HEADER, _FOOTER = 12, 4


@dataclass(frozen=True)
class Places:
    """Where the records of a split lie, int64 `[count]` each, in canonical order.

    Attributes:
      file: Index of the shard.
      offset: First byte of the record's content in it.
      length: Bytes of the content.
    """

    file: np.ndarray
    offset: np.ndarray
    length: np.ndarray


@dataclass(frozen=True)
class Shards:
    """The examples of one split, counted.

    Attributes:
      files: Paths of the shards.
      count: Examples in them.
      labels: The stored labels, int64 `[count]` or `[count, classes]`, in canonical order; None
        where the problem does not count labels.
      numbers: int64 `[count]`: the number of each record (see `_numbered`), in canonical order.
      places: Where each record can be read by itself; None where a shard is compressed or in a
        bucket, which can only be read from its beginning.
      digest: Hash of all ids and contents, independent of shards.
    """

    files: tuple[str, ...]
    count: int
    labels: np.ndarray | None = field(repr=False)
    numbers: np.ndarray = field(repr=False, default_factory=lambda: np.zeros(0, np.int64))
    places: Places | None = field(repr=False, default=None)
    digest: str = ""


def measure(task: Recipe, files: list[str], split: str) -> Shards:
    """Counts the examples of `split`, reads their labels and finds their canonical order.

    Raises:
      BadInputError: If there are no examples, or a label is outside the task's classes.
    """
    read = _columns(task, files)
    count = len(read["number"])
    if not count:
        raise BadInputError(f"the {split} split of task {task.name} has no examples.")
    order = np.lexsort((read["number"], read["content"], read["id"]))
    shards = Shards(
        files=tuple(files),
        count=count,
        labels=read["label"][order] if "label" in read else None,
        numbers=read["number"][order],
        places=_places(files, read["number"], read["length"], order),
        digest=hashlib.sha256(
            np.stack([read["id"][order], read["content"][order]]).tobytes()
        ).hexdigest(),
    )
    if shards.labels is None:
        return shards
    try:
        task.problem.label_counts(shards.labels)
    except LabelError as error:
        classes = task.problem.names
        raise BadInputError(
            f"Of the examples of the {split} split of task {task.name}, {error}, which is outside "
            f"its {len(classes)} classes ({', '.join(classes[:5])}…)."
        ) from error
    return shards


def _columns(task: Recipe, files: list[str]) -> dict[str, np.ndarray]:
    """Returns each record's number, hashes of its id and content, length and, if counted, label."""
    import tensorflow as tf

    spec = {"id": tf.io.FixedLenFeature([], tf.string, default_value="")}
    if task.problem.counts_labels:
        spec |= task.problem.label_spec(task.input)

    def described(number: Any, batch: Any) -> dict[str, Any]:
        parsed = tf.io.parse_example(batch, spec)
        # FarmHash's fingerprint, the same on every machine; as many buckets as int64 can hold.
        hashes = {"id": parsed["id"], "content": batch}
        columns = {k: tf.strings.to_hash_bucket_fast(v, 2**63 - 1) for k, v in hashes.items()}
        columns |= {"number": number, "length": tf.strings.length(batch)}
        return columns | ({"label": parsed["label"]} if task.problem.counts_labels else {})

    if not files:
        return {"number": np.zeros(0, np.int64)}
    batches = list(_numbered(files).batch(1024).map(described).prefetch(2).as_numpy_iterator())
    if not batches:
        return {"number": np.zeros(0, np.int64)}
    return {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}


def _places(
    files: list[str], numbers: np.ndarray, lengths: np.ndarray, order: np.ndarray
) -> Places | None:
    if any("://" in file or _is_gzip(file) for file in files):
        return None
    stored = np.argsort(numbers)  # as the records lie in the files, one file after the other
    file = numbers[stored] // _PER_FILE
    sizes = lengths[stored].astype(np.int64) + _HEADER + _FOOTER
    ends = np.cumsum(sizes)
    before = np.concatenate([[0], ends])[np.searchsorted(file, np.arange(len(files)))]
    offsets = np.empty_like(numbers)
    offsets[stored] = ends - sizes - before[file] + _HEADER
    return Places(
        file=numbers[order] // _PER_FILE,
        offset=offsets[order],
        length=lengths[order].astype(np.int64),
    )


def _numbered(files: list[str] | tuple[str, ...]) -> Any:
    """Returns (number, serialized Example) of all records in any order, `tf.data` of scalars."""
    import tensorflow as tf

    compressions = ["GZIP" if _is_gzip(f) else "" for f in files]
    firsts = np.arange(len(files), dtype=np.int64) * _PER_FILE

    def numbered(path: Any, compression: Any, first: Any) -> Any:
        content = tf.data.TFRecordDataset(path, compression_type=compression, buffer_size=8 << 20)
        return tf.data.Dataset.zip((tf.data.Dataset.range(first, first + _PER_FILE), content))

    return tf.data.Dataset.from_tensor_slices((list(files), compressions, firsts)).interleave(
        numbered,
        cycle_length=min(len(files), 16),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=False,
    )


def at(shards: Shards, indices: Any) -> Any:
    """Returns the records at `indices` of the canonical order, string `[n]`, read one by one.

    Args:
      shards: With places.
      indices: int64 or int32 tensor `[n]`.
    """
    import tensorflow as tf

    places = shards.places
    assert places is not None

    def read(wanted: np.ndarray) -> np.ndarray:
        records = np.empty(len(wanted), object)
        files = places.file[wanted]
        for file in np.unique(files):
            with open(shards.files[file], "rb", buffering=0) as opened:
                for slot in np.flatnonzero(files == file):
                    index = wanted[slot]
                    records[slot] = os.pread(
                        opened.fileno(), int(places.length[index]), int(places.offset[index])
                    )
        return records

    contents = tf.numpy_function(read, [indices], tf.string, stateful=False)
    return tf.ensure_shape(contents, indices.shape)


def records(
    files: list[str] | tuple[str, ...],
    *,
    deterministic: bool = True,
    order_seed: tuple[Any, Any] | None = None,
) -> Any:
    """Returns the serialized Examples, `tf.data` of string scalars, shards read in parallel.

    Args:
      files: The shards.
      deterministic: Keep the order of what the parallel readers deliver.
      order_seed: Seed (two integers or tensors) by which to shuffle the shards, or None.
    """
    import tensorflow as tf

    compressions = ["GZIP" if _is_gzip(f) else "" for f in files]
    order = tf.range(len(files))
    if order_seed is not None:
        order = tf.random.experimental.stateless_shuffle(order, seed=order_seed)
    paths, kinds = tf.gather(list(files), order), tf.gather(compressions, order)
    options = tf.data.Options()
    options.deterministic = deterministic
    return (
        tf.data.Dataset.from_tensor_slices((paths, kinds))
        .interleave(
            lambda path, compression: tf.data.TFRecordDataset(
                path, compression_type=compression, buffer_size=8 << 20
            ),
            cycle_length=min(len(files), 16),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=deterministic,
        )
        .with_options(options)
    )


def _is_gzip(path: str) -> bool:
    import tensorflow as tf

    with tf.io.gfile.GFile(path, "rb") as file:
        return file.read(2) == _GZIP_MAGIC


def in_order(shards: Shards) -> Any:
    """Returns the serialized Examples in canonical order; compressed ones in that of the shards."""
    import tensorflow as tf

    if shards.places is None:
        return records(shards.files)
    indices = tf.data.Dataset.range(shards.count).batch(64)
    return indices.map(lambda i: at(shards, i)).prefetch(1).unbatch()


def decode(task: Recipe, serialized: Any) -> tuple[Any, Any]:
    """Returns (input, label) of one serialized Example."""
    import tensorflow as tf

    spec = task.problem.label_spec(task.input) | task.input.stored_spec()
    parsed = tf.io.parse_single_example(serialized, spec)
    return task.input.stored_input(parsed), task.problem.training_label(parsed, task.input)


def bytes_per_example(task: Recipe) -> int:
    """Returns the size of one decoded input and its label, in bytes."""
    return task.input.size + task.problem.label_bytes(task.input)


def in_memory(task: Recipe, shards: Shards) -> tuple[np.ndarray, np.ndarray]:
    """Decodes a whole split once, in canonical order.

    Returns:
      Inputs `[count, …]` and labels `[count, …]`, in the types of `decode`.
    """
    decoded = (
        _numbered(shards.files)
        # A fixed number, as AUTOTUNE starts with one and a small split is over before it learns.
        .map(lambda n, s: (n, *decode(task, s)), num_parallel_calls=os.cpu_count())
        .batch(256)
        .prefetch(2)
    )
    stored = np.argsort(shards.numbers)
    known = shards.numbers[stored]
    inputs = labels = None
    for number, x, y in decoded.as_numpy_iterator():
        if inputs is None or labels is None:
            inputs = np.empty((shards.count, *x.shape[1:]), x.dtype)
            labels = np.empty((shards.count, *y.shape[1:]), y.dtype)
        rows = stored[np.searchsorted(known, number)]
        inputs[rows] = x
        labels[rows] = y
    assert inputs is not None and labels is not None
    return inputs, labels
