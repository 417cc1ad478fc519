"""The one place that writes a SavedModel.

The SavedModel needs only TensorFlow to run: decoding, resizing, scaling and the class names are
part of its graph, and the recipe is stored in `assets/`; what is pushed carries the whole task, see
`saved_model/task_asset`.
"""

import os
import tempfile
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from trainer_modules.engine.images.preprocessing import load_images
from trainer_modules.engine.saved_model.contents import (
    CLASS_IDS_ASSET,
    CLASSES_ASSET,
    TASK_ASSET,
)
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Recipe


def save(
    model: Any, task: Recipe, folder: str, further_assets: Mapping[str, str] | None = None
) -> None:
    """Writes `model` with its serving signatures.

    Signatures:
      serving_default: the inputs that `task.input.served` names, each `[batch]`: for images
        `image_bytes`, string, for tables each column, float32 → what `task.problem.served` makes of
        the outputs.
      examples: `examples`, serialized raw tf.Example, string `[batch]` → the same.
      and, for images, the problem's `further_signatures`.

    In addition there is the function `network`, from pixels (or rows) to the network's outputs, for
    export to formats that cannot decode images.

    Args:
      model: A `tf_keras` model: uint8 `[batch, height, width, channels]` (or float32
        `[batch, features]`) → the problem's outputs.
      task: The recipe it was trained with, or the whole task.
      folder: Where to write; created.
      further_assets: Name → text of assets besides the task and its classes.
    """
    module = tf.Module()
    # The Keras object itself would be traced layer by layer; its variables are all that is needed.
    module.model_variables = model.variables
    module.network = network(model, task)
    with tempfile.TemporaryDirectory() as assets:
        module.assets = [
            tf.saved_model.Asset(path) for path in _write_assets(task, assets, further_assets or {})
        ]
        tf.saved_model.save(module, folder, signatures=_signatures(module.network, task))


def network(model: Any, task: Recipe) -> Any:
    """Returns the network as a function of uint8 pixels, or float32 rows, traced once."""
    return tf.function(
        lambda inputs: model(inputs, training=False), input_signature=[task.input.tensor_spec()]
    )


def _write_assets(task: Recipe, folder: str, further: Mapping[str, str]) -> list[str]:
    contents = {TASK_ASSET: overrides.to_json(task), **further}
    if task.problem.names:
        contents[CLASSES_ASSET] = "".join(f"{name}\n" for name in task.problem.names)
    if task.problem.ids:
        contents[CLASS_IDS_ASSET] = "".join(f"{class_id}\n" for class_id in task.problem.ids)
    for name, text in contents.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
    return [os.path.join(folder, name) for name in contents]


def _signatures(network: Any, task: Recipe) -> dict[str, Any]:
    def outputs_of(image_bytes: tf.Tensor) -> tf.Tensor:
        return network(load_images(image_bytes, task.input.images("further signatures")))

    signatures = task.input.signatures(lambda inputs: task.problem.served(network(inputs)))
    return signatures | task.problem.further_signatures(outputs_of)
