"""The only DAG: from images to an evaluated and pushed model, the same on every platform."""

from typing import Any

from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, trainer_pb2, transform_pb2
from tfx.types.channel import Channel

from components.bulk_predict.component import BulkPredict
from components.evaluator.component import ImageEvaluator
from components.export.component import ExportFormats
from components.model_gate.checking import check_gates
from components.model_gate.component import ModelGate
from components.pretrained.component import PretrainedModel
from components.pusher.component import NewModelPusher
from components.report.platform_metrics import PlatformMetrics
from components.serving_check.component import ServingCheck
from components.transform.component import ImageTransform
from pipelines import cache_keys, data_nodes, drift_nodes
from pipelines.config import PipelineConfig
from pipelines.platforms import LOCAL, Platform
from pipelines.report_nodes import reported
from pipelines.task_files import packing
from trainer_modules.engine.custom_config import (
    CHECKPOINTS_KEY,
    SCRATCH,
    START_KEY,
    STORE_KEY,
    TRIALS_KEY,
)
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.networks import saved_network
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.sources import Source
from trainer_modules.engine.task.task import SavedNetwork, Task


def create_pipeline(
    task: Task,
    config: PipelineConfig,
    *,
    data: str,
    source: Source,
    connection: Any = None,
    platform: Platform = LOCAL,
) -> Pipeline:
    """Builds the pipeline of a task.

    Args:
      task: The task, settings applied and classes known.
      config: Locations and limits of the run.
      data: Root folder of the stored data.
      source: The layout that `data` has.
      connection: MLMD connection config; None where the platform keeps the lineage.
      platform: What the execution platform changes.

    Returns:
      The pipeline, components in the order in which they run. A task without phases is not
      trained: its network is exported with its published weights.

    Raises:
      BadInputError: If a task that is not trained is to be tuned, or exported to further formats.
    """
    if isinstance(task.model, SavedNetwork):
        saved_network.check(task.model, task=task.name, trained=bool(task.phases))
    if task.phases:
        nodes = _trained(task, config, data, source, platform)
    else:
        nodes = _exported(task, config, data, source, platform)
    if platform.after_push:
        (pusher,) = (node for node in nodes if isinstance(node, NewModelPusher))
        nodes.append(platform.after_push(pusher.outputs["pushed_model"]))
    return Pipeline(
        pipeline_name=config.names.pipeline if platform.dashes else config.names.own,
        pipeline_root=config.artifacts_folder,
        components=nodes,
        enable_cache=not config.fresh,
        metadata_connection_config=connection,
        beam_pipeline_args=config.beam_args,
    )


def _exported(
    task: Task, config: PipelineConfig, data: str, source: Source, platform: Platform
) -> list[BaseNode]:
    """Returns the nodes that push a network without training; the check uses the data, if any."""
    if config.tune:
        raise BadInputError(
            f"--tune: task '{task.name}' does not train a model, so there is nothing to tune."
        )
    if config.start != SCRATCH:
        raise BadInputError(
            f"--start: task '{task.name}' does not train a model, so there is nothing to start."
        )
    if task.serving.formats:
        raise BadInputError(
            f"serving.formats are checked on a test split, but task '{task.name}' has none. "
            f"Received: {', '.join(task.serving.formats)}"
        )
    nodes: list[BaseNode] = []
    read = None
    if data:
        examples = data_nodes.read(task, config, data, source)
        read = examples.outputs["examples"]
        nodes.append(examples)
        data_nodes.judged(nodes, task, config, examples)
    model = PretrainedModel(
        task=overrides.to_json(task.recipe),
        weights=cache_keys.weights(task),
        code_fingerprint=cache_keys.of_step(PretrainedModel, task.recipe),
    ).with_id("PretrainedModel")
    if nodes:
        model.add_upstream_node(nodes[-1])
    served = model.outputs["model"]
    check = _serving_check(task, served, examples=read)
    pusher = _pusher(task, config, served, infra_blessing=check.outputs["blessing"])
    nodes += [model, check, pusher]
    return nodes + reported(task, config, data, {node.id: node for node in nodes}, platform)


