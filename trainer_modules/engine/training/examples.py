"""Reads the transformed Examples back: shards of TFRecords, plain or gzip-compressed.

One serialized Example becomes (input, label): an image uint8 `[height, width, channels]`, or a
row float32 `[features]`, and the label for the problem's loss.
"""

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import LabelError
from trainer_modules.engine.task.task import Recipe

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Shards:
    """The examples of one split, counted.

    Attributes:
      files: Paths of the shards.
      count: Examples in them.
      labels: The stored labels, int64 `[count]` or `[count, classes]`, in the order of the shards;
        None where the problem does not count labels.
    """

    files: tuple[str, ...]
    count: int
    labels: np.ndarray | None = field(repr=False)


def measure(task: Recipe, files: list[str], split: str) -> Shards:
    """Counts the examples of `split` and reads their labels.

    Raises:
      BadInputError: If there are no examples, or a label is outside the task's classes.
    """
    import tensorflow as tf

    reads_labels = task.problem.counts_labels
    count, labels = 0, []
    if files:
        spec = task.problem.label_spec(task.input) if reads_labels else {}
        for batch in records(files).batch(1024).prefetch(2):
            count += int(batch.shape[0])
            if reads_labels:
                labels.append(tf.io.parse_example(batch, spec)["label"].numpy())
    if not count:
        raise BadInputError(f"the {split} split of task {task.name} has no examples.")
    if not reads_labels:
        return Shards(files=tuple(files), count=count, labels=None)
    joined = np.concatenate(labels)
    try:
        task.problem.label_counts(joined)
    except LabelError as error:
        classes = task.problem.names
        raise BadInputError(
            f"Of the examples of the {split} split of task {task.name}, {error}, which is outside "
            f"its {len(classes)} classes ({', '.join(classes[:5])}…)."
        ) from error
    return Shards(files=tuple(files), count=count, labels=joined)


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
    """Decodes a whole split once, in the order of the shards.

    Returns:
      Inputs `[count, …]` and labels `[count, …]`, in the types of `decode`.
    """
    decoded = (
        records(shards.files)
        # A fixed number, as AUTOTUNE starts with one and a small split is over before it learns.
        .map(lambda s: decode(task, s), num_parallel_calls=os.cpu_count(), deterministic=True)
        .batch(256)
        .prefetch(2)
    )
    inputs = labels = None
    start = 0
    for x, y in decoded.as_numpy_iterator():
        if inputs is None or labels is None:
            inputs = np.empty((shards.count, *x.shape[1:]), x.dtype)
            labels = np.empty((shards.count, *y.shape[1:]), y.dtype)
        inputs[start : start + len(x)] = x
        labels[start : start + len(y)] = y
        start += len(x)
    assert inputs is not None and labels is not None
    return inputs, labels
