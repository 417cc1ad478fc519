"""Reader of TFRecord shards of `tf.train.Example`."""

import fnmatch
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from components.example_gen.readers import storage
from components.example_gen.readers.items import (
    EVAL,
    TEST,
    TRAIN,
    UNLABELLED,
    Item,
    Record,
    Rejected,
    split_names,
)
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import LabelError, Problem
from trainer_modules.engine.task.sources import HashSplit, TFRecords

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True)
class ShardReader:
    """Reads shards, each wholly of one split.

    Attributes:
      shards: (split, path relative to the root).
      label_names: Class name of each label number; () for the problem's classes.
      label_file: File of these names, relative to the root; "" if none.
    """

    root: str
    source: TFRecords
    problem: Problem
    shards: tuple[tuple[str, str], ...]
    label_names: tuple[str, ...] = ()
    label_file: str = ""

    hash_split = HashSplit(eval=0.0)
    holds_many = True
    drops_within_split = True

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have shards."""
        return split_names({split for split, _ in self.shards})

    def places(self) -> list[str]:
        """The shards, and the file of their label names."""
        files = [path for _, path in self.shards] + ([self.label_file] if self.label_file else [])
        return [storage.join(self.root, path) for path in files]

    def items(self) -> Iterator[Item | Rejected]:
        """Lists the shards."""
        for split, path in self.shards:
            name = storage.printable(path)
            yield Item(key=name, id=name, path=storage.join(self.root, path), split=split)

    def read(self, item: Item) -> Iterator[Record | Rejected]:
        """Reads a shard's records; those before a damaged one are kept."""
        import tensorflow as tf

        count = 0
        try:
            for serialized in _records(item.path):
                yield self._record(item, f"{item.id}:{count}", serialized)
                count += 1
        except (OSError, tf.errors.OpError) as error:
            text = (getattr(error, "message", "") or str(error)).partition(" [Op:")[0]
            reason = (
                f"shard is damaged from record {count} on; the records after it are lost: "
                f"{text[-120:]}"
            )
            yield Rejected(id=f"{item.id}:{count}", split=item.split, reason=reason)
            # Each lost record counts, where the shard's name says how many there were.
            for lost in range(count + 1, expected_shards(item.path)):
                reason = f"lost in the damaged end of its shard, from record {count} on"
                yield Rejected(id=f"{item.id}:{lost}", split=item.split, reason=reason)

    def _record(self, item: Item, key: str, serialized: bytes) -> Record | Rejected:
        import tensorflow as tf
        from google.protobuf.message import DecodeError

        example = tf.train.Example()
        try:
            example.ParseFromString(serialized)
        except DecodeError:
            return Rejected(id=key, split=item.split, reason="not a tf.train.Example")
        features = example.features.feature
        identifier = _text(features, self.source.id) or key

        def reject(reason: str) -> Rejected:
            return Rejected(id=identifier, split=item.split, reason=f"{key}: {reason}")

        images = _values(features, self.source.image)
        if len(images) != 1 or not isinstance(images[0], bytes):
            keys = ", ".join(sorted(features)) or "none"
            return reject(f"no encoded image under key '{self.source.image}'; its keys: {keys}")
        label = None
        if item.split != UNLABELLED:
            if self.source.label not in features:
                keys = ", ".join(sorted(features))
                return reject(f"no label under key '{self.source.label}'; its keys: {keys}")
            values = tuple(_values(features, self.source.label))
            try:
                label = self.problem.label_text(values, self.label_names)
            except LabelError as error:
                return reject(str(error))
        slices = {name: _text(features, name).encode() for name in self.source.slices}
        return Record(
            key=key,
            id=identifier,
            split=item.split,
            content=images[0],
            image=images[0],
            label=label,
            slices=slices,
        )


