"""ImageEvaluator: evaluates a SavedModel on raw examples with TFMA, over Beam.

It extends TFX's Evaluator: it uses the test split where there is one, reads batches that fit in
memory for any image size, leaves out a baseline that is missing or does not match, and writes
`report.json`. It sets no thresholds; ModelGate applies the gates.
"""

import dataclasses
import json
import os
from typing import Any

import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.writers import (
    eval_config_writer,
    metrics_plots_and_validations_writer,
)
from tfx.components.util import tfxio_utils
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.types import (
    BaseChannel,
    Channel,
    artifact_utils,
    component_spec,
    standard_artifacts,
)
from tfx.utils import io_utils, path_utils, proto_utils

from components.evaluator import report as evaluation_report
from components.evaluator.collecting import outcomes_evaluator, outcomes_writer
from components.evaluator.comparability import NOTHING_YET, Baseline, decide
from components.evaluator.configuration import (
    eval_config,
    evaluation_batch,
    evaluation_split,
    stored_problem,
    with_former_classes,
)
from components.evaluator.model import shared_model
from components.evaluator.outcomes import BASELINE, CANDIDATE
from components.evaluator.slices import bucket_extractor, check_slices
from trainer_modules.engine import fingerprint
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.task import Task


class Executor(base_beam_executor.BaseBeamExecutor):
    """Runs TFMA and writes `report.json` and `baseline.json` beside its output."""

    def Do(
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates `model` (and `baseline_model`) on one split of `examples`.

        Raises:
          BadInputError: If there is no split to evaluate on, it is empty, or a label in it is not
            one of the model's classes.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = input_dict["examples"]
        output = artifact_utils.get_single_uri(output_dict["evaluation"])
        model = _saved_model(input_dict["model"])
        former = input_dict.get("baseline_model") or []
        if former and tf.io.gfile.exists(os.path.join(former[0].uri, NOTHING_YET)):
            former = []
        baseline = decide(model, _saved_model(former))
        splits = json.loads(exec_properties.get("example_splits") or "null")
        if not splits:
            splits = [evaluation_split(artifact_utils.decode_split_names(examples[0].split_names))]

        config = tfma.EvalConfig()
        proto_utils.json_to_proto(exec_properties["eval_config"], config)
        if not baseline.used:
            # TFMA leaves a single model unnamed.
            kept = [spec for spec in config.model_specs if not spec.is_baseline]
            kept[0].name = ""
            del config.model_specs[:]
            config.model_specs.extend(kept)
        problem = stored_problem(config)
        with_former_classes(config, baseline.former)
        names = {
            spec.name: BASELINE if spec.is_baseline else CANDIDATE for spec in config.model_specs
        }
        models = [
            shared_model(baseline.uri if spec.is_baseline else model, spec, config)
            for spec in config.model_specs
        ]
        evaluators = [
            *tfma.default_evaluators(
                eval_shared_model=models[0] if len(models) == 1 else models, eval_config=config
            ),
            outcomes_evaluator(problem, baseline.former, names),
        ]
        writers = [
            *_writers(output, config, models),
            outcomes_writer(output, problem, baseline.former),
        ]
        source = self._source(examples, splits).BeamSource(exec_properties["batch_size"])
        self._run(source, models, config, evaluators, writers)
        sliced = metrics_plots_and_validations_writer.load_and_deserialize_metrics(output)
        report = evaluation_report.build(
            sliced,
            splits=splits,
            candidate=config.model_specs[0].name,
            baseline=BASELINE if baseline.used else "",
            decision=baseline,
        )
        _check(report, splits)
        check_slices(
            [key for spec in config.slicing_specs for key in spec.feature_keys], report["slices"]
        )
        _write(output, report, dataclasses.replace(baseline, uri=former[0].uri if former else ""))

    def _source(self, examples: list[Any], splits: list[str]) -> Any:
        """Returns TFXIO's source of the splits."""
        patterns = [
            io_utils.all_files_pattern(uri)
            for split in splits
            for uri in artifact_utils.get_split_uris(examples, split)
        ]
        return tfxio_utils.get_tfxio_factory_from_artifact(
            examples,
            telemetry_descriptors=["ImageEvaluator"],
            raw_record_column_name=tfma.ARROW_INPUT_COLUMN,
        )(patterns)

    def _run(
        self,
        source: Any,
        models: list[Any],
        config: tfma.EvalConfig,
        evaluators: list[Any],
        writers: list[Any],
    ) -> None:
        one_or_more = models[0] if len(models) == 1 else models
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Read" >> source
                | "Evaluate"
                >> tfma.ExtractEvaluateAndWriteResults(
                    eval_shared_model=one_or_more,
                    eval_config=config,
                    extractors=_extractors(one_or_more, config),
                    evaluators=evaluators,
                    writers=writers,
                )
            )


