"""A SavedModel as a base: its own features, its variables counted and never trained."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.networks import frozen_base

IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)


@pytest.fixture
def keras(tmp_path: Path) -> tf_keras.Model:
    """A network with batch normalisation, which computes other values in training."""
    tf_keras.utils.set_random_seed(0)
    model = tf_keras.Sequential(
        [
            tf_keras.layers.Input((8, 8, 3)),
            tf_keras.layers.Conv2D(4, 3),
            tf_keras.layers.BatchNormalization(),
        ]
    )
    model.layers[1].moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    model.save(str(tmp_path / "keras"), save_format="tf")
    return model


def test_features_are_those_of_the_network_in_inference(
    keras: tf_keras.Model, tmp_path: Path
) -> None:
    base = frozen_base.load(str(tmp_path / "keras"), name="MobileNet")
    assert base.name == "mobilenet_saved_model"
    np.testing.assert_allclose(base(IMAGES, training=True), keras(IMAGES), atol=1e-6)
    assert base.count_params() == keras.count_params() and not base.trainable_weights
    base.trainable = True
    assert not base.trainable_weights or base.always_frozen
    with tf.GradientTape() as tape:
        tape.watch(base.weights)
        loss = tf.reduce_sum(base(IMAGES))
    assert all(gradient is None for gradient in tape.gradient(loss, base.weights))


def test_images_of_another_size_are_refused(keras: tf_keras.Model, tmp_path: Path) -> None:
    base = frozen_base.load(str(tmp_path / "keras"), name="n")
    with pytest.raises(BadInputError, match="does not accept images of shape"):
        base(np.zeros((1, 9, 9, 3), np.float32))


def test_a_copy_computes_the_same(keras: tf_keras.Model, tmp_path: Path) -> None:
    base = frozen_base.load(str(tmp_path / "keras"), name="n")
    np.testing.assert_array_equal(base.copied(lambda part: part)(IMAGES), base(IMAGES))


def test_a_signature_is_enough(tmp_path: Path) -> None:
    module = tf.Module()
    module.scale = tf.Variable(3.0)
    answer = tf.function(
        lambda pixels: {"features": pixels * module.scale},
        input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32)],
    )
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": answer})
    base = frozen_base.load(str(tmp_path), name="n")
    np.testing.assert_allclose(base(IMAGES), IMAGES * 3)


def test_what_is_no_base_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=f"no SavedModel in {tmp_path}"):
        frozen_base.load(str(tmp_path), name="n")
    tf.saved_model.save(tf.Module(), str(tmp_path / "empty"))
    with pytest.raises(BadInputError, match="must be callable, or have a serving_default"):
        frozen_base.load(str(tmp_path / "empty"), name="n")(IMAGES)
    module = tf.Module()
    both = tf.function(
        lambda pixels: {"a": pixels, "b": pixels},
        input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32)],
    )
    tf.saved_model.save(module, str(tmp_path / "two"), signatures={"serving_default": both})
    with pytest.raises(BadInputError, match="must have one output. Received: a, b"):
        frozen_base.load(str(tmp_path / "two"), name="n")(IMAGES)
