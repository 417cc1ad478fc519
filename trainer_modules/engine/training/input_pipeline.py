"""Feeds training and evaluation from the transformed Examples; uint8 up to the device.

An epoch is a permutation of the canonical order of the examples (see `examples`), so it does not
depend on how they are cut into shards. A split whose decoded form fits the budget
(`train.cache_megabytes`, measured as count × bytes of one example) is decoded once into memory. A
larger one is read anew in each pass, record by record from where they lie in the shards: the same
batches. Only shards that cannot be read like that (compressed ones, or in a bucket) are read as a
whole in each pass, in parallel, the shards in a new order and their records shuffled in blocks of
`train.shuffle`; there the order depends on the shards.

Training is an endless stream of batches of one static shape. It is cut into passes; a pass
shuffles with its own seed and drops its remainder, so that the batch of any step depends on the
seed and the step alone, and a resumed run continues with exactly the same batches.

Evaluation drops nothing: the last batch is filled up to the static shape with examples of weight
0. The others weigh `slots / count`, so that Keras' mean over all slots is the mean over the
examples.
"""

import dataclasses
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.task import Recipe
from trainer_modules.engine.training import examples
from trainer_modules.engine.training.examples import Shards

_log = logging.getLogger("tfx_vision")
_FOREVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Split:
    """A split prepared for reading.

    Attributes:
      task: The task.
      shards: Its shards and their size.
      memory: Decoded inputs and labels, or None if they are read again in each pass.
      class_weights: float32 `[classes]` by which examples count, or None.
    """

    task: Recipe
    shards: Shards
    memory: tuple[np.ndarray, np.ndarray] | None = None
    class_weights: np.ndarray | None = None

    @property
    def count(self) -> int:
        """Examples in the split."""
        return self.shards.count


def prepare(task: Recipe, shards: Shards, *, budget: int, split: str) -> tuple[Split, int]:
    """Decodes the split into memory where it fits `budget` bytes.

    Returns:
      The split, and the bytes that it takes of the budget.
    """
    size = shards.count * examples.bytes_per_example(task)
    fits = size <= budget
    _log.info(
        "%s: %d examples, %.1f MB decoded, %s",
        split,
        shards.count,
        size / 1e6,
        "kept in memory" if fits else f"read again for each epoch (budget {budget / 1e6:.0f} MB)",
    )
    memory = examples.in_memory(task, shards) if fits else None
    return Split(task=task, shards=shards, memory=memory), size if fits else 0


