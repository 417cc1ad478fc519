"""Augmentation: what it does to pixels, that it runs in training only, that XLA compiles it."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from trainer_modules.engine.task.task import Augment
from trainer_modules.engine.training import augmentation, resume, training

EVERYTHING = Augment(
    flip=True,
    saturation=(0.0, 2.0),
    brightness=0.2,
    rotation=0.1,
    zoom=0.2,
    translation=0.1,
    contrast=0.3,
)


@pytest.fixture
def images() -> np.ndarray:
    smooth = tf.image.resize(np.random.default_rng(0).uniform(0, 255, (16, 4, 4, 3)), (20, 24))
    return smooth.numpy().astype(np.uint8)


def changed(images: np.ndarray, augment: Augment) -> np.ndarray:
    layer = augmentation.RandomChanges(augment)
    out = layer(images, training=True).numpy()
    assert out.dtype == np.uint8 and out.shape == images.shape
    return out


def test_only_in_training_and_not_in_the_model(images: np.ndarray) -> None:
    inputs = tf_keras.Input((20, 24, 3), dtype="uint8")
    core = tf_keras.Model(inputs, tf_keras.layers.Rescaling(1.0)(inputs))
    wrapped = augmentation.wrap(core, EVERYTHING)
    np.testing.assert_array_equal(wrapped(images, training=False), images)
    assert np.abs(wrapped(images, training=True) - images).mean() > 5
    assert len(core.layers) == 2
    assert [w.name for w in wrapped.weights] == [w.name for w in core.weights]


def test_flip_mirrors_some_and_only_that(images: np.ndarray) -> None:
    out = changed(images, Augment(flip=True))
    mirrored = [np.array_equal(o, i[:, ::-1]) for o, i in zip(out, images, strict=True)]
    kept = [np.array_equal(o, i) for o, i in zip(out, images, strict=True)]
    assert all(m != k for m, k in zip(mirrored, kept, strict=True))
    assert any(mirrored) and any(kept)


def test_brightness_shifts_and_contrast_keeps_the_mean(images: np.ndarray) -> None:
    grey = np.clip(images, 80, 170)
    shift = changed(grey, Augment(brightness=0.1)).astype(int) - grey
    assert (shift.max((1, 2, 3)) - shift.min((1, 2, 3)) <= 1).all()
    assert 0 < np.abs(shift).max() <= 26
    out = changed(grey, Augment(contrast=0.5)).astype(float)
    np.testing.assert_allclose(out.mean((1, 2)), grey.mean((1, 2)), atol=0.5)
    ratio = out.std((1, 2, 3)) / grey.std((1, 2, 3))
    assert ((ratio > 0.45) & (ratio < 1.55)).all() and ratio.std() > 0.05


def test_saturation_is_tensorflows_with_a_factor_for_each(images: np.ndarray) -> None:
    factors = np.array([0.0, 0.5, 1.0, 2.0], np.float32)
    out = augmentation.saturated(tf.cast(images[:4], tf.float32), factors.reshape(-1, 1, 1, 1))
    for one, image, factor in zip(out, images, factors, strict=False):
        expected = tf.image.adjust_saturation(tf.cast(image, tf.float32) / 255, factor) * 255
        np.testing.assert_allclose(one, expected, atol=0.05)


@pytest.mark.parametrize(
    ("angle", "zoom", "down", "right"),
    [(0.3, 1.0, 0.0, 0.0), (0.0, 0.8, 0.0, 0.0), (0.0, 1.0, 2.5, -3.0), (-0.2, 0.9, 1.0, 2.0)],
)
def test_geometry_is_that_of_tensorflows_transform(
    images: np.ndarray, angle: float, zoom: float, down: float, right: float
) -> None:
    batch = tf.cast(images, tf.float32)
    settings = {"angle": angle, "zoom": zoom, "down": down, "right": right}
    as_given = {k: tf.fill((16, 1, 1, 1), v) for k, v in settings.items()}
    out, _ = augmentation.moved(batch, **as_given)
    cos, sin, cy, cx = np.cos(angle) * zoom, np.sin(angle) * zoom, 9.5, 11.5
    # Rows of the transform: x = a0 x' + a1 y' + a2, y = b0 x' + b1 y' + b2.
    a2 = cx - cos * (cx + right) + sin * (cy + down)
    b2 = cy - sin * (cx + right) - cos * (cy + down)
    expected = tf.raw_ops.ImageProjectiveTransformV3(
        images=batch,
        transforms=np.array([[cos, -sin, a2, sin, cos, b2, 0, 0]], np.float32),
        output_shape=[20, 24],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    np.testing.assert_allclose(out[:, 5:-5, 6:-6], expected[:, 5:-5, 6:-6], atol=0.1)
    assert out.numpy().min() >= 0 and out.numpy().max() <= 255.01


def test_each_image_moves_its_own_way(images: np.ndarray) -> None:
    same = np.repeat(images[:1], 16, axis=0)
    for augment in (
        Augment(rotation=0.1),
        Augment(zoom=0.3),
        Augment(translation=0.2),
        Augment(saturation=(0.5, 1.5)),
        Augment(brightness=0.3),
        Augment(contrast=0.5),
    ):
        assert len(np.unique(changed(same, augment), axis=0)) > 8


def test_xla_compiles_everything(images: np.ndarray) -> None:
    layer = augmentation.RandomChanges(EVERYTHING)
    layer._random_generator._rng_type = "stateful"
    layer.build(images.shape)
    out = tf.function(lambda x: layer(x, training=True), jit_compile=True)(images)
    assert np.abs(out.numpy().astype(int) - images).mean() > 5


@pytest.fixture
def scenes() -> tuple[np.ndarray, np.ndarray]:
    """Images of 4 × 4 blocks of five greys, 60 apart, and masks that say which grey."""
    blocks = np.random.default_rng(1).integers(0, 5, (12, 5, 6))
    masks = np.kron(blocks, np.ones((1, 4, 4), int)).astype(np.uint8)
    return (masks[..., None] * np.uint8(60)).repeat(3, -1), masks


def test_masks_move_with_their_images(scenes: tuple[np.ndarray, np.ndarray]) -> None:
    images, masks = scenes
    flipped, flipped_masks = augmentation.RandomChanges(Augment(flip=True)).jointly(images, masks)
    np.testing.assert_array_equal(flipped[..., 0], flipped_masks * np.uint8(60))
    assert not np.array_equal(flipped, images)
    everywhere = Augment(flip=True, rotation=0.05, zoom=0.2, translation=0.1)
    moved, moved_masks = augmentation.RandomChanges(everywhere).jointly(images, masks)
    grey = moved.numpy()[..., 0]
    inside = grey % 60 == 0  # At the blocks' edges the greys mix; ids never do.
    assert inside.mean() > 0.4
    assert (moved_masks.numpy()[inside] == grey[inside] // 60).mean() > 0.98
    assert set(np.unique(moved_masks)) <= set(range(5))


def test_training_steps_see_masks_that_fit(scenes: tuple[np.ndarray, np.ndarray]) -> None:
    images, masks = scenes
    inputs = tf_keras.Input((20, 24, 3), dtype="uint8")
    pixelwise = tf_keras.layers.Conv2D(5, 1, activation="softmax")
    core = tf_keras.Model(inputs, pixelwise(tf_keras.layers.Rescaling(1 / 255)(inputs)))
    model = augmentation.wrap(core, Augment(flip=True), masks=True)
    model.compile(tf_keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    # A network that looks at single pixels has the same loss on a mirrored pair.
    trained = model.fit(images, masks, batch_size=12, verbose=0).history["loss"][0]
    assert trained == pytest.approx(core_loss(core, images, masks), rel=1e-5)
    assert model.evaluate(images, masks, verbose=0) == pytest.approx(trained, rel=1e-5)


def test_a_compiled_step_moves_masks_and_can_be_repeated(
    scenes: tuple[np.ndarray, np.ndarray],
) -> None:
    images, masks = scenes
    with training._stored_randomness():
        inputs = tf_keras.Input((20, 24, 3), dtype="uint8")
        scaled = tf_keras.layers.Rescaling(1 / 255)(inputs)
        core = tf_keras.Model(inputs, tf_keras.layers.Conv2D(5, 3, padding="same")(scaled))
        model = augmentation.wrap(core, EVERYTHING, masks=True)
        loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(tf_keras.optimizers.SGD(0.0), loss, jit_compile=True)

        def trained(epoch: int) -> float:
            resume.reseed(model, 0, epoch)
            return model.fit(images, masks, batch_size=12, shuffle=False, verbose=0).history[
                "loss"
            ][0]

        assert trained(0) == trained(0) != trained(1)


def core_loss(core: tf_keras.Model, images: np.ndarray, masks: np.ndarray) -> float:
    found = core.predict(images, verbose=0)
    return float(-np.log(np.take_along_axis(found, masks[..., None].astype(int), -1)).mean())
