"""Published networks: their scaling equals Keras' own, and weights are theirs or refused."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.networks import backbones, models, weights
from trainer_modules.engine.task.layers import GlobalAveragePool
from trainer_modules.engine.task.task import Backbone, HeadOnly, Images, Phase, Task
from trainer_modules.engine.training import strategy, training


@pytest.fixture(scope="module")
def small() -> Any:
    return backbones.build("MobileNetV2", height=32, width=32, alpha=0.35)


def test_every_network_of_keras_is_known() -> None:
    assert len(backbones.names()) > 60
    assert {"VGG16", "ResNet50V2", "EfficientNetB0", "ConvNeXtTiny"} <= set(backbones.names())
    for name in backbones.names():
        assert backbones.scaling(name) in ("tf", "caffe", "torch", "raw")


@pytest.mark.parametrize("name", backbones.names())
def test_scaling_is_that_of_the_network(name: str) -> None:
    module = sys.modules[getattr(tf_keras.applications, name).__module__]
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    expected = module.preprocess_input(images.astype(np.float32))
    if name.startswith(("ResNet50", "ResNet101", "ResNet152")) and name.endswith("V2"):
        expected = tf_keras.applications.resnet_v2.preprocess_input(images.astype(np.float32))
    inputs = tf_keras.Input((4, 5, 3), dtype="uint8")
    model = tf_keras.Model(inputs, backbones.scaled(inputs, name))
    np.testing.assert_allclose(model(images), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": "MobilNetV2"}, "did you mean 'MobileNetV2'"),
        ({"name": "VGG16", "alpha": 0.5}, "has no width multiplier"),
        ({"name": "VGG16", "height": 16}, "VGG16 cannot be built for images of 16 × 32"),
        ({"name": "MobileNetV2", "weights": "nowhere.h5"}, "there is no weights file nowhere.h5"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        backbones.build(**{"height": 32, "width": 32, **settings})


@pytest.mark.parametrize("ending", [".h5", ".weights.h5", ".keras"])
def test_weights_come_from_a_file(small: Any, tmp_path: Path, ending: str) -> None:
    path = str(tmp_path / f"base{ending}")
    small.save(path) if ending == ".keras" else small.save_weights(path)
    loaded = backbones.build("MobileNetV2", height=32, width=32, alpha=0.35, weights=path)
    for a, b in zip(small.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("ending", [".h5", ".weights.h5", ".keras"])
def test_weights_of_another_network_are_refused(small: Any, tmp_path: Path, ending: str) -> None:
    path = str(tmp_path / f"base{ending}")
    small.save(path) if ending == ".keras" else small.save_weights(path)
    with pytest.raises(BadInputError, match="do not match MobileNetV2 .*model.alpha"):
        backbones.build("MobileNetV2", height=32, width=32, alpha=0.5, weights=path)
    with pytest.raises(BadInputError, match="do not match MobileNet "):
        backbones.build("MobileNet", height=32, width=32, weights=path)


def test_a_file_that_is_no_weights_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.h5").write_bytes(b"not HDF5")
    for name, said in (("broken.h5", "do not match"), ("x.txt", "must be a .h5")):
        (tmp_path / "x.txt").touch()
        with pytest.raises(BadInputError, match=said):
            backbones.build(
                "MobileNetV2", height=32, width=32, alpha=0.35, weights=str(tmp_path / name)
            )


def test_saved_model_is_a_frozen_base(small: Any, tmp_path: Path) -> None:
    small.save(str(tmp_path), save_format="tf")
    base = backbones.build("MobileNetV2", height=32, width=32, weights=str(tmp_path))
    images = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(base(images), small(images, training=False), atol=1e-5)
    assert not base.trainable_weights
    assert base.count_params() == small.count_params()
    with pytest.raises(BadInputError, match="does not accept images of shape"):
        base(np.zeros((2, 64, 64, 3), np.float32))


@pytest.mark.parametrize(
    ("form", "low", "high"),
    [("unit", 0, 1), ("tf", -1, 1), ("raw", 0, 255), ("auto", -1, 1), ("caffe", -123.68, 151.061)],
)
def test_a_base_of_ones_own_gets_the_range_that_is_asked_for(
    tiny: Callable[..., Task], form: str, low: float, high: float
) -> None:
    model: Any = Backbone(name="MobileNetV2", alpha=0.35, weights="none", scaling=form)
    built = models.build(tiny(input=Images(height=32, width=32), model=model))
    prepared = tf_keras.Model(built.model.input, built.model.get_layer("scaling").output)
    for pixel, expected in ((0, low), (255, high)):
        images = np.full((1, 32, 32, 3), pixel, np.uint8)
        found = prepared(images).numpy()
        assert (found.min() if pixel == 0 else found.max()) == pytest.approx(expected, abs=1e-4)


def test_the_range_of_a_saved_model_is_never_guessed_silently(
    small: Any,
    tiny: Callable[..., Task],
    shard_writer: Callable[..., list[str]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    small.save(str(tmp_path / "base"), save_format="tf")
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    files = shard_writer(tmp_path / "rgb", "train", images, np.arange(8) % 3)

    model: Any = Backbone(
        name="MobileNetV2", weights=str(tmp_path / "base"), head=(GlobalAveragePool(),)
    )
    task = tiny(
        input=Images(height=32, width=32, store="png"),
        model=model,
        phases=(Phase(epochs=1, learning_rate=0.01, trainable=HeadOnly()),),
        train__batch_size=4,
        train__precision="mixed_bfloat16",
    )
    given: Any = {"train_files": files, "eval_files": files, "model_dir": "-"}
    trained = training.train(task, **given, log_dir=str(tmp_path / "logs"))
    assert "receives pixels as 'tf' (-1..1), as MobileNetV2 expects" in trained.summary_text
    assert "Set it with --set model.scaling=tf, or unit" in caplog.text
    caplog.clear()
    stated = dataclasses.replace(task, model=dataclasses.replace(model, scaling="unit"))
    notes = training._notes(stated, strategy.choose(stated.train))
    assert "receives pixels as 'unit' (0..1)" in notes[1]
    assert not caplog.text


def test_published_weights_offline_say_where_to_put_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tf_keras.src.utils import data_utils

    def unreachable(*_: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr(data_utils, "urlretrieve", unreachable)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    before = data_utils.get_file
    with pytest.raises(BadInputError) as e:
        backbones.build("NASNetMobile", height=224, width=224, weights="imagenet")
    assert str(tmp_path / "models" / "nasnet_mobile_no_top.h5") in str(e.value)
    assert data_utils.get_file is before


def test_published_weights_come_from_the_cache(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    (tmp_path / "models").mkdir()
    small.save_weights(str(tmp_path / "models" / file))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    loaded = backbones.build("MobileNetV2", height=224, width=224, alpha=0.35, weights="imagenet")
    np.testing.assert_array_equal(small.get_weights()[0], loaded.get_weights()[0])


def test_momentum_of_batch_normalisation_is_what_training_uses() -> None:
    base = backbones.build("MobileNetV2", height=32, width=32, alpha=0.35)
    backbones.set_batch_norm_momentum(base, 0.5)
    base(np.full((2, 32, 32, 3), 3.0, np.float32), training=True)
    first = base.get_layer("bn_Conv1")
    batch_mean = base.get_layer("Conv1")(np.full((2, 32, 32, 3), 3.0, np.float32)).numpy()
    # From 0, half of the way to the batch's mean.
    np.testing.assert_allclose(first.moving_mean, batch_mean.mean((0, 1, 2)) / 2, atol=1e-5)
    with pytest.raises(BadInputError, match="vgg16 has no BatchNormalization"):
        backbones.set_batch_norm_momentum(backbones.build("VGG16", height=32, width=32), 0.5)


def test_none_and_imagenet_are_no_folders() -> None:
    assert not weights.is_saved_model("none")
    assert not weights.is_saved_model("imagenet")