def balanced_weights(labels: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """Returns `count / (classes * count of the class)`, float32 `[classes]`.

    As scikit-learn's `class_weight="balanced"`; a class without examples weighs 0.
    """
    counts = np.bincount(labels, minlength=len(classes))
    present = np.maximum(counts, 1)
    return np.where(counts, len(labels) / ((counts > 0).sum() * present), 0).astype(np.float32)


def steps_per_pass(split: Split, global_batch: int) -> int:
    """Returns the whole batches in one pass over the split.

    Raises:
      BadInputError: If there is none.
    """
    if split.count < global_batch:
        raise BadInputError(
            f"the global batch of {global_batch} is larger than the {split.count} examples of the "
            f"training split of task {split.task.name}, so an epoch would have no steps. Lower it "
            f"with --set train.batch_size={split.count} or less."
        )
    return split.count // global_batch


def training(split: Split, strategy: Any, *, global_batch: int, start_step: int) -> Any:
    """Returns the endless training stream from `start_step` on, for `fit(steps_per_epoch=…)`.

    Elements are (input, label) or, with class weights, (input, label, weight), batched per
    replica, over all replicas `global_batch`.
    """

    def feed(context: Any) -> Any:
        return _training_feed(split, context, global_batch, start_step)

    return strategy.distribute_datasets_from_function(feed)


def _training_feed(split: Split, context: Any, global_batch: int, start_step: int) -> Any:
    import tensorflow as tf

    train = split.task.train
    replica_batch = context.get_per_replica_batch_size(global_batch)
    pipelines, pipeline = context.num_input_pipelines, context.input_pipeline_id
    replicas = global_batch // replica_batch // pipelines
    steps = steps_per_pass(split, global_batch)
    first_pass, skipped = divmod(start_step, steps)
    passes = tf.data.Dataset.range(first_pass, _FOREVER)
    if split.memory is not None or split.shards.places is not None:

        def indices(number: Any) -> Any:
            order = tf.range(split.count)
            if train.shuffle:
                order = tf.random.experimental.stateless_shuffle(order, seed=(train.seed, number))
            shape = (steps, pipelines, replicas, replica_batch)
            batches = tf.reshape(order[: steps * global_batch], shape)[:, pipeline]
            return tf.data.Dataset.from_tensor_slices(
                tf.reshape(batches, (steps * replicas, replica_batch))
            )

        stream = passes.flat_map(indices).skip(skipped * replicas)
        if split.memory is None:
            return _read_anew(split, stream, replica_batch)
        # One thread is fast enough for any model, and a second one would take a core from it.
        return stream.map(_gather(split)).prefetch(4)

    # Several pipelines deal out one order between them, so it must be the same in each.
    deterministic = train.deterministic or pipelines > 1

    def records(number: Any) -> Any:
        dataset = examples.records(
            split.shards.files,
            deterministic=deterministic,
            order_seed=(train.seed, number) if train.shuffle else None,
        )
        if train.shuffle:
            dataset = _shuffled_in_blocks(dataset, train.shuffle, train.seed, number)
        return dataset.take(steps * global_batch)

    stream = passes.flat_map(records).skip(skipped * global_batch)
    if pipelines > 1:
        stream = stream.shard(pipelines, pipeline)
    return (
        stream.map(
            lambda s: _weighted(split, *examples.decode(split.task, s)),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=deterministic,
        )
        .batch(replica_batch, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def _read_anew(split: Split, batches: Any, replica_batch: int) -> Any:
    """Returns decoded batches of what lies at batches of indices."""
    import tensorflow as tf

    records = batches.map(
        lambda indices: examples.at(split.shards, indices),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    # Decoded one by one, since a batch has fewer images than a machine has use for threads.
    return (
        records.prefetch(tf.data.AUTOTUNE)
        .unbatch()
        .map(
            lambda s: _weighted(split, *examples.decode(split.task, s)),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        .batch(replica_batch, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def _shuffled_in_blocks(records: Any, size: int, seed: int, number: Any) -> Any:
    """Shuffles every `size` records among themselves, with a seed that may be a tensor.

    `tf.data`'s own shuffle buffer does not accept such a seed, so a resumed run could not repeat
    the order of the pass.
    """
    import tensorflow as tf

    def permuted(block: Any, contents: Any) -> Any:
        seeds = tf.stack([tf.cast(seed, tf.int64) * 1_000_003 + number, block])
        return tf.random.experimental.stateless_shuffle(contents, seed=seeds)

    return records.batch(size).enumerate().map(permuted).prefetch(1).unbatch()


def _gather(split: Split) -> Any:
    import tensorflow as tf

    assert split.memory is not None
    with tf.device("/CPU:0"):
        inputs, labels = (tf.constant(part) for part in split.memory)

    def gathered(index: Any) -> Any:
        return _weighted(split, tf.gather(inputs, index), tf.gather(labels, index))

    return gathered


def _weighted(split: Split, x: Any, y: Any) -> Any:
    import tensorflow as tf

    if split.class_weights is None:
        return x, y
    weights = tf.gather(tf.constant(split.class_weights), tf.cast(y, tf.int32))
    return x, y, tf.reshape(weights, tf.shape(y)[:1] if y.shape.rank else [])


def evaluation_steps(split: Split, global_batch: int, fraction: float = 1.0) -> int:
    """Returns the steps that `fraction` of the split takes, the last batch filled up."""
    return -(-_taken(split, fraction) // global_batch)


def _taken(split: Split, fraction: float) -> int:
    return max(1, round(split.count * fraction))


def evaluation(split: Split, strategy: Any, *, global_batch: int, fraction: float = 1.0) -> Any:
    """Returns the first `fraction` of the split for `evaluate`: (input, label, weight) batches.

    Endless (the split again and again, each time filled up), so that an epoch's validation needs
    no new iterator; `evaluation_steps` says where one round ends.
    """

    def feed(context: Any) -> Any:
        return _evaluation_feed(split, context, global_batch, fraction)

    return strategy.distribute_datasets_from_function(feed)


def _evaluation_feed(split: Split, context: Any, global_batch: int, fraction: float) -> Any:
    import tensorflow as tf

    count = _taken(split, fraction)
    slots = evaluation_steps(split, global_batch, fraction) * global_batch
    weights = np.zeros(slots, np.float32)
    weights[:count] = slots / count
    replica_batch = context.get_per_replica_batch_size(global_batch)
    pipelines, pipeline = context.num_input_pipelines, context.input_pipeline_id
    order = np.arange(slots).reshape(-1, pipelines, global_batch // pipelines)[:, pipeline]
    batches = tf.data.Dataset.from_tensor_slices(order.reshape(-1, replica_batch))
    if split.memory is not None:
        inputs, labels = (tf.constant(part) for part in split.memory)

        def gathered(slot: Any) -> Any:
            index = tf.minimum(slot, count - 1)
            weight = tf.gather(tf.constant(weights), slot)
            return tf.gather(inputs, index), tf.gather(labels, index), weight

        return batches.repeat().map(gathered).prefetch(2)
    if split.shards.places is not None:
        unweighted = dataclasses.replace(split, class_weights=None)
        read = _read_anew(
            unweighted, batches.map(lambda s: tf.minimum(s, count - 1)), replica_batch
        )
        weighed = batches.map(lambda s: (tf.gather(tf.constant(weights), s),))
        paired = tf.data.Dataset.zip((read, weighed))
        return paired.map(lambda xy, w: (*xy, *w)).repeat().prefetch(2)
    stream = examples.records(split.shards.files).take(count)
    fill = examples.records(split.shards.files).take(1).repeat(slots - count)
    stream = tf.data.Dataset.zip(
        stream.concatenate(fill), tf.data.Dataset.from_tensor_slices(weights)
    )
    if pipelines > 1:
        stream = stream.shard(pipelines, pipeline)
    return (
        stream.map(
            lambda s, w: (*examples.decode(split.task, s), w),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .batch(replica_batch, drop_remainder=True)
        .repeat()
        .prefetch(tf.data.AUTOTUNE)
    )
