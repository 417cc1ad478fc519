"""The nodes between the data gate and Transform: are the newest examples like the others?"""

from tfx.dsl.components.base.base_node import BaseNode
from tfx.types.channel import Channel

from components.drift.component import DriftCheck
from components.example_gen.component import ImageExampleGen
from pipelines import cache_keys
from pipelines.config import PipelineConfig
from pipelines.platforms import Platform
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Task


def checked(
    task: Task,
    config: PipelineConfig,
    examples: ImageExampleGen,
    schema: Channel,
    champion: BaseNode | None,
    platform: Platform,
    after: BaseNode,
) -> list[BaseNode]:
    """Returns the nodes that compare the newest examples with others; the check is the last.

    Args:
      task: The task, settings applied and classes known.
      config: Says what drift leads to.
      examples: The node that reads the data.
      schema: The data's schema, which may hold comparators.
      champion: The node whose `model` computes features; None for no comparison of features.
      platform: Makes the node that finds the champion's data, if it can.
      after: The data gate: what it refuses is not compared.
    """
    nodes: list[BaseNode] = []
    given = {}
    if champion is not None:
        nodes.append(champion)
        given["champion"] = champion.outputs["model"]
        if platform.champion_data:
            data = platform.champion_data(champion.outputs["model"])
            nodes.append(data)
            given["champion_examples"] = data.outputs["examples"]
            given["champion_rejected"] = data.outputs["rejected"]
    limits = overrides.to_json(task.drift)
    check = DriftCheck(
        examples=examples.outputs["examples"],
        rejected=examples.outputs["rejected"],
        schema=schema,
        problem=overrides.to_json(task.problem),
        limits=limits,
        on_drift=config.on_drift,
        code_fingerprint=cache_keys.of_step(DriftCheck, task.problem, task.drift),
        **given,
    ).with_id("DriftCheck")
    check.add_upstream_node(after)
    return [*nodes, check]
