"""The one place that writes a SavedModel.

What is written needs TensorFlow alone to run: decoding, resizing, scaling and the class names are
part of its graph, and the task rides along in `assets/`.
"""

import os
import tempfile
from typing import Any

import tensorflow as tf

from trainer_modules.engine import overrides
from trainer_modules.engine.preprocessing import load_images
from trainer_modules.engine.problems import Regression
from trainer_modules.engine.task import Task

TASK_ASSET = "task.json"
CLASSES_ASSET = "classes.txt"


def save(model: Any, task: Task, folder: str) -> None:
    """Writes `model` with its serving signatures.

    Signatures:
      serving_default: `image_bytes` string `[batch]`, or for tables one float32 `[batch]` input
        for each feature column → what `task.problem.served` makes of the outputs.
      examples: `examples`, serialized raw tf.Example, string `[batch]` → the same.

    Args:
      model: A `tf_keras` model: uint8 `[batch, height, width, channels]` (or float32
        `[batch, features]`) → the problem's outputs.
      task: The task it was trained for.
      folder: Where to write; created.
    """
    module = tf.Module()
    # The Keras object itself would be traced layer by layer; its variables are all that is needed.
    module.model_variables = model.variables
    with tempfile.TemporaryDirectory() as assets:
        module.assets = [tf.saved_model.Asset(path) for path in _write_assets(task, assets)]
        by_input = _image_signature if task.image is not None else _row_signature
        tf.saved_model.save(
            module,
            folder,
            signatures={
                "serving_default": by_input(model, task),
                "examples": _examples_signature(model, task),
            },
        )


def _write_assets(task: Task, folder: str) -> list[str]:
    contents = {TASK_ASSET: overrides.to_json(task)}
    if task.problem.names:
        contents[CLASSES_ASSET] = "".join(f"{name}\n" for name in task.problem.names)
    for name, text in contents.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
    return [os.path.join(folder, name) for name in contents]


def _image_signature(model: Any, task: Task) -> Any:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return _predict_images(model, task, image_bytes)

    return serve


def _row_signature(model: Any, task: Task) -> Any:
    problem = task.problem
    assert isinstance(problem, Regression)
    specs = {name: tf.TensorSpec([None], tf.float32, name=name) for name in problem.features}

    @tf.function
    def serve(**columns: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.stack([columns[name] for name in problem.features], axis=1)
        return problem.served(model(rows, training=False))

    return serve.get_concrete_function(**specs)


def _examples_signature(model: Any, task: Task) -> Any:
    problem = task.problem
    if task.image is not None:
        spec = {"image": tf.io.FixedLenFeature([], tf.string)}
    else:
        assert isinstance(problem, Regression)
        spec = {name: tf.io.FixedLenFeature([], tf.float32) for name in problem.features}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        parsed = tf.io.parse_example(examples, spec)
        if task.image is not None:
            return _predict_images(model, task, parsed["image"])
        rows = tf.stack([parsed[name] for name in spec], axis=1)
        return problem.served(model(rows, training=False))

    return serve


def _predict_images(model: Any, task: Task, contents: tf.Tensor) -> dict[str, tf.Tensor]:
    assert task.image is not None
    return task.problem.served(model(load_images(contents, task.image), training=False))
