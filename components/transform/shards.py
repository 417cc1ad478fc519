"""Transforms raw shards one by one, so that the result of an unchanged shard can be used again.

What is stored of a shard is its *record-wise* part: the features that follow from a record and the
code alone. Where the preprocessing analyses the training split, some features are the same in every
example (mean and deviation for standardising); they change with each new image and are added when a
shard is published.
"""

import functools
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from components.raw_shards import RawShard, compression
from components.shard_store import ShardStore

_PREFIX = "transformed_examples-"
# The one file of an entry.
_FILE = "examples"
# Entries of the store have this form; another form is another key.
_FORM = 1
# Images per call into the graph: enough to keep all cores busy, few enough to hold encoded and
# decoded in memory.
_BATCH = 64


@dataclass(frozen=True)
class Work:
    """How shards are transformed; travels to Beam's workers.

    Attributes:
      graph: Folder of Transform's graph.
      store: Where results are kept.
      settings: Key of everything but the shard that determines a result.
      added: Names of the features that are the same in every example, and not stored.
      suffix: These features as a serialized Example; b"" where there are none.
    """

    graph: str
    store: ShardStore
    settings: str
    added: tuple[str, ...] = ()
    suffix: bytes = b""

    def entry(self, shard: RawShard) -> str:
        """Returns the key of a shard's entry in the store."""
        return f"{shard.key}-{self.settings}"


def published(shard: RawShard) -> str:
    """Returns the name of a shard's transformed file."""
    return _PREFIX + os.path.basename(shard.path).removesuffix(".gz")


def settings_key(*parts: Any, analysed: Iterable[RawShard] = ()) -> str:
    """Returns a key of what determines a transformed shard besides its records.

    Args:
      *parts: Of the preprocessing: JSON, or anything whose `str` says all of it.
      analysed: The shards on whose analysis record-wise features depend; none where there are no
        such features.
    """
    import tensorflow_transform as tft

    keys = sorted(shard.key for shard in analysed)
    text = json.dumps([_FORM, tf.__version__, tft.__version__, [str(p) for p in parts], keys])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def publish_stored(work: Work, shard: RawShard, folder: str) -> bool:
    """Publishes a shard from the store; returns whether there is such an entry."""
    destination = os.path.join(folder, published(shard))
    if not work.suffix:
        return work.store.link(work.entry(shard), _FILE, destination)
    entry = work.store.find(work.entry(shard))
    if not entry:
        return False
    try:
        _copy(_records(os.path.join(entry, _FILE)), destination, work.suffix)
    except tf.errors.NotFoundError:
        return False  # An entry may be removed at any time.
    return True


def transform(work: Work, shard: RawShard, folder: str) -> None:
    """Transforms a shard, keeps the result in the store and publishes it."""
    destination = os.path.join(folder, published(shard))
    records = _transformed(work, shard)
    if not work.store.folder:
        _copy(records, destination, work.suffix)
        return
    staged = work.store.staged()
    _copy(records, os.path.join(staged, _FILE), b"")
    work.store.put(work.entry(shard), staged)
    if not publish_stored(work, shard, folder):
        _copy(_transformed(work, shard), destination, work.suffix)


def suffix(graph: str, names: tuple[str, ...], shards: Iterable[RawShard]) -> bytes:
    """Returns the features that are the same in every example, as a serialized Example.

    A serialized message that follows another one is merged into it, which is how protocol buffers
    are defined.
    """
    apply = _graph(graph)
    for shard in shards:
        for batch in _records(shard.path).batch(1).take(1):
            (example,) = apply.encoded(apply.transformed(batch), keep=frozenset(names))
            return example
    return b""


def _transformed(work: Work, shard: RawShard) -> Iterator[bytes]:
    apply = _graph(work.graph)
    keep = apply.names - frozenset(work.added)
    batches = _records(shard.path).batch(_BATCH)
    # One batch is computed while another one is written.
    for features in batches.map(apply.transformed, num_parallel_calls=2).prefetch(1):
        yield from apply.encoded(features, keep=keep)


def _records(path: str) -> Any:
    return tf.data.TFRecordDataset(path, compression(path))


def _copy(records: Iterable[Any], destination: str, ending: bytes) -> None:
    with tf.io.TFRecordWriter(destination) as writer:
        for record in records:
            content = record if isinstance(record, bytes) else record.numpy()
            writer.write(content + ending if ending else content)


class _Graph:
    """Transform's graph, from serialized raw Examples to serialized transformed ones."""

    def __init__(self, folder: str) -> None:
        import tensorflow_transform as tft
        from tensorflow_transform import impl_helper
        from tfx_bsl.coders import example_coder

        output = tft.TFTransformOutput(folder)
        schema = output.transformed_metadata.schema
        self._spec = output.raw_feature_spec()
        # Loaded once, outside the traced function.
        self._layer = output.transform_features_layer()
        self._converter = impl_helper.make_tensor_to_arrow_converter(schema)
        self._encoder = example_coder.RecordBatchToExamplesEncoder(schema)
        self.names = frozenset(output.transformed_feature_spec())
        self.transformed = tf.function(
            self._apply, input_signature=[tf.TensorSpec([None], tf.string)]
        )

    def _apply(self, serialized: Any) -> Mapping[str, Any]:
        return dict(self._layer(tf.io.parse_example(serialized, self._spec)))

    def encoded(self, features: Mapping[str, Any], *, keep: frozenset[str]) -> list[bytes]:
        """Returns one serialized Example for each row, with the features of the names `keep`."""
        batch = self._converter.convert(dict(features))
        return list(self._encoder.encode(batch.select(sorted(keep & set(batch.schema.names)))))


@functools.lru_cache(maxsize=1)
def _graph(folder: str) -> _Graph:
    return _Graph(folder)
