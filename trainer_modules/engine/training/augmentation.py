"""Random changes to training images, as one Keras layer in front of the model.

It runs on the device, only in training, with separate random values for each image, and is never
part of the saved model. Geometric changes gather pixels, since TensorFlow's own projective
transform has no XLA kernel and cannot run on a TPU.
"""

import math
from typing import Any

import tensorflow as tf
import tf_keras

from trainer_modules.engine.task.task import Augment


def wrap(model: Any, augment: Augment, *, masks: bool = False) -> Any:
    """Returns a Keras model that randomly changes its input in training and then calls `model`.

    Args:
      model: Images uint8 `[batch, height, width, channels]` to predictions.
      augment: What to change.
      masks: Whether the labels are masks `[batch, height, width]`, to be moved with their images.
    """
    inputs = tf_keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype)
    if augment == Augment():
        return tf_keras.Model(inputs, model(inputs), name="training")
    changes = RandomChanges(augment)
    if masks:
        return _WithMasks(inputs, model(inputs), changes)
    return tf_keras.Model(inputs, model(changes(inputs)), name="training")


class _WithMasks(tf_keras.Model):
    """Changes the labels of a training step together with its images, which a layer cannot do."""

    def __init__(self, inputs: Any, outputs: Any, changes: "RandomChanges") -> None:
        super().__init__(inputs=inputs, outputs=outputs, name="training")
        changes.build(None)
        self.changes = changes

    def train_step(self, data: Any) -> Any:
        """See `tf_keras.Model`."""
        images, masks, weights = tf_keras.utils.unpack_x_y_sample_weight(data)
        return super().train_step((*self.changes.jointly(images, masks), weights))


