"""BulkPredict: the pipeline's optional last stage, predictions for images without labels.

It writes the file that competitions ask for, `submission.csv` in the form of the task's
`submission` (or for masks a folder), from the `unlabelled` split that ExampleGen has read. An
example that could not be read also gets a row, with an empty label, and its reason is in
`errors.csv`.
"""

import csv
import json
import os
from collections.abc import Iterable

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
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import io_utils, path_utils

from components.bulk_predict import run
from components.bulk_predict.inputs import Chunk, Keys
from components.example_gen.artifacts import RejectedExamples
from trainer_modules.engine.saved_model.read import SavedModel

SPLIT = "unlabelled"
SUMMARY_FILE, SUBMISSION, ERRORS = "bulk_predict.json", "submission.csv", "errors.csv"


class Predictions(Artifact):
    """Predictions of a split: `submission.csv` or `masks/`, and `bulk_predict.json` about it.

    If some examples could not be read, `errors.csv` (`id,error`) is written beside
    `submission.csv`.
    """

    # Kubeflow imports the class by this name; `components` has it as an attribute.
    TYPE_NAME = "components.Predictions"


def example_chunks(files: list[str], rejected: Iterable[tuple[str, str]] = ()) -> list[Chunk]:
    """Returns a chunk for each file of raw Examples, and one for the rejected (id, reason)."""
    keys = Keys(image="image", id="id")
    chunks = [Chunk(index=i, records=file, keys=keys) for i, file in enumerate(sorted(files))]
    return [*chunks, Chunk(index=len(chunks), failed=tuple(rejected))]


def read_rejected(uri: str) -> list[tuple[str, str]]:
    """Returns (id, reason) of what ExampleGen rejected from the split."""
    with fileio.open(os.path.join(uri, "rejected.jsonl"), "r") as f:
        lines = [json.loads(line) for line in iter(f.readline, "")]
    return [(line["id"], line["reason"]) for line in lines if line["split"] == SPLIT]


def split_errors(rows: str, submission: str, errors: str) -> None:
    """Moves the last column of a CSV file, the error, out of it.

    Args:
      rows: The file; it is removed.
      submission: The same without that column; written last, so that it is complete if it exists.
      errors: File for `id,error` of the rows with an error; not created if there are none.
    """
    part = f"{submission}.part"
    failed: list[list[str]] = []
    with tf.io.gfile.GFile(rows) as source, tf.io.gfile.GFile(part, "w") as target:
        kept = csv.writer(target, lineterminator="\n")
        for number, (*row, error) in enumerate(csv.reader(source)):
            kept.writerow(row)
            if number and error:
                failed.append([row[0], error])
    if failed:
        with tf.io.gfile.GFile(errors, "w") as f:
            csv.writer(f, lineterminator="\n").writerows([["id", "error"], *failed])
    tf.io.gfile.rename(part, submission, overwrite=True)
    tf.io.gfile.remove(rows)


@component(use_beam=True)
def BulkPredict(
    model: InputArtifact[standard_artifacts.Model],
    model_blessing: InputArtifact[standard_artifacts.ModelBlessing],
    infra_blessing: InputArtifact[standard_artifacts.InfraBlessing],
    examples: InputArtifact[standard_artifacts.Examples],
    rejected: InputArtifact[RejectedExamples],
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
      rejected: What could not be read.
      predictions: Where to write.
      columns: Columns of the CSV, the id first; see `bulk_predict.outputs.columns`.
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
        message = "the model is not blessed: no predictions were made"
    else:
        folder = path_utils.serving_model_path(model.uri)
        masks = "mask_png" in SavedModel(folder).outputs()
        output = os.path.join(predictions.uri, "masks" if masks else SUBMISSION)
        rows = output if masks else os.path.join(predictions.uri, ".rows.csv")
        split = artifact_utils.get_split_uris([examples], SPLIT)[0]
        outcome = run.predict(
            model_folder=folder,
            data=example_chunks(
                tf.io.gfile.glob(io_utils.all_files_pattern(split)), read_rejected(rejected.uri)
            ),
            output=rows,
            columns="" if masks else f"{columns},error",
            options=beam_pipeline.options if beam_pipeline is not None else None,
        )
        if not masks:
            split_errors(rows, output, os.path.join(predictions.uri, ERRORS))
        message = f"{outcome.rows:,} rows, {outcome.errors:,} with an error"
    text = json.dumps({"output": output, "message": message})
    io_utils.write_string_file(os.path.join(predictions.uri, SUMMARY_FILE), text)
