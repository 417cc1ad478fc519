"""ExportFormats: the pushed network as TFLite and ONNX, each checked against the SavedModel.

Files of these formats take pixels, uint8 `[batch, height, width, channels]` (tables: float32 rows),
and return the network's outputs; the application decodes and resizes. One that differs from the
SavedModel on the evaluated split by more than `TOLERANCES` raises an error and is not written.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.components.util import model_utils
from tfx.dsl.component.experimental.annotations import (
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import io_utils, path_utils

from components.evaluator.configuration import evaluation_split
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.saved_model import read
from trainer_modules.engine.saved_model.read import SavedModel
from trainer_modules.engine.training import examples as stored

SUMMARY_FILE = "exports.json"
_CALIBRATION, _CHECKED, _BATCH = 200, 1000, 32
_OPSET = 17


@dataclass(frozen=True)
class Tolerance:
    """How far a format may differ from the SavedModel.

    Attributes:
      largest: Of any output, relative above 1.
      mean: Of the outputs on average.
      other_class: Fraction of the examples (or pixels) whose most probable class differs.
    """

    largest: float
    mean: float
    other_class: float


TOLERANCES = {
    "tflite": Tolerance(1e-4, 1e-5, 0.001),
    "tflite_int8": Tolerance(float("inf"), 0.05, 0.05),
    "onnx": Tolerance(1e-4, 1e-5, 0.001),
}
_FILES = {"tflite": "model.tflite", "tflite_int8": "model-int8.tflite", "onnx": "model.onnx"}


class FormatError(RuntimeError):
    """A format differs from the SavedModel by more than its tolerance."""


class ExportedFormats(Artifact):
    """Files of other formats of a model, and `exports.json` about them."""

    TYPE_NAME = "components.ExportedFormats"


def convert(
    export_format: str, loaded: SavedModel, calibration: Callable[[], Iterator[list[Any]]]
) -> bytes:
    """Returns the network of a SavedModel in another format.

    Args:
      export_format: A key of `TOLERANCES`.
      loaded: The SavedModel.
      calibration: Yields `[input]`, batches of one, for int8.

    Raises:
      BadInputError: If there is no such format.
    """
    if export_format not in TOLERANCES:
        raise BadInputError(f"serving.formats {did_you_mean(export_format, TOLERANCES)}.")
    concrete = loaded.network.get_concrete_function()
    if export_format == "onnx":
        import tf2onnx

        (spec,) = concrete.structured_input_signature[0]
        signature = [tf.TensorSpec(spec.shape, spec.dtype)]
        model, _ = tf2onnx.convert.from_function(loaded.network, signature, opset=_OPSET)
        return bytes(model.SerializeToString())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], loaded.module)
    if export_format == "tflite_int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration
    return bytes(converter.convert())


def runner(export_format: str, contents: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function from the network's inputs to its outputs, on the format's own runtime."""
    if export_format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(contents, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda inputs: np.asarray(session.run(None, {name: inputs})[0])
    import warnings

    with warnings.catch_warnings():
        # It warns of its successor, which has no release for this TensorFlow's converter.
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_content=contents)
    given, taken = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(inputs: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(given["index"], inputs.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], inputs)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(taken["index"]))

    return run


def difference(wanted: np.ndarray, got: np.ndarray, *, classes: bool) -> Tolerance:
    """Returns the difference between `got` and `wanted`, in the units of `Tolerance`.

    Args:
      wanted: The SavedModel's outputs, float `[examples, …]`.
      got: The format's outputs.
      classes: Whether the outputs are probabilities of classes (one: of the second of two).
    """
    gap = np.abs(got.astype(np.float64) - wanted) / np.maximum(1.0, np.abs(wanted))
    other = 0.0
    if classes and wanted.shape[-1] == 1:
        other = float(((wanted > 0.5) != (got > 0.5)).mean())
    elif classes:
        other = float((wanted.argmax(-1) != got.argmax(-1)).mean())
    return Tolerance(float(gap.max()), float(gap.mean()), other)


def check(export_format: str, difference: Tolerance) -> None:
    """Checks a difference.

    Raises:
      FormatError: If it is more than `TOLERANCES` allows.
    """
    allowed = asdict(TOLERANCES[export_format])
    for name, value in asdict(difference).items():
        if not value <= allowed[name]:
            raise FormatError(
                f"{export_format} differs from the SavedModel: {name} {value:.3g}, but the "
                f"tolerance is {allowed[name]:g}. Nothing was exported in this format."
            )


