"""Layers as data: each builds the Keras layer of its name with the arguments it was given."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from trainer_modules.engine.task import layers
from trainer_modules.engine.task.layers import Layer

IMAGES = np.random.default_rng(0).normal(size=(2, 6, 7, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Dense(5, "relu"), (2, 6, 7, 5)),
        (layers.Conv(4, 3), (2, 4, 5, 4)),
        (layers.Conv(4, 3, padding="same"), (2, 6, 7, 4)),
        (layers.MaxPool(2), (2, 3, 3, 3)),
        (layers.GlobalAveragePool(), (2, 3)),
        (layers.Flatten(), (2, 126)),
        (layers.Dropout(0.5), (2, 6, 7, 3)),
        (layers.BatchNorm(0.9), (2, 6, 7, 3)),
        (layers.Rescale(0.5), (2, 6, 7, 3)),
    ],
)
def test_shape_and_name(layer: Layer, shape: tuple[int, ...]) -> None:
    built = layer.build("mine")
    assert built.name == "mine" and tuple(built(IMAGES).shape) == shape


def test_values_are_those_of_plain_operations() -> None:
    blocks = IMAGES[:, :6, :6].reshape(2, 3, 2, 3, 2, 3)
    np.testing.assert_allclose(layers.MaxPool(2).build()(IMAGES), blocks.max(axis=(2, 4)))
    means = layers.GlobalAveragePool().build()(IMAGES)
    np.testing.assert_allclose(means, IMAGES.mean(axis=(1, 2)), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(layers.Rescale(0.5).build()(IMAGES), IMAGES * 0.5)
    dense = layers.Dense(5, "relu").build()
    outputs = dense(IMAGES)
    kernel, bias = dense.get_weights()
    np.testing.assert_allclose(outputs, np.maximum(IMAGES @ kernel + bias, 0), atol=1e-5)


def test_dropout_is_for_training_alone() -> None:
    ones = np.ones((1, 10_000), np.float32)
    built = layers.Dropout(0.25).build()
    assert (built(ones, training=False).numpy() == 1).all()
    kept = built(ones, training=True).numpy()
    assert (kept == 0).mean() == pytest.approx(0.25, abs=0.03)
    assert set(np.round(np.unique(kept), 5)) == {0.0, np.float32(np.round(1 / 0.75, 5))}


def test_batch_norm_keeps_the_share_that_its_momentum_says() -> None:
    built = layers.BatchNorm(0.9).build()
    built(IMAGES, training=True)
    expected = 0.1 * IMAGES.mean(axis=(0, 1, 2))
    np.testing.assert_allclose(built.moving_mean, expected, rtol=1e-4, atol=1e-7)
    assert not built.synchronized
    # Where a batch is spread over devices, its figures are those of the whole batch.
    cpu = tf.config.list_logical_devices("CPU")[0].name
    with tf.distribute.MirroredStrategy([cpu]).scope():
        assert not layers.BatchNorm().build().synchronized


def test_rescaling_stays_float32_in_mixed_precision() -> None:
    before = tf_keras.mixed_precision.global_policy()
    tf_keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        assert layers.Rescale(1 / 255).build()(IMAGES).dtype == tf.float32
        assert layers.Dense(2).build()(IMAGES).dtype == tf.bfloat16
    finally:
        tf_keras.mixed_precision.set_global_policy(before)


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        (layers.Dense, {"units": 0}, "units must be at least 1"),
        (layers.Conv, {"filters": 0}, "filters must be at least 1"),
        (layers.Conv, {"filters": 1, "padding": "full"}, "Received: 'full'"),
        (layers.MaxPool, {"size": 0}, "size must be at least 1"),
        (layers.Dropout, {"rate": 1.0}, "rate must be at least 0 and below 1"),
        (layers.BatchNorm, {"momentum": 1.0}, r"momentum must be in \[0, 1\)"),
    ],
)
def test_what_no_layer_can_be_is_refused(kind: type, given: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        kind(**given)
