"""Features of a SavedModel: the inputs of its last layer, computed by plain Keras beside it."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from PIL import Image as Pillow

from trainer_modules import digits
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Segmentation
from trainer_modules.engine.saved_model import write
from trainer_modules.engine.saved_model.features import Features
from trainer_modules.engine.task.task import Columns

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)


def _pngs() -> list[bytes]:
    found = []
    for image in PIXELS:
        out = io.BytesIO()
        Pillow.fromarray(image[..., 0]).save(out, "PNG")
        found.append(out.getvalue())
    return found


def _saved(folder: Path, layers: list[tf_keras.layers.Layer], task=digits.TASK) -> tf_keras.Model:
    tf_keras.utils.set_random_seed(1)
    inputs = tf_keras.Input((8, 8, 1), dtype=tf.uint8)
    outputs = tf_keras.layers.Rescaling(1 / 255)(inputs)
    for layer in layers:
        outputs = layer(outputs)
    model = tf_keras.Model(inputs, outputs)
    write.save(model, task, str(folder))
    return model


def test_the_inputs_of_the_last_layer(tmp_path: Path) -> None:
    layers = tf_keras.layers
    model = _saved(
        tmp_path,
        [
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
    )
    features = Features(str(tmp_path))
    plain = tf_keras.Model(model.inputs, model.layers[-1].input)
    expected = plain.predict(PIXELS, verbose=0)
    assert features.of_last_layer and features.of(_pngs()).shape == (5, 16)
    assert np.allclose(features.of(_pngs()), expected, atol=1e-5)


def test_maps_are_averaged_over_the_image(tmp_path: Path) -> None:
    task = replace(digits.TASK, problem=Segmentation(classes=("ground", "sky")))
    layers = tf_keras.layers
    stack = [layers.Conv2D(6, 3, padding="same"), layers.Conv2D(2, 1), layers.Softmax()]
    model = _saved(tmp_path, stack, task)
    plain = tf_keras.Model(model.inputs, model.layers[-3].output)
    expected = plain.predict(PIXELS, verbose=0).mean(axis=(1, 2))
    assert np.allclose(Features(str(tmp_path)).of(_pngs()), expected, atol=1e-5)


def test_a_network_without_weights_gives_its_outputs(tmp_path: Path) -> None:
    layers = tf_keras.layers
    classes = tuple(str(i) for i in range(64))
    task = replace(digits.TASK, problem=replace(digits.TASK.problem, classes=classes))
    model = _saved(tmp_path, [layers.Flatten(), layers.Softmax()], task)
    features = Features(str(tmp_path))
    assert not features.of_last_layer
    assert np.allclose(features.of(_pngs()), model.predict(PIXELS, verbose=0), atol=1e-6)


def test_a_model_of_tables_has_none(tmp_path: Path) -> None:
    from trainer_modules import boston_housing

    inputs = tf_keras.Input((2,))
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(1)(inputs))
    task = replace(boston_housing.TASK, input=Columns(names=("a", "b")))
    write.save(model, task, str(tmp_path))
    with pytest.raises(BadInputError, match="Images"):
        Features(str(tmp_path))