def _extractors(models: Any, config: tfma.EvalConfig) -> list[Any]:
    """Returns TFMA's extractors, with buckets to slice by after the one that reads features."""
    features, *others = tfma.default_extractors(eval_shared_model=models, eval_config=config)
    return [features, bucket_extractor(), *others]


def _writers(output: str, config: tfma.EvalConfig, models: list[Any]) -> list[Any]:
    """Returns TFMA's writers for the metrics alone; plots and validations stay unwritten."""
    locations = {model.model_name: model.model_path for model in models}
    return [
        eval_config_writer.EvalConfigWriter(output, config, model_locations=locations),
        metrics_plots_and_validations_writer.MetricsPlotsAndValidationsWriter(
            output_paths={tfma.METRICS_KEY: os.path.join(output, tfma.METRICS_KEY)},
            eval_config=config,
            output_file_format="tfrecord",
        ),
    ]


def _saved_model(artifacts: list[Any]) -> str:
    return path_utils.serving_model_path(artifacts[0].uri) if artifacts else ""


def _check(report: dict[str, Any], splits: list[str]) -> None:
    where = f"the split '{', '.join(splits)}'"
    if not report["details"]:
        raise BadInputError(f"There are no examples to evaluate on in {where}.")
    unknown = report["details"].get("unknown_labels")
    if unknown:
        label, example = next(iter(unknown.items()))
        raise BadInputError(
            f"In {where} the label '{label}' of '{example}' is not one of the model's classes: "
            f"{', '.join(report['details']['classes'])}. Correct the labels, or name the class in "
            "the task."
        )


def _write(output: str, report: dict[str, Any], baseline: Baseline) -> None:
    for name, content in (
        (evaluation_report.REPORT_FILE, report),
        (evaluation_report.BASELINE_FILE, dataclasses.asdict(baseline)),
    ):
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
        io_utils.write_string_file(os.path.join(output, name), text)


class ImageEvaluatorSpec(component_spec.ComponentSpec):
    """Inputs, parameters and output of ImageEvaluator."""

    PARAMETERS = {
        "eval_config": component_spec.ExecutionParameter(type=tfma.EvalConfig),
        "example_splits": component_spec.ExecutionParameter(type=str, optional=True),
        "batch_size": component_spec.ExecutionParameter(type=int),
        "fingerprint": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": component_spec.ChannelParameter(
            type=standard_artifacts.Model, optional=True
        ),
    }
    OUTPUTS = {
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation)
    }


class ImageEvaluator(base_beam_component.BaseBeamComponent):
    """Evaluates a model on raw examples; output `evaluation` (ModelEvaluation)."""

    SPEC_CLASS = ImageEvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        examples: BaseChannel,
        model: BaseChannel,
        task: Task,
        baseline_model: BaseChannel | None = None,
        example_splits: list[str] | None = None,
    ) -> None:
        """Makes the component.

        Args:
          examples: Raw Examples.
          model: The candidate, with a signature `examples`.
          task: Gives labels, metrics and slices.
          baseline_model: The last blessed model, if any.
          example_splits: Splits to evaluate on; None for test if there is one, else eval.
        """
        config = eval_config(task)
        measures = {metric.module for spec in config.metrics_specs for metric in spec.metrics}
        super().__init__(
            spec=ImageEvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                eval_config=config,
                example_splits=json.dumps(example_splits),
                batch_size=evaluation_batch(task),
                fingerprint=fingerprint.of_code(f"{__name__}:Executor", *measures),
                evaluation=Channel(type=standard_artifacts.ModelEvaluation),
            )
        )
