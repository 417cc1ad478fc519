"""A decoder over any encoder: sizes, the places where it joins, and what it cannot stand on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tf_keras

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.images.pixels import Pixels
from trainer_modules.engine.networks import decoder, models
from trainer_modules.engine.problems import Segmentation
from trainer_modules.engine.task.task import EncoderDecoder, HeadOnly, Images, Phase, Task


def _encoder(height: int, width: int, *, steps: int = 2) -> Any:
    """Convolutions that halve an image four times, and between them what is no level."""
    layers = tf_keras.layers
    inputs = layers.Input((height, width, 3))
    features = inputs
    for level in range(1, 5):
        features = layers.ZeroPadding2D(1, name=f"pad_{level}")(features)
        features = layers.Conv2D(2, 3, strides=2, name=f"down_{level}")(features)
        features = layers.Activation("relu", name=f"relu_{level}")(features)
        # As squeeze-and-excitation does it.
        pooled = layers.GlobalAveragePooling2D(keepdims=True, name=f"squeeze_{level}")(features)
        features = layers.Multiply(name=f"excite_{level}")([features, pooled])
    base = tf_keras.Model(inputs, features)
    settings = EncoderDecoder(name="Own", weights="none", filters=(4,) * steps)
    pixels: Pixels = Images(height=height, width=width)
    return decoder.encoder_of(base, settings, pixels)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_skips_are_the_last_features_before_each_halving(steps: int) -> None:
    encoder = _encoder(45, 60, steps=steps)
    *skips, deepest = encoder.outputs
    sizes = {1: (23, 30), 2: (12, 15), 3: (6, 8)}
    assert [tuple(s.shape[1:3]) for s in skips] == [sizes[k] for k in range(4 - steps, 4)]
    assert tuple(deepest.shape[1:3]) == (3, 4)
    names = [encoder.get_layer(f"excite_{k}").output.name for k in range(4 - steps, 5)]
    assert [output.name for output in encoder.outputs] == names


def test_each_step_joins_the_enlarged_features_with_its_skip() -> None:
    encoder = _encoder(45, 60)
    images = tf_keras.Input((45, 60, 3))
    settings = EncoderDecoder(name="Own", weights="none", filters=(5, 4))
    model = tf_keras.Model(images, decoder.build(images, encoder, settings))
    assert model.output_shape == (None, 45, 60, 4)
    for step, (size, skip) in enumerate((((6, 8), 3), ((12, 15), 2))):
        joined = model.get_layer(f"join_{step}")
        enlarged, before = joined.input
        assert tuple(enlarged.shape[1:3]) == tuple(before.shape[1:3]) == size
        parts = tf_keras.Model(images, [enlarged, before, joined.output])
        given = np.random.default_rng(0).normal(size=(2, 45, 60, 3)).astype(np.float32)
        first, second, both = (part.numpy() for part in parts(given))
        np.testing.assert_array_equal(both, np.concatenate([first, second], axis=-1))
        np.testing.assert_array_equal(second, encoder(given)[skip - 2].numpy())


@pytest.mark.parametrize(
    ("name", "height", "width"),
    [("MobileNetV2", 45, 60), ("VGG16", 48, 64), ("ResNet50", 50, 70), ("EfficientNetB0", 64, 40)],
)
def test_encoder_decoder_keeps_any_size(
    tiny: Callable[..., Task], name: str, height: int, width: int
) -> None:
    task = tiny(
        problem=Segmentation(classes=("a", "b"), void=2),
        input=Images(height=height, width=width),
        model=EncoderDecoder(name=name, weights="none", filters=(8, 8, 8, 4)),
    )
    built = models.build(task)
    out = built.model(np.zeros((2, height, width, 3), np.uint8))
    assert out.shape == (2, height, width, 2)
    np.testing.assert_allclose(np.sum(out, -1), 1, rtol=1e-5)
    before = built.trainable_count
    models.set_trainable(built, Phase(epochs=1, trainable=HeadOnly()))
    assert built.trainable_count < before
    assert all(not layer.trainable_weights for layer in built.base.layers)


def test_a_decoder_of_too_many_steps_is_refused(tiny: Callable[..., Task]) -> None:
    model = EncoderDecoder(name="MobileNetV2", weights="none", filters=(8,) * 6)
    task = tiny(
        problem=Segmentation(classes=("a", "b")), input=Images(height=64, width=64), model=model
    )
    with pytest.raises(BadInputError, match="must have 1 to 4 steps"):
        models.build(task)


def test_a_saved_model_has_no_inner_layers_to_join(tiny: Callable[..., Task]) -> None:
    class Frozen(tf_keras.layers.Layer):
        always_frozen = True

    settings = EncoderDecoder(name="MobileNetV2", weights="folder")
    with pytest.raises(BadInputError, match=r"a SavedModel folder does not expose.*--weights"):
        decoder.encoder_of(Frozen(), settings, Images(height=32, width=32))
