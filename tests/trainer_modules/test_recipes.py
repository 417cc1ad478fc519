"""Published recipes: what was published is what is built."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from pipelines import tasks
from trainer_modules.engine import models
from trainer_modules.engine.layers import Dense, GlobalAveragePool
from trainer_modules.engine.task import Backbone, EncoderDecoder, Task


def _without_weights(task: Task) -> Task:
    if isinstance(task.model, Backbone | EncoderDecoder):
        return dataclasses.replace(task, model=dataclasses.replace(task.model, weights="none"))
    return task


# Published, or of the published counts of `keras.applications` (without their tops: VGG16
# 14,714,688, ResNet50 23,587,712, EfficientNetB0 4,049,571, InceptionV3 21,802,784, MobileNetV2
# 0.35 410,208) and a head of (inputs + 1) × units for each dense layer.
COUNTS = {
    "digits": 65 * 256 + 257 * 10,
    "mnist": 785 * 512 + 513 * 10,
    "mnist:b": 118_282,
    "fashion_mnist": 1_619_470,
    "boston_housing": 2,
    "boston_housing:all": 14,
    "cifar10": 669_354,
    "cifar10:plain": 669_354,
    "flowers": 6_797_509,
    "flowers:transfer": 410_208 + 1281 * 5,
    "gtsrb": 17_931_627,
    "gtsrb:small": 410_208 + 1281 * 43,
    "food101": 4_049_571 + 1281 * 101,
    "cassava": 23_587_712 + 2049 * 8 + 9 * 5,
    # The BatchNormalization with renorm has seven numbers for each of three channels.
    "cassava:published": 23_587_712 + 2049 * 8 + 9 * 5 + 21,
}
TABLES = ("boston_housing", "boston_housing:all")
STATISTICS = {"boston_housing:all": ([0.0] * 13, [1.0] * 13)}


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts_are_the_published_ones(name: str) -> None:
    task = _without_weights(tasks.load(name))
    built = models.build(task, STATISTICS.get(name))
    assert built.model.count_params() == COUNTS[name]


def test_cassava_published_is_the_published_network() -> None:
    """The notebook's network in plain Keras, with the same weights, answers the same."""
    import tf_keras
    from tf_keras import layers

    task = _without_weights(tasks.load("cassava:published", ("image.height=64", "image.width=64")))
    built = models.build(task)
    models.set_trainable(built, task.phases[0])
    base = tf_keras.applications.ResNet50(weights=None, include_top=False, input_shape=(64, 64, 3))
    base.trainable = False
    plain = tf_keras.Sequential(
        [
            layers.BatchNormalization(renorm=True),
            layers.Lambda(tf_keras.applications.resnet50.preprocess_input),
            base,
            layers.GlobalAveragePooling2D(),
            layers.Dense(8, activation="relu"),
            layers.Dense(5, activation="softmax"),
        ]
    )
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    plain(images / np.float32(255))
    _copy(built, plain, base)
    assert built.model.count_params() == plain.count_params()
    assert built.trainable_count == sum(int(np.prod(w.shape)) for w in plain.trainable_weights)
    for training in (False, True):
        ours = built.model(images, training=training)
        theirs = plain(images / np.float32(255), training=training)
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def _copy(built: models.Built, plain: Any, base: Any) -> None:
    assert built.base is not None
    built.base.set_weights(base.get_weights())
    own = [layer for layer in built.model.layers if layer.weights and layer is not built.runner]
    others = [layer for layer in plain.layers if layer.weights and layer is not base]
    assert len(own) == len(others) == 3
    for mine, other in zip(own, others, strict=True):
        mine.set_weights(other.get_weights())


def test_cassava_deviates_in_the_stem_alone() -> None:
    task, published = tasks.load("cassava"), tasks.load("cassava:published")
    model = dataclasses.replace(published.model, stem=())
    assert dataclasses.replace(published, name="cassava", model=model) == task
    assert task.model == Backbone(name="ResNet50", head=(GlobalAveragePool(), Dense(8, "relu")))
