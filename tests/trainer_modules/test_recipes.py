"""Published recipes: what was published is what is built."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from pipelines import tasks
from trainer_modules.engine.networks import models
from trainer_modules.engine.task.layers import Dense, GlobalAveragePool
from trainer_modules.engine.task.learning_rates import Exponential
from trainer_modules.engine.task.task import Backbone, EncoderDecoder, Task


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
    "car_or_truck": 14_714_688 + 8193 * 6 + 7,
    "car_or_truck:inception": 21_802_784 + 8193 * 6 + 7,
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

    task = _without_weights(tasks.load("cassava:published", ("input.height=64", "input.width=64")))
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


# Keras' table of `keras.applications` gives these, rounded to a tenth of a million.
TOPS = {
    "imagenet": 25_636_712,
    "imagenet:vgg16": 138_357_544,
    "imagenet:inceptionv3": 23_851_784,
    "imagenet:mobilenetv2": 3_538_984,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TOPS)
def test_published_classifiers_have_their_counts(name: str) -> None:
    assert models.build(_without_weights(tasks.load(name))).model.count_params() == TOPS[name]


def test_every_task_has_its_count_asserted() -> None:
    """What has none: networks of this project's own, and a folder whose classes are its own."""
    own = {"camvid", "camvid:32", "image_folder", "image_labels", "image_number"}
    unknown = {s for s, _ in tasks.descriptions()} - {*COUNTS, *TOPS}
    assert {name.partition(":")[0] for name in unknown} <= {n.partition(":")[0] for n in own}


RECIPES = {
    # Task: optimiser, rate, epsilon, batch, epochs of each phase.
    "digits": ("adam", 1e-3, None, 64, [60]),
    "mnist": ("adam", 1e-3, None, 200, [5]),
    "mnist:b": ("rmsprop", 1e-3, None, 64, [21]),
    "fashion_mnist": ("adam", 1e-3, None, 1000, [17]),
    "boston_housing": ("rmsprop", 5e-3, None, 16, [101]),
    "cifar10": ("rmsprop", 1e-3, None, 256, [31]),
    "flowers": ("adam", 1e-3, None, 64, [9]),
    "gtsrb": ("adam", 1e-4, None, 32, [101]),
    "food101": ("adam", 1e-3, None, 32, [3, 3]),
    "car_or_truck": ("adam", 1e-3, None, 64, [30]),
    "car_or_truck:inception": ("adam", 1e-3, 0.01, 64, [30]),
    "cassava": (
        "adam",
        Exponential(initial=1e-5, decay_steps=10_000, decay_rate=0.9),
        1e-3,
        16,
        [25],
    ),
}


@pytest.mark.parametrize("name", RECIPES)
def test_settings_are_the_published_ones(name: str) -> None:
    task = tasks.load(name)
    optimizer = task.train.optimizer
    rate = task.phases[0].learning_rate
    epochs = [phase.epochs for phase in task.phases]
    found = (optimizer.name, rate, optimizer.epsilon, task.train.batch_size, epochs)
    assert found == RECIPES[name]


def test_cassava_deviates_in_the_stem_alone() -> None:
    task, published = tasks.load("cassava"), tasks.load("cassava:published")
    model = dataclasses.replace(published.model, stem=())
    assert dataclasses.replace(published, name="cassava", model=model) == task
    assert task.model == Backbone(name="ResNet50", head=(GlobalAveragePool(), Dense(8, "relu")))
