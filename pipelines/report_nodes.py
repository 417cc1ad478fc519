"""The last nodes of every pipeline: the report, and the model card next to the pushed version."""

from collections.abc import Mapping

from tfx.dsl.components.base.base_node import BaseNode

from components.pretrained.component import PretrainedModel
from components.report.component import ModelCard, Report
from pipelines import cache_keys
from pipelines.config import PipelineConfig
from pipelines.platforms import Platform
from pipelines.task_files import packing
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Task

# Report's inputs, each with its component and output. A pipeline without training has only a few of
# them; its model comes from elsewhere.
_INPUTS = (
    ("examples", "ImageExampleGen", "examples"),
    ("rejected", "ImageExampleGen", "rejected"),
    ("drift", "DriftCheck", "drift"),
    ("statistics_of_data", "StatisticsGen", "statistics"),
    ("transformed_examples", "Transform", "transformed_examples"),
    ("model", "Trainer", "model"),
    ("model", "PretrainedModel", "model"),
    ("model_run", "Trainer", "model_run"),
    ("evaluation", "ImageEvaluator", "evaluation"),
    ("blessing", "ModelGate", "blessing"),
    ("serving_check", "ServingCheck", "blessing"),
)


def reported(
    task: Task, config: PipelineConfig, data: str, nodes: Mapping[str, BaseNode], platform: Platform
) -> list[BaseNode]:
    """Returns the report's nodes.

    Args:
      task: The task, settings applied.
      config: Gives the name of the runs.
      data: Location of the data, as text; "" if there is none.
      nodes: The pipeline's other components by id.
      platform: Provides the earlier statistics, if available.
    """
    previous = None
    if task.phases and platform.previous_data:
        previous = platform.previous_data(nodes["StatisticsGen"].outputs["statistics"])
    made_by = cache_keys.of_step(PretrainedModel, task.recipe)
    if task.phases:
        own = packing.find(task, config.task, "run_fn")
        made_by = cache_keys.training_config(task, platform.trainer, own)[cache_keys.CODE_KEY]
    report = Report(
        **{name: nodes[id].outputs[output] for name, id, output in _INPUTS if id in nodes},
        previous_statistics=previous.outputs["statistics"] if previous else None,
        task=overrides.to_json(task),
        name=config.names.own,
        data=data,
        # For the lineage: the code that made the model, and the code of the report.
        code_fingerprint=f"{made_by}-{cache_keys.of_step(Report, task)}",
    ).with_id("Report")
    card = ModelCard(
        report=report.outputs["report"],
        pushed_model=nodes["Pusher"].outputs["pushed_model"],
        code_fingerprint=cache_keys.of_step(ModelCard),
    ).with_id("ModelCard")
    return [*([previous] if previous else []), report, card]
