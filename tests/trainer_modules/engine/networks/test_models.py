"""The model of a task: counts, scaling, freezing."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tf_keras

from trainer_modules import cifar10, gtsrb, mnist
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.networks import models
from trainer_modules.engine.problems import Regression
from trainer_modules.engine.task.layers import Conv, Dropout, GlobalAveragePool
from trainer_modules.engine.task.task import (
    Backbone,
    Columns,
    Everything,
    HeadOnly,
    Images,
    Last,
    Network,
    Phase,
    Task,
)

MOBILE = Backbone(name="MobileNetV2", alpha=0.35, weights="none", head=(GlobalAveragePool(),))


def without_weights(task: Task) -> Task:
    return dataclasses.replace(task, model=dataclasses.replace(task.model, weights="none"))


def test_published_parameter_counts() -> None:
    assert models.build(cifar10.TASK).model.count_params() == 669_354
    assert models.build(mnist.VARIANTS["b"]).model.count_params() == 118_282
    built = models.build(without_weights(gtsrb.TASK))
    models.set_trainable(built, gtsrb.TASK.phases[0])
    assert built.model.count_params() == 17_931_627
    assert built.trainable_count == 16_196_139
    assert built.frozen_count == 17_931_627 - 16_196_139


def test_scaling_is_the_first_layer(tiny: Callable[..., Task]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), np.uint8)
    for scale, expected in (
        ("unit", images / 255),
        ("none", images.astype(float)),
        ("standardise", (images - 100.0) / 20),
    ):
        task = tiny(input=Images(height=8, width=8, channels=1, scaling=scale))
        model = models.build(task, ([100.0], [20.0])).model
        assert model.input.dtype == "uint8"
        scaled = tf_keras.Model(model.input, model.get_layer("scaling").output)(images)
        np.testing.assert_allclose(scaled, expected, rtol=1e-5, atol=1e-5)


def test_standardising_needs_statistics(tiny: Callable[..., Task]) -> None:
    task = tiny(input=Images(height=8, width=8, channels=1, scaling="standardise"))
    with pytest.raises(BadInputError, match="the mean and standard deviation"):
        models.build(task)
    with pytest.raises(BadInputError, match="must vary"):
        models.build(task, ([1.0], [0.0]))


def test_a_table_goes_in_as_a_row(tiny: Callable[..., Task]) -> None:
    columns = Columns(names=("a", "b"))
    task = tiny(problem=Regression(target="y"), input=columns, model=Network())
    model = models.build(task).model
    kernel, bias = model.get_weights()
    row = np.array([[2.0, 3.0]], np.float32)
    np.testing.assert_allclose(model(row), row @ kernel + bias, rtol=1e-6)
    scaled = dataclasses.replace(task, input=dataclasses.replace(columns, standardise=True))
    model = models.build(scaled, ([1.0, 2.0], [2.0, 4.0])).model
    kernel, bias = model.get_weights()
    expected = (row - [1, 2]) / [2, 4] @ kernel + bias
    np.testing.assert_allclose(model(row), expected, rtol=1e-5)
    with pytest.raises(BadInputError, match="the mean and standard deviation"):
        models.build(scaled)


def test_layers_that_do_not_fit_are_named(tiny: Callable[..., Task]) -> None:
    with pytest.raises(BadInputError, match="layer 0 .*Conv.* does not fit"):
        models.build(tiny(model=Network(layers=(Conv(4, size=9),))))


@pytest.mark.parametrize("freeze", [True, False])
def test_what_a_phase_trains(tiny: Callable[..., Task], freeze: bool) -> None:
    task = tiny(input=Images(height=32, width=32, channels=1), model=MOBILE)
    built = dataclasses.replace(models.build(task), pretrained=True)
    norms = [x for x in built.base.layers if isinstance(x, tf_keras.layers.BatchNormalization)]
    head = 1280 * 3 + 3
    order = [w.name for w in built.model.weights]
    for trainable, learning in (
        (HeadOnly(), set()),
        (Last(5), {x.name for x in built.base.layers[-5:]}),
        (Everything(), {x.name for x in built.base.layers}),
    ):
        phase = Phase(epochs=1, trainable=trainable, freeze_batch_norm=freeze)
        models.set_trainable(built, phase)
        for norm in norms:
            assert norm.trainable == (norm.name in learning and not freeze)
        counted = head + sum(
            int(np.prod(w.shape))
            for x in built.base.layers
            if x.name in learning and not (freeze and x in norms)
            for w in x.trainable_weights
        )
        assert built.trainable_count == counted
        assert [w.name for w in built.model.weights] == order
        assert built.trainable_count + built.frozen_count == built.model.count_params()


def test_random_weights_train_their_batch_norm(tiny: Callable[..., Task]) -> None:
    built = models.build(tiny(input=Images(height=32, width=32), model=MOBILE))
    models.set_trainable(built, Phase(epochs=1))
    norms = [x for x in built.base.layers if isinstance(x, tf_keras.layers.BatchNormalization)]
    assert all(n.trainable for n in norms)


def test_a_frozen_base_runs_in_inference_mode(tiny: Callable[..., Task]) -> None:
    model = Backbone(name="EfficientNetB0", weights="none", head=(GlobalAveragePool(),))
    built = models.build(tiny(input=Images(height=32, width=32), model=model))
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    pooled = built.model.get_layer("globalaveragepool_0").output
    features = tf_keras.Model(built.model.input, pooled)
    quiet = features(images, training=False).numpy()
    scale = np.abs(quiet).max()
    models.set_trainable(built, Phase(epochs=1, trainable=HeadOnly()))
    np.testing.assert_allclose(features(images, training=True), quiet, atol=1e-4 * scale)
    models.set_trainable(built, Phase(epochs=1, trainable=Everything()))
    assert np.abs(features(images, training=True) - quiet).max() > 1e-2 * scale


def test_impossible_phases_are_refused(tiny: Callable[..., Task]) -> None:
    plain = models.build(tiny())
    with pytest.raises(BadInputError, match="must be Everything"):
        models.set_trainable(plain, Phase(epochs=1, trainable=HeadOnly()))
    built = models.build(tiny(input=Images(height=32, width=32), model=MOBILE))
    with pytest.raises(BadInputError, match="at most the 154 layers"):
        models.set_trainable(built, Phase(epochs=1, trainable=Last(155)))


def test_dropout_is_part_of_the_head(tiny: Callable[..., Task]) -> None:
    head = (*MOBILE.head, Dropout(0.5))
    model: Any = dataclasses.replace(MOBILE, head=head)
    built = models.build(tiny(input=Images(height=32, width=32), model=model))
    assert any(isinstance(x, tf_keras.layers.Dropout) for x in built.model.layers)