def expected_shards(name: str) -> int:
    """Returns the number of records in a shard's name (`ld_train00-1338.tfrec`); 0 for none."""
    match = re.search(r"-(\d+)\.tfrec(ord)?s?(\.gz)?$", name)
    return int(match[1]) if match else 0


def _records(path: str) -> Iterator[bytes]:
    """Yields the records of a shard; `tf.data` takes five times as long for small records."""
    import tensorflow as tf

    kinds = tf.compat.v1.io.TFRecordCompressionType
    kind = kinds.GZIP if storage.read(path, 2) == _GZIP else kinds.NONE
    options = tf.compat.v1.io.TFRecordOptions(kind)
    return tf.compat.v1.io.tf_record_iterator(path, options)


def _values(features: Any, key: str) -> Any:
    """Returns a feature's values, () where it is absent or empty."""
    kind = features[key].WhichOneof("kind") if key and key in features else None
    return getattr(features[key], kind).value if kind else ()


def _text(features: Any, key: str) -> str:
    """Returns a single value as text, bytes as UTF-8 where they are; "" if there is none."""
    values = _values(features, key)
    if len(values) != 1:
        return ""
    value = values[0]
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def shard_reader(root: str, source: TFRecords, problem: Problem) -> ShardReader:
    """Returns the reader of a `TFRecords`, its globs resolved and eval shards chosen.

    Raises:
      BadInputError: If no shard matches `train`, or none `eval` where it is set, or if there is
        one shard only and eval must come from it.
    """
    by_split: dict[str, list[str]] = {}
    listed = storage.files(root) if storage.is_folder(root) else ()
    names = [e.relative for e in listed if not e.problem]
    for split in (UNLABELLED, TEST, EVAL, TRAIN):
        pattern = getattr(source, split)
        taken = {name for shards in by_split.values() for name in shards}
        by_split[split] = [n for n in names if pattern and _matches(n, pattern) and n not in taken]
    if not by_split[TRAIN] or (source.eval and not by_split[EVAL]):
        missing = source.train if not by_split[TRAIN] else source.eval
        raise BadInputError(
            f"No file matches {storage.join(root, missing)}. Expected TFRecord shards of "
            f"tf.train.Example with the keys '{source.image}' and '{source.label}'; --set "
            "source.train=GLOB names other files."
        )
    if not source.eval:
        by_split[TRAIN], by_split[EVAL] = hold_out(by_split[TRAIN], source)
        if not by_split[TRAIN]:
            raise BadInputError(
                f"{storage.join(root, source.train)} is a single shard, but eval is held out in "
                "whole shards. Write more shards, or name the shards of eval: --set "
                "source.eval=GLOB."
            )
    shards = tuple((s, n) for s in (TRAIN, EVAL, TEST, UNLABELLED) for n in by_split[s])
    return ShardReader(root=root, source=source, problem=problem, shards=shards)


def hold_out(shards: list[str], source: TFRecords) -> tuple[list[str], list[str]]:
    """Returns (train, eval) shards.

    "first" takes the first `floor(count * eval_fraction)` in name order; "seeded" takes the same
    as scikit-learn's `train_test_split(shards, test_size=eval_fraction, random_state=seed)`.
    """
    import numpy as np

    shards = sorted(shards)
    if source.eval_shards == "seeded":
        count = max(1, math.ceil(len(shards) * source.eval_fraction))
        order = np.random.RandomState(source.seed).permutation(len(shards))
        chosen = {shards[i] for i in order[:count]}
    elif source.eval_shards == "first":
        chosen = set(shards[: max(1, math.floor(len(shards) * source.eval_fraction))])
    else:
        raise BadInputError(
            f"source.eval_shards must be one of first, seeded. Received: {source.eval_shards!r}"
        )
    return [s for s in shards if s not in chosen], [s for s in shards if s in chosen]


def _matches(name: str, pattern: str) -> bool:
    """Says whether a relative path matches a glob whose "*" stops at "/"."""
    parts, patterns = name.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatch.fnmatchcase, parts, patterns))
