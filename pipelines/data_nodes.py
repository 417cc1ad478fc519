"""The first nodes of every pipeline with data: they read it, describe it and judge it."""

from google.protobuf import text_format
from tfx.components.example_validator.component import ExampleValidator
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types.channel import Channel

from components.data_validation.data_gate import DataGate
from components.data_validation.inferred_schema import InferredSchema
from components.data_validation.reviewed_schema import ReviewedSchema
from components.data_validation.statistics import ImageStatisticsGen
from components.example_gen.component import ImageExampleGen
from pipelines import cache_keys, tasks
from pipelines.config import PipelineConfig
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.sources import Source
from trainer_modules.engine.task.task import Task


def read(task: Task, config: PipelineConfig, data: str, source: Source) -> ImageExampleGen:
    """Returns the node that reads the data.

    Args:
      task: The task, settings applied and classes known.
      config: Says which spans are read and evaluated, and where reading is remembered.
      data: Root folder of the stored data.
      source: The layout that `data` has.
    """
    return ImageExampleGen(
        input_base=data,
        source=overrides.to_json(source),
        problem=overrides.to_json(task.problem),
        columns=overrides.to_json(task.input.columns),
        window=config.window,
        evaluate=config.evaluate,
        store=config.store_folder,
        code_fingerprint=cache_keys.of_step(ImageExampleGen, source, task.problem),
    )


def judged(
    nodes: list[BaseNode], task: Task, config: PipelineConfig, examples: ImageExampleGen
) -> Channel:
    """Adds statistics, schema, validation and the data gate; returns the schema's channel.

    Args:
      nodes: The nodes so far; the data gate becomes the last of them.
      task: The task, settings applied and classes known.
      config: Names the task and says how many examples may be rejected.
      examples: The node that reads the data.
    """
    import tensorflow_data_validation as tfdv

    reviewed = tasks.schema(task, config.task)
    known = reviewed or tasks.known_features(task)
    statistics = ImageStatisticsGen(
        examples=examples.outputs["examples"],
        # The schema says which features are encoded images: they are counted, not ranked.
        stats_options=tfdv.StatsOptions(schema=known),
        # What Evaluator alone judges on (`judged`) is no part of the data that training sees.
        exclude_splits=["unlabelled", "judged"] if task.phases else [],
        store=f"{config.store_folder}/statistics",
        code_fingerprint=cache_keys.of_step(ImageStatisticsGen),
    ).with_id("StatisticsGen")
    if reviewed:
        schema_gen = ReviewedSchema(
            text=text_format.MessageToString(reviewed),
            code_fingerprint=cache_keys.of_step(ReviewedSchema),
        ).with_id("ReviewedSchema")
    else:
        schema_gen = InferredSchema(
            statistics=statistics.outputs["statistics"],
            known=text_format.MessageToString(known),
            code_fingerprint=cache_keys.of_step(InferredSchema),
        ).with_id("InferredSchema")
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema_gen.outputs["schema"]
    )
    gate = DataGate(
        rejected=examples.outputs["rejected"],
        anomalies=validator.outputs["anomalies"],
        max_rejected=config.max_rejected,
        schema=tasks.schema_in_words(config.task),
        code_fingerprint=cache_keys.of_step(DataGate),
    ).with_id("DataGate")
    nodes += [statistics, schema_gen, validator, gate]
    return schema_gen.outputs["schema"]
