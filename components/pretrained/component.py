"""PretrainedModel: exports a published network as a servable model, without training."""

from typing import Any

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.networks import models
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Recipe


def export(task: Recipe, folder: str) -> None:
    """Builds the task's network with its weights and writes the SavedModel.

    Args:
      task: A recipe whose model has published weights and a classifier.
      folder: Where to write the SavedModel; created.

    Raises:
      BadInputError: If the weights are unavailable or belong to another network, or the network
        does not return a probability for each class.
    """
    network = models.build(task).model
    _check_outputs(network, task.problem)
    serving.save(network, task, folder)


def _check_outputs(network: Any, problem: Problem) -> None:
    shape = tuple(network.output_shape)
    classes = len(problem.names)
    # Of each pixel, or of the image: a network without its classifier also keeps a grid of places.
    if shape[-1] != classes or len(shape) != problem.output_rank:
        raise BadInputError(
            f"the network must return {classes:,} probabilities. Received values of "
            f"shape {shape}. Keep model.include_top=true, and pass --weights of the whole network, "
            "including its classifier."
        )


@component
def PretrainedModel(
    model: OutputArtifact[standard_artifacts.Model],
    task: Parameter[str],
    weights: Parameter[str] = "",
    code_fingerprint: Parameter[str] = "",
) -> None:
    """Writes the task's network as the `model` artifact.

    Args:
      model: Where to write.
      task: The recipe as JSON.
      weights: Changes when the file of weights does, so that caching notices.
      code_fingerprint: Changes when the code does, for the same reason.
    """
    del weights, code_fingerprint
    export(overrides.from_json(task), path_utils.serving_model_dir(model.uri))
