"""The one place that writes a SavedModel.

The SavedModel needs only TensorFlow to run: decoding, resizing, scaling and the class names are
part of its graph, and the recipe is stored in `assets/`; what is pushed carries the whole task, see
`saved_model/task_asset`.
"""

import os
import tempfile
from typing import Any

import tensorflow as tf

from trainer_modules.engine.images.preprocessing import load_images
from trainer_modules.engine.problems import Regression
from trainer_modules.engine.saved_model.contents import (
    CLASS_IDS_ASSET,
    CLASSES_ASSET,
    EXAMPLES,
    SERVING_DEFAULT,
    TASK_ASSET,
)
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Recipe


def save(model: Any, task: Recipe, folder: str) -> None:
    """Writes `model` with its serving signatures.

    Signatures:
      serving_default: `image_bytes` string `[batch]`, or for tables one float32 `[batch]` input
        for each feature column → what `task.problem.served` makes of the outputs.
      examples: `examples`, serialized raw tf.Example, string `[batch]` → the same.
      and, for images, the problem's `further_signatures`.

    In addition there is the function `network`, from pixels (or rows) to the network's outputs, for
    export to forms that cannot decode images.

    Args:
      model: A `tf_keras` model: uint8 `[batch, height, width, channels]` (or float32
        `[batch, features]`) → the problem's outputs.
      task: The recipe it was trained with, or the whole task.
      folder: Where to write; created.
    """
    module = tf.Module()
    # The Keras object itself would be traced layer by layer; its variables are all that is needed.
    module.model_variables = model.variables
    module.network = network(model, task)
    with tempfile.TemporaryDirectory() as assets:
        module.assets = [tf.saved_model.Asset(path) for path in _write_assets(task, assets)]
        signatures = _image_signatures if task.image is not None else _row_signatures
        tf.saved_model.save(module, folder, signatures=signatures(module.network, task))


def network(model: Any, task: Recipe) -> Any:
    """Returns the network as a function of uint8 pixels, or float32 rows, traced once."""
    if task.image is not None:
        spec = tf.TensorSpec(
            [None, task.image.height, task.image.width, task.image.channels], tf.uint8
        )
    else:
        assert isinstance(task.problem, Regression)
        spec = tf.TensorSpec([None, len(task.problem.features)], tf.float32)
    return tf.function(lambda inputs: model(inputs, training=False), input_signature=[spec])


def _write_assets(task: Recipe, folder: str) -> list[str]:
    contents = {TASK_ASSET: overrides.to_json(task)}
    if task.problem.names:
        contents[CLASSES_ASSET] = "".join(f"{name}\n" for name in task.problem.names)
    if task.problem.ids:
        contents[CLASS_IDS_ASSET] = "".join(f"{class_id}\n" for class_id in task.problem.ids)
    for name, text in contents.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
    return [os.path.join(folder, name) for name in contents]


def _image_signatures(network: Any, task: Recipe) -> dict[str, Any]:
    image = task.image
    assert image is not None

    def outputs_of(image_bytes: tf.Tensor) -> tf.Tensor:
        return network(load_images(image_bytes, image))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return task.problem.served(outputs_of(image_bytes))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {"image": tf.io.FixedLenFeature([], tf.string)}
        return serve(tf.io.parse_example(examples, spec)["image"])

    further = task.problem.further_signatures(outputs_of)
    return {SERVING_DEFAULT: serve, EXAMPLES: serve_examples, **further}


def _row_signatures(network: Any, task: Recipe) -> dict[str, Any]:
    problem = task.problem
    assert isinstance(problem, Regression)
    columns_spec = {n: tf.TensorSpec([None], tf.float32, name=n) for n in problem.features}

    @tf.function
    def serve(**columns: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.stack([columns[name] for name in problem.features], axis=1)
        return problem.served(network(rows))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {name: tf.io.FixedLenFeature([], tf.float32) for name in problem.features}
        return serve(**tf.io.parse_example(examples, spec))

    return {
        SERVING_DEFAULT: serve.get_concrete_function(**columns_spec),
        EXAMPLES: serve_examples,
    }