class RandomChanges(tf_keras.__internal__.layers.BaseRandomLayer):
    """Changes uint8 images `[batch, height, width, channels]`; the result is uint8 again."""

    def __init__(self, augment: Augment) -> None:
        super().__init__(name="augmentation", dtype="float32", autocast=False)
        self._augment = augment

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Returns changed images in training, else `inputs`."""
        return self.jointly(inputs, None)[0] if training else inputs

    def jointly(self, inputs: Any, masks: Any) -> tuple[Any, Any]:
        """Returns changed images, and their masks `[batch, height, width]` (or None) moved equally.

        Mask ids are taken from the nearest pixel, never mixed.
        """
        a = self._augment
        images = tf.cast(inputs, tf.float32)
        if a.flip:
            mirror = self._draw(images, 0.0, 1.0) < 0.5
            images = tf.where(mirror, tf.reverse(images, axis=[2]), images)
            if masks is not None:
                masks = tf.where(mirror[..., 0], tf.reverse(masks, axis=[2]), masks)
        if a.rotation or a.zoom or a.translation:
            images, masks = self._moved(images, masks)
        if a.contrast:
            mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
            images = (images - mean) * self._draw(images, 1 - a.contrast, 1 + a.contrast) + mean
        if a.brightness:
            images += 255 * self._draw(images, -a.brightness, a.brightness)
        images = tf.clip_by_value(images, 0.0, 255.0)
        if a.saturation is not None and images.shape[-1] == 3:
            images = saturated(images, self._draw(images, *a.saturation))
        return tf.cast(tf.round(images), inputs.dtype), masks

    def _draw(self, images: Any, low: float, high: float) -> Any:
        """Returns one uniform number for each image, `[batch, 1, 1, 1]`."""
        shape = tf.stack([tf.shape(images)[0], 1, 1, 1])
        seed = self._random_generator.make_seed_for_stateless_op()
        if seed is None:  # Built outside of `training.train`, with Keras' older generators.
            return tf.random.uniform(shape, low, high)
        return tf.random.stateless_uniform(shape, seed, low, high)

    def _moved(self, images: Any, masks: Any) -> tuple[Any, Any]:
        a = self._augment
        angle = 2 * math.pi * self._draw(images, -a.rotation, a.rotation)
        zoom = 1 + self._draw(images, -a.zoom, a.zoom)
        height, width = images.shape[1:3]
        down = height * self._draw(images, -a.translation, a.translation)
        right = width * self._draw(images, -a.translation, a.translation)
        return moved(images, masks, angle=angle, zoom=zoom, down=down, right=right)


def moved(
    images: Any, masks: Any = None, *, angle: Any, zoom: Any, down: Any, right: Any
) -> tuple[Any, Any]:
    """Returns images and masks rotated and scaled about their centre, then shifted.

    Edges are mirrored. Images are interpolated bilinearly; masks take their nearest pixel.

    Args:
      images: float32 `[batch, height, width, channels]`.
      masks: `[batch, height, width]`, or None.
      angle: Radians, counter-clockwise, `[batch, 1, 1, 1]`, as the other three.
      zoom: Size of the source seen relative to the image; above 1 zooms out.
      down: Pixels.
      right: Pixels.
    """
    height, width = images.shape[1:3]
    rows, columns = tf.meshgrid(
        tf.range(height, dtype=tf.float32) - (height - 1) / 2,
        tf.range(width, dtype=tf.float32) - (width - 1) / 2,
        indexing="ij",
    )
    y, x = rows - down[..., 0], columns - right[..., 0]
    cos, sin = tf.cos(angle[..., 0]), tf.sin(angle[..., 0])
    zoom = zoom[..., 0]
    source_y = zoom * (cos * y + sin * x) + (height - 1) / 2
    source_x = zoom * (cos * x - sin * y) + (width - 1) / 2
    if masks is not None:
        masks = _nearest(masks, source_y, source_x)
    return _bilinear(images, source_y, source_x), masks


def _nearest(masks: Any, y: Any, x: Any) -> Any:
    height, width = masks.shape[1:]
    row = _mirrored(tf.cast(tf.round(y), tf.int32), height)
    column = _mirrored(tf.cast(tf.round(x), tf.int32), width)
    index = tf.reshape(row * width + column, (-1, height * width))
    flat = tf.reshape(masks, (-1, height * width))
    return tf.reshape(tf.gather(flat, index, batch_dims=1), tf.shape(masks))


def _bilinear(images: Any, y: Any, x: Any) -> Any:
    height, width, channels = images.shape[1:]
    flat = tf.reshape(images, (-1, height * width, channels))
    top, left = tf.floor(y), tf.floor(x)
    result = tf.zeros_like(images)
    for dy in (0, 1):
        for dx in (0, 1):
            row = _mirrored(tf.cast(top, tf.int32) + dy, height)
            column = _mirrored(tf.cast(left, tf.int32) + dx, width)
            index = tf.reshape(row * width + column, (-1, height * width))
            pixels = tf.reshape(tf.gather(flat, index, batch_dims=1), tf.shape(images))
            share_y = y - top if dy else 1 - (y - top)
            share_x = x - left if dx else 1 - (x - left)
            result += pixels * (share_y * share_x)[..., tf.newaxis]
    return result


def _mirrored(index: Any, size: int) -> Any:
    """Reflects indices outside [0, size): … 1 0 | 0 1 … size-1 | size-1 …."""
    wrapped = tf.math.floormod(index, 2 * size)
    return tf.minimum(wrapped, 2 * size - 1 - wrapped)


def saturated(images: Any, factor: Any) -> Any:
    """Returns RGB images 0..255 with their HSV saturation times `factor` `[batch, 1, 1, 1]`.

    As `tf.image.adjust_saturation`, which takes one factor for a whole batch.
    """
    hue, saturation, value = tf.split(tf.image.rgb_to_hsv(images / 255), 3, axis=-1)
    saturation = tf.clip_by_value(saturation * factor, 0.0, 1.0)
    return 255 * tf.image.hsv_to_rgb(tf.concat([hue, saturation, value], axis=-1))
