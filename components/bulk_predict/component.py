"""BulkPredict: the pipeline's optional last stage, predictions for images without labels.

It writes the file that competitions ask for, `submission.csv` with header `id,label` (or for
masks a folder), from the `unlabelled` split that ExampleGen has read.
"""

import json
import os

import tensorflow as tf
from apache_beam import Pipeline
from tfx.components.util import model_utils
from tfx.dsl.component.experimental.annotations import (
    BeamComponentParameter,
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import io_utils, path_utils

from components.bulk_predict import model as models
from components.bulk_predict import run
from components.bulk_predict.inputs import Chunk, Keys

SPLIT = "unlabelled"
SUMMARY_FILE = "bulk_predict.json"


class Predictions(Artifact):
    """Predictions of a split: `submission.csv` or `masks/`, and `bulk_predict.json` about it."""

    # Kubeflow imports the class by this name; `components` has it as an attribute.
    TYPE_NAME = "components.Predictions"


def example_chunks(files: list[str]) -> list[Chunk]:
    """Returns a chunk for each file of raw Examples."""
    keys = Keys(image="image", id="id")
    return [Chunk(index=i, records=file, keys=keys) for i, file in enumerate(sorted(files))]


@component(use_beam=True)
def BulkPredict(
    model: InputArtifact[standard_artifacts.Model],
    model_blessing: InputArtifact[standard_artifacts.ModelBlessing],
    infra_blessing: InputArtifact[standard_artifacts.InfraBlessing],
    examples: InputArtifact[standard_artifacts.Examples],
    predictions: OutputArtifact[Predictions],
    columns: Parameter[str] = "id,label",
    code_fingerprint: Parameter[str] = "",
    beam_pipeline: BeamComponentParameter[Pipeline] = None,
) -> None:
    """Predicts the split `unlabelled` of `examples`, if there is one and the model is blessed.

    Args:
      model: The exported model.
      model_blessing: The gates' verdict.
      infra_blessing: The serving check's verdict.
      examples: Raw Examples.
      predictions: Where to write.
      columns: Columns of the CSV; see `bulk_predict.outputs.columns`.
      code_fingerprint: Changes when the code does, so that caching notices.
      beam_pipeline: Carries the pipeline's options for Beam.
    """
    del code_fingerprint
    output, message = "", ""
    if SPLIT not in artifact_utils.decode_split_names(examples.split_names):
        message = f"no split '{SPLIT}'"
    elif not (
        model_utils.is_model_blessed(model_blessing)
        and model_utils.is_infra_validated(infra_blessing)
    ):
        message = "the model is not blessed: nothing predicted"
    else:
        folder = path_utils.serving_model_path(model.uri)
        masks = "mask_png" in models.Predictor(folder).outputs
        output = os.path.join(predictions.uri, "masks" if masks else "submission.csv")
        split = artifact_utils.get_split_uris([examples], SPLIT)[0]
        outcome = run.predict(
            model_folder=folder,
            data=example_chunks(tf.io.gfile.glob(io_utils.all_files_pattern(split))),
            output=output,
            columns="" if masks else columns,
            options=beam_pipeline.options if beam_pipeline is not None else None,
        )
        message = f"{outcome.rows:,} rows, {outcome.errors:,} with an error"
    text = json.dumps({"output": output, "message": message})
    io_utils.write_string_file(os.path.join(predictions.uri, SUMMARY_FILE), text)
