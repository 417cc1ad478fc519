"""ImageStatisticsGen: TFX's StatisticsGen that reads only the shards that are new.

Reading and parsing the images is what statistics cost. What TFDV wants to know of a shard is kept
as a small table (`shard_columns`), and TFDV's own generators go over the tables of all shards, so
the statistics are those of all examples and not an average of averages.

Top values come from TFDV's sketches, which need one pass: they are exact for features of at most
8,192 different values, the number of different values for at most 16,384. Beyond that, which only
ids reach, both are estimates.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import tensorflow_data_validation as tfdv
from tfx.components.statistics_gen import executor as statistics_executor
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.artifact import Artifact
from tfx.types.channel import Channel
from tfx.types.component_spec import ExecutionParameter
from tfx.utils import json_utils

from components.data_validation import shard_columns
from components.raw_shards import RawShard, compression, raw_shards
from components.shard_store import ShardStore

_FILE = "columns.arrow"
# Entries of the store have this form; another form is another key.
_FORM = 1
# Examples that TFDV's generators get at once.
_BATCH = 1000


class ImageStatisticsGenSpec(standard_component_specs.StatisticsGenSpec):
    """TFX's specification with the place of the store."""

    PARAMETERS = {
        **standard_component_specs.StatisticsGenSpec.PARAMETERS,
        "store": ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }


class Executor(base_beam_executor.BaseBeamExecutor):
    """Executor of `ImageStatisticsGen`."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the statistics of each split; see TFX's StatisticsGen."""
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        excluded = json_utils.loads(exec_properties.get("exclude_splits") or "[]")
        splits = [
            split
            for split in artifact_utils.decode_split_names(examples.split_names)
            if split not in excluded
        ]
        statistics.split_names = artifact_utils.encode_split_names(splits)
        statistics.span = examples.span
        options = tfdv.StatsOptions.from_json(exec_properties["stats_options_json"])
        encoded = encoded_features(options.schema)
        raw = {
            split: raw_shards(artifact_utils.get_split_uri([examples], split)) for split in splits
        }
        parts = os.path.join(statistics.uri, "parts")
        kept = exec_properties.get("store", "")
        store = ShardStore(kept or parts)
        self._read_new(store, raw.values(), encoded)
        for split, shards in raw.items():
            folder = artifact_utils.get_split_uri([statistics], split)
            fileio.makedirs(folder)
            result = combined(_batches(store, shards, encoded), options)
            with fileio.open(
                os.path.join(folder, statistics_executor.DEFAULT_FILE_NAME), "wb"
            ) as f:
                f.write(result.SerializeToString())
        if not kept and fileio.exists(parts):
            fileio.rmtree(parts)

    def _read_new(
        self, store: ShardStore, splits: Iterable[list[RawShard]], encoded: frozenset[str]
    ) -> None:
        known = {entry_key(shard, encoded): shard for shards in splits for shard in shards}
        waiting = [shard for key, shard in known.items() if not store.find(key)]
        if not waiting:
            return
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Shards" >> beam.Create(waiting)
                | beam.Reshuffle()
                | "Read" >> beam.Map(keep, store=store, encoded=encoded)
            )


def encoded_features(schema: Any) -> frozenset[str]:
    """Returns the features that TFDV counts without looking at them: encoded images."""
    from tensorflow_data_validation.utils import schema_util

    paths = schema_util.get_bytes_features(schema) if schema else []
    return frozenset(path.steps()[0] for path in paths if len(path.steps()) == 1)


def entry_key(shard: RawShard, encoded: frozenset[str]) -> str:
    """Returns the key of a shard's table in the store."""
    text = json.dumps([_FORM, tfdv.__version__, sorted(encoded)])
    return f"{shard.key}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def keep(shard: RawShard, store: ShardStore, encoded: frozenset[str]) -> None:
    """Writes the table of a shard into the store."""
    staged = store.staged()
    shard_columns.write(_read(shard), os.path.join(staged, _FILE), encoded)
    store.put(entry_key(shard, encoded), staged)


def _read(shard: RawShard) -> Iterator[Any]:
    """Yields the record batches that TFX's StatisticsGen would read."""
    import tensorflow as tf
    from tfx_bsl.coders import example_coder

    decoder = example_coder.ExamplesToRecordBatchDecoder()
    records = tf.data.TFRecordDataset(shard.path, compression(shard.path))
    for batch in records.batch(_BATCH // 10).prefetch(1).as_numpy_iterator():
        yield decoder.DecodeBatch(batch.tolist())


def _batches(store: ShardStore, shards: list[RawShard], encoded: frozenset[str]) -> Iterator[Any]:
    for shard in shards:
        entry = store.find(entry_key(shard, encoded))
        if entry is None:  # An entry may be removed at any time.
            yield from _read(shard)
        else:
            yield from shard_columns.read(os.path.join(entry, _FILE))


def combined(batches: Iterable[Any], options: Any) -> Any:
    """Returns the `DatasetFeatureStatisticsList` of all batches, by TFDV's generators."""
    from tensorflow_data_validation.statistics import stats_impl
    from tensorflow_metadata.proto.v0 import statistics_pb2

    options.use_sketch_based_topk_uniques = True
    generators = stats_impl.get_generators(options)
    combiner = stats_impl._CombinerStatsGeneratorsCombineFn(generators, _BATCH)
    combiner.setup()
    accumulator = combiner.create_accumulator()
    for batch in batches:
        accumulator = combiner.add_input(accumulator, batch)
    return statistics_pb2.DatasetFeatureStatisticsList(
        datasets=[combiner.extract_output(combiner.compact(accumulator))]
    )


class ImageStatisticsGen(StatisticsGen):
    """TFX's StatisticsGen with the same output."""

    SPEC_CLASS = ImageStatisticsGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        examples: Channel,
        stats_options: tfdv.StatsOptions,
        exclude_splits: list[str],
        store: str = "",
        code_fingerprint: str = "",
    ) -> None:
        """Initialises the component.

        Args:
          examples: Raw Examples.
          stats_options: Of TFDV; only those that describe features, as no sample is drawn.
          exclude_splits: Splits without statistics.
          store: Folder that keeps what was read for the next night; "" for none.
          code_fingerprint: Changes when the code does, so that caching notices.
        """
        spec = ImageStatisticsGenSpec(
            examples=examples,
            stats_options_json=stats_options.to_json(),
            exclude_splits=json_utils.dumps(exclude_splits),
            store=store,
            code_fingerprint=code_fingerprint,
            statistics=Channel(type=standard_artifacts.ExampleStatistics),
        )
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)