def export(
    formats: list[str], folder: str, output: str, calibration: list[Any], inputs: list[np.ndarray]
) -> dict[str, Any]:
    """Writes the requested formats.

    Args:
      formats: Keys of `TOLERANCES`.
      folder: The SavedModel.
      output: Where the files go.
      calibration: Single inputs of the network, for int8.
      inputs: Batches of inputs to compare on.

    Returns:
      Per format: `file`, `bytes`, `seconds`, `examples`, and the difference.

    Raises:
      FormatError: If a format differs too much.
    """
    loaded = SavedModel(folder)
    wanted = np.concatenate([loaded.network(batch).numpy() for batch in inputs])
    classes = "value" not in loaded.outputs()
    exports: dict[str, Any] = {}
    for export_format in formats:
        begin = time.monotonic()
        contents = convert(
            export_format, loaded, lambda: ([one[np.newaxis]] for one in calibration)
        )
        run = runner(export_format, contents)
        gap = difference(wanted, np.concatenate([run(b) for b in inputs]), classes=classes)
        check(export_format, gap)
        with tf.io.gfile.GFile(os.path.join(output, _FILES[export_format]), "wb") as f:
            f.write(contents)
        exports[export_format] = {
            "file": os.path.join(output, _FILES[export_format]),
            "bytes": len(contents),
            "seconds": round(time.monotonic() - begin, 1),
            "examples": len(wanted),
            **asdict(gap),
        }
    return exports


def _inputs(task: Any, files: list[str]) -> list[np.ndarray]:
    """Returns batches of the network's inputs from raw Examples."""
    spec = task.input.raw_spec()
    return [
        task.input.network_inputs(tf.io.parse_example(batch, spec)).numpy()
        for batch in stored.records(sorted(files)).take(_CHECKED).batch(_BATCH)
    ]


def _files(artifact: Artifact, split: str) -> list[str]:
    (uri,) = artifact_utils.get_split_uris([artifact], split)
    return sorted(tf.io.gfile.glob(io_utils.all_files_pattern(uri)))


@component
def ExportFormats(
    model: InputArtifact[standard_artifacts.Model],
    model_blessing: InputArtifact[standard_artifacts.ModelBlessing],
    infra_blessing: InputArtifact[standard_artifacts.InfraBlessing],
    examples: InputArtifact[standard_artifacts.Examples],
    transformed_examples: InputArtifact[standard_artifacts.Examples],
    exports: OutputArtifact[ExportedFormats],
    formats: Parameter[str],
    code_fingerprint: Parameter[str] = "",
) -> None:
    """Exports a blessed model to the formats of the comma-separated `formats`.

    Args:
      model: The exported model.
      model_blessing: The gates' verdict.
      infra_blessing: The serving check's verdict.
      examples: Raw Examples; compared on up to 1,000 examples of the evaluated split.
      transformed_examples: Transform's; int8 is calibrated on 200 of the split `train`.
      exports: Where to write.
      formats: `tflite`, `tflite_int8`, `onnx`.
      code_fingerprint: Changes when the code does, so that caching notices.
    """
    del code_fingerprint
    exported: dict[str, Any] = {}
    if model_utils.is_model_blessed(model_blessing) and model_utils.is_infra_validated(
        infra_blessing
    ):
        folder = path_utils.serving_model_path(model.uri)
        task = read.task(folder)
        if task is None:
            raise BadInputError(f"the SavedModel in {folder} carries no task. Train it again.")
        split = evaluation_split(artifact_utils.decode_split_names(examples.split_names))
        calibration = [
            stored.decode(task, serialized)[0].numpy()
            for serialized in stored.records(_files(transformed_examples, "train")).take(
                _CALIBRATION
            )
        ]
        inputs = _inputs(task, _files(examples, split))
        tf.io.gfile.makedirs(exports.uri)
        exported = export(formats.split(","), folder, exports.uri, calibration, inputs)
    text = json.dumps(exported, indent=1)
    io_utils.write_string_file(os.path.join(exports.uri, SUMMARY_FILE), text)