def _trained(
    task: Task, config: PipelineConfig, data: str, source: Source, platform: Platform
) -> list[BaseNode]:
    """Returns the nodes from images to an evaluated and pushed model.

    Raises:
      BadInputError: If a gate names a metric, class or slice that the evaluation will not have.
    """
    # Classes that come from the data are known only here.
    check_gates(task)
    examples = data_nodes.read(task, config, data, source)
    read = examples.outputs["examples"]
    nodes: list[BaseNode] = [examples]
    schema = data_nodes.judged(nodes, task, config, examples)
    champion = platform.champion(read, config.serving_folder) if platform.champion else None
    nodes += drift_nodes.checked(
        task, config, examples, schema, champion, platform, after=nodes[-1]
    )
    # The check comes last.
    drift = nodes[-1]
    preprocessing = packing.find(task, config.task, "preprocessing_fn")
    transform = ImageTransform(
        examples=read,
        schema=schema,
        preprocessing_fn=preprocessing.function,
        custom_config=cache_keys.preprocessing_config(task, ImageTransform, preprocessing)
        | {STORE_KEY: f"{config.store_folder}/transform"},
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
        disable_statistics=True,
        disable_analyzer_cache=True,
    ).with_id("Transform")
    transform.add_upstream_node(nodes[-1])
    tuner = _tuner(task, config, transform, platform) if config.tune else None
    training = packing.find(task, config.task, "run_fn")
    trainer = platform.trainer(
        run_fn=training.function,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        base_model=champion.outputs["model"] if champion and config.start != SCRATCH else None,
        custom_config=cache_keys.training_config(task, platform.trainer, training)
        | ({START_KEY: config.start} if config.start != SCRATCH else {})
        | _checkpoints(config)
        | dict(platform.training),
    ).with_id("Trainer")
    baseline = platform.baseline(trainer.outputs["model"], config.serving_folder)
    evaluator = ImageEvaluator(
        task=task,
        examples=read,
        model=trainer.outputs["model"],
        baseline_model=baseline.outputs["model"],
    )
    gate = ModelGate(
        evaluation=evaluator.outputs["evaluation"],
        model=trainer.outputs["model"],
        gates=overrides.to_json(task.gates),
    ).with_id("ModelGate")
    serving_check = _serving_check(
        task, trainer.outputs["model"], examples=read, evaluation=evaluator.outputs["evaluation"]
    )
    pusher = _pusher(
        task,
        config,
        trainer.outputs["model"],
        model_blessing=gate.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        hold=drift.outputs["hold"],
    )
    nodes += [transform, *([tuner] if tuner else []), trainer, baseline]
    nodes += [evaluator, gate, serving_check, pusher]
    if getattr(source, "unlabelled", ""):
        predict = BulkPredict(
            model=trainer.outputs["model"],
            model_blessing=gate.outputs["blessing"],
            infra_blessing=serving_check.outputs["blessing"],
            examples=read,
            rejected=examples.outputs["rejected"],
            columns=task.submission.columns(task.problem.submission_fields),
            code_fingerprint=cache_keys.of_step(BulkPredict, task.recipe),
        ).with_id("BulkPredict")
        predict.add_upstream_node(pusher)
        nodes.append(predict)
    if task.serving.formats:
        export = ExportFormats(
            model=trainer.outputs["model"],
            model_blessing=gate.outputs["blessing"],
            infra_blessing=serving_check.outputs["blessing"],
            examples=read,
            transformed_examples=transform.outputs["transformed_examples"],
            formats=",".join(task.serving.formats),
            code_fingerprint=cache_keys.of_step(ExportFormats, task.recipe),
        ).with_id("ExportFormats")
        export.add_upstream_node(pusher)
        nodes.append(export)
    if platform.draws:
        nodes.append(
            PlatformMetrics(
                evaluation=evaluator.outputs["evaluation"],
                code_fingerprint=cache_keys.of_step(PlatformMetrics),
            ).with_id("PlatformMetrics")
        )
    nodes += reported(task, config, data, {node.id: node for node in nodes}, platform)
    return nodes


def _serving_check(task: Task, model: Channel, **inputs: Channel | None) -> BaseNode:
    return ServingCheck(
        model=model,
        input=overrides.to_json(task.input),
        problem=overrides.to_json(task.problem),
        serving=overrides.to_json(task.serving),
        code_fingerprint=cache_keys.of_step(ServingCheck, task.input, task.problem, task.serving),
        **{name: channel for name, channel in inputs.items() if channel is not None},
    ).with_id("ServingCheck")


def _pusher(task: Task, config: PipelineConfig, model: Channel, **blessings: Channel) -> BaseNode:
    return NewModelPusher(
        model=model,
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=config.serving_folder)
        ),
        custom_config=cache_keys.pushing_config(
            task, NewModelPusher, promote=config.promote, keep=config.keep
        ),
        **blessings,
    ).with_id("Pusher")


def _tuner(
    task: Task, config: PipelineConfig, transform: ImageTransform, platform: Platform
) -> BaseNode:
    function = "trainer_modules.engine.training.tuning.tuner_fn"
    return platform.tuner(
        tuner_fn=function,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config=cache_keys.tuning_config(task, platform.tuner, function)
        | {TRIALS_KEY: config.tune, **platform.tuning},
    ).with_id("Tuner")


def _checkpoints(config: PipelineConfig) -> dict[str, str]:
    """Returns where an interrupted training finds its state; a platform may override it."""
    return {CHECKPOINTS_KEY: config.checkpoints_folder} if config.checkpoints_folder else {}
