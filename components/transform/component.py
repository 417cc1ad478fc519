"""ImageTransform: TFX's Transform that transforms only the shards that are new.

TFX analyses the data and writes the graph. The graph is then applied shard by shard: an unchanged
raw shard gives the same transformed shard, which comes from the store. The output differs from
TFX's in two more points: one file for each raw shard, and no gzip, as the stored images are JPEG or
PNG. Gzip over them took more time than decoding, resizing and encoding together, and saved nothing.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from tfx.components.transform import executor as transform_executor
from tfx.components.transform import executor_utils, labels
from tfx.components.transform.component import Transform
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.proto import transform_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.types.artifact import Artifact
from tfx.utils import proto_utils

from components.raw_shards import RawShard, raw_shards
from components.shard_store import ShardStore
from components.transform import shards
from components.transform.analysis import analysed_features, analyses
from components.transform.shards import Work
from trainer_modules.engine.custom_config import INPUT_KEY, PROBLEM_KEY, STORE_KEY
from trainer_modules.engine.inputs.contract import DEVIATION, MEAN
from trainer_modules.engine.task import overrides

# Images per call into the graph of the analysis.
_BATCH = 64


class _Processor(transform_executor.TransformProcessor):
    """The steps of Transform that differ."""

    def _GetDesiredBatchSize(self, data_format: int, schema: Any) -> int:
        del data_format, schema
        return _BATCH

    def _RunBeamImpl(
        self,
        analyze_data_list: list[Any],
        transform_data_list: list[Any],
        preprocessing_fn: Any,
        stats_options_updater_fn: Any,
        force_tf_compat_v1: bool,
        save_options: Any,
        input_dataset_metadata: Any,
        transform_output_path: str,
        *rest: Any,
    ) -> Any:
        """Reads no data where nothing is analysed.

        TFX would: it takes a control dependency, such as an assertion, for a need of analysis.
        """
        specs = analyze_data_list[0].tfxio.TensorAdapter().OriginalTypeSpecs()
        if analyses(preprocessing_fn, specs):
            return super()._RunBeamImpl(
                *(analyze_data_list, transform_data_list, preprocessing_fn),
                *(stats_options_updater_fn, force_tf_compat_v1, save_options),
                *(input_dataset_metadata, transform_output_path, *rest),
            )
        # It raises an error for analyzers, so none can be overlooked.
        return self._RunInPlaceImpl(
            *(preprocessing_fn, force_tf_compat_v1, input_dataset_metadata),
            *(specs, transform_output_path),
        )


class Executor(transform_executor.Executor):
    """TFX's executor, which analyses; the shards are transformed afterwards."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Transforms; see TFX's Transform."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        transformed = artifact_utils.get_single_instance(output_dict["transformed_examples"])
        splits = executor_utils.ResolveSplitsConfig(
            exec_properties.get(standard_component_specs.SPLITS_CONFIG_KEY), [examples]
        )
        only_analysis = transform_pb2.SplitsConfig(analyze=splits.analyze)
        with _processor(_Processor):
            super().Do(
                input_dict,
                {k: v for k, v in output_dict.items() if k != "transformed_examples"},
                {
                    **exec_properties,
                    standard_component_specs.SPLITS_CONFIG_KEY: proto_utils.proto_to_json(
                        only_analysis
                    ),
                },
            )
        transformed.split_names = artifact_utils.encode_split_names(list(splits.transform))
        raw = {
            split: raw_shards(artifact_utils.get_split_uri([examples], split))
            for split in {*splits.analyze, *splits.transform}
        }
        graph = artifact_utils.get_single_uri(output_dict["transform_graph"])
        analysed = [shard for split in splits.analyze for shard in raw[split]]
        work = self._work(exec_properties, graph, analysed)
        self._transform(
            work,
            {
                artifact_utils.get_split_uri([transformed], split): raw[split]
                for split in splits.transform
            },
        )

    def _work(self, exec_properties: dict[str, Any], graph: str, analysed: list[RawShard]) -> Work:
        import tensorflow_transform as tft

        text = exec_properties.get(standard_component_specs.CUSTOM_CONFIG_KEY) or "{}"
        config = json.loads(text) or {}
        store = ShardStore(config.pop(STORE_KEY, ""))
        spec = tft.TFTransformOutput(graph).raw_feature_spec()
        function = self._GetPreprocessingFn(_function_inputs(exec_properties), {})
        dependent = analysed_features(function, spec)
        added = tuple(sorted(_same_in_every_example(config) & (dependent or frozenset())))
        # Of these shards every other feature depends on the record alone, or on all of `analysed`.
        alone = dependent is not None and dependent <= frozenset(added)
        settings = shards.settings_key(
            _named(exec_properties),
            json.dumps(config, sort_keys=True),
            sorted(spec.items()),
            analysed=() if alone else analysed,
        )
        if not alone:
            added = ()
        suffix = shards.suffix(graph, added, analysed) if added else b""
        return Work(graph=graph, store=store, settings=settings, added=added, suffix=suffix)

    def _transform(self, work: Work, folders: dict[str, list[RawShard]]) -> None:
        waiting = []
        for folder, found in folders.items():
            fileio.makedirs(folder)
            waiting += [
                (shard, folder) for shard in found if not shards.publish_stored(work, shard, folder)
            ]
        if not waiting:
            return
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Shards" >> beam.Create(waiting)
                | beam.Reshuffle()
                | "Transform" >> beam.Map(_transform_shard, work)
            )


def _transform_shard(waiting: tuple[RawShard, str], work: Work) -> None:
    shard, folder = waiting
    shards.transform(work, shard, folder)


def _same_in_every_example(config: dict[str, Any]) -> frozenset[str]:
    """Returns the features that the task's input and problem add to every example alike."""
    read = {k: overrides.from_json(config[k]) for k in (INPUT_KEY, PROBLEM_KEY) if k in config}
    names = {MEAN, DEVIATION} if INPUT_KEY in read and read[INPUT_KEY].standardises else set()
    return frozenset(
        names | set(read[PROBLEM_KEY].statistics_spec() if PROBLEM_KEY in read else ())
    )


def _function_inputs(exec_properties: dict[str, Any]) -> dict[str, Any]:
    keys = {
        labels.MODULE_FILE: standard_component_specs.MODULE_FILE_KEY,
        labels.MODULE_PATH: standard_component_specs.MODULE_PATH_KEY,
        labels.PREPROCESSING_FN: standard_component_specs.PREPROCESSING_FN_KEY,
        labels.CUSTOM_CONFIG: standard_component_specs.CUSTOM_CONFIG_KEY,
    }
    return {label: exec_properties.get(key) for label, key in keys.items()}


def _named(exec_properties: dict[str, Any]) -> str:
    """Returns which function transforms, in words."""
    inputs = _function_inputs(exec_properties)
    return json.dumps([inputs[k] for k in (labels.MODULE_PATH, labels.PREPROCESSING_FN)])


@contextlib.contextmanager
def _processor(replacement: type) -> Iterator[None]:
    # TFX's executor names its processor class and offers no hook for another.
    original = transform_executor.TransformProcessor
    transform_executor.TransformProcessor = replacement
    try:
        yield
    finally:
        transform_executor.TransformProcessor = original


class ImageTransform(Transform):
    """TFX's Transform with inputs, outputs and parameters unchanged."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
