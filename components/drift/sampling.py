"""The champion's features of a bounded sample of images that it has not learnt from."""

import hashlib
import logging
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from tfx.dsl.io import fileio

from components.drift.judging import Features
from components.drift.records import CHAMPION, Night
from components.example_gen.readers.items import TRAIN
from trainer_modules.engine.errors import BadInputError

_log = logging.getLogger(__name__)
_BATCH = 32
# With fewer new examples of the same splits as the old ones, all new examples are taken.
_FEW = 200


def chosen(night: Night, size: int) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Returns, by reference, which new and which old examples to compare by their features.

    A network's features of what it learnt from differ from those of anything else, so examples that
    the champion learnt from are no reference. Both sides are of the same splits as far as possible,
    since data may come with splits of different origins.

    Args:
      night: What there is to compare.
      size: Largest number of examples on a side.
    """
    if night.newest is None:
        return {}
    new = _unseen(night.newest.table, night.trained_on)
    pairs = {}
    for against, reference in night.references.items():
        old = _unseen(reference.table, night.trained_on)
        alike = new[new["split"].isin(old["split"].unique())]
        pairs[against] = (_some(alike if len(alike) >= _FEW else new, size), _some(old, size))
    return pairs


def _unseen(table: pd.DataFrame, trained_on: frozenset[str] | None) -> pd.DataFrame:
    if trained_on is None:
        return table[table["split"] != TRAIN]
    return table[~table["digest"].isin(trained_on)]


def _some(table: pd.DataFrame, size: int) -> pd.DataFrame:
    """Returns at most `size` rows, drawn by a hash of their content: the same ones every time."""
    if len(table) <= size:
        return table
    order = [hashlib.sha256(digest.encode()).digest() for digest in table["digest"]]
    return table.iloc[np.argsort(order, kind="stable")[:size]]


def features(
    night: Night, model: str, *, examples: str, champion_examples: str, size: int
) -> tuple[Features, str]:
    """Returns the champion's features of the examples to compare, and why there are none.

    Args:
      night: What there is to compare.
      model: The champion's SavedModel.
      examples: URI of this run's Examples.
      champion_examples: URI of the champion's Examples; "" where they are not known.
      size: Largest number of examples on a side.
    """
    from trainer_modules.engine.saved_model.features import Features as Network

    try:
        network = Network(model)
    except BadInputError as error:
        return {}, f"features are not compared: {error}"
    computed: dict[str, np.ndarray] = {}
    pairs = chosen(night, size)
    for against, (new, old) in pairs.items():
        _compute(network, new, examples, computed)
        _compute(network, old, champion_examples if against == CHAMPION else examples, computed)
    stacked = {
        against: (_stacked(new, computed), _stacked(old, computed))
        for against, (new, old) in pairs.items()
    }
    return stacked, ""


def _stacked(table: pd.DataFrame, computed: dict[str, np.ndarray]) -> np.ndarray:
    rows = [computed[digest] for digest in table["digest"] if digest in computed]
    return np.stack(rows) if rows else np.zeros((0, 1), np.float32)


def _compute(network: Any, table: pd.DataFrame, uri: str, computed: dict[str, np.ndarray]) -> None:
    """Adds digest → features of the rows that `computed` lacks; one batch is in memory at a time.

    An example that is no longer there, or that the champion cannot decode, is left out.
    """
    import tensorflow as tf

    left = table[~table["digest"].isin(set(computed))]
    batch: list[tuple[str, bytes]] = []

    def run() -> None:
        try:
            computed.update(
                zip((d for d, _ in batch), network.of([image for _, image in batch]), strict=True)
            )
        except tf.errors.OpError as error:
            _log.warning("%d images have no features: %s", len(batch), error.message)
        batch.clear()

    for pair in _images(left, uri):
        batch.append(pair)
        if len(batch) == _BATCH:
            run()
    if batch:
        run()


def _images(table: pd.DataFrame, uri: str) -> Iterator[tuple[str, bytes]]:
    """Yields (digest, encoded image) of the rows, shard by shard."""
    import tensorflow as tf

    from trainer_modules.engine.training.examples import records

    for (split, shard), rows in table.groupby(["split", "shard"], sort=True):
        digests = dict(zip(rows["id"].map(str.encode), rows["digest"], strict=True))
        files = fileio.glob(os.path.join(uri, f"Split-{split}", f"{shard}*")) if uri else []
        for serialized in records(sorted(files)).as_numpy_iterator() if files else ():
            feature = tf.train.Example.FromString(serialized).features.feature
            digest = digests.pop(feature["id"].bytes_list.value[0], None)
            if digest is not None and feature["image"].bytes_list.value:
                yield digest, feature["image"].bytes_list.value[0]
            if not digests:
                break
