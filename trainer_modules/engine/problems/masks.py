"""Masks of a segmentation: storage, loss, metrics and predictions.

A mask is class ids uint8 `[height, width]`. It is resized only with nearest neighbour, since
interpolation would mix classes. Masks are checked again when they are stored.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ids:
    """What the pixels of a mask mean.

    Attributes:
      count: Number of classes; a pixel is an index below it.
      void: Pixel value that stands for "no label"; None where there is none.
      colours: RGB of each class where masks as found are RGB images; () where they hold ids.
    """

    count: int
    void: int | None = None
    colours: tuple[tuple[int, int, int], ...] = ()


def stored_masks(masks: Any, *, size: tuple[int, int], form: Ids) -> Any:
    """Returns masks as they are stored: id PNGs, string `[batch]`.

    Args:
      masks: Encoded masks as found, string `[batch]`; grey PNGs of ids, or RGB images in
        `form.colours`.
      size: The (height, width) to give them.
      form: What the pixels mean.

    Raises:
      tf.errors.InvalidArgumentError: When run, for an id or colour that belongs to no class.
    """
    import tensorflow as tf

    def stored(contents: Any) -> Any:
        channels = 3 if form.colours else 1
        pixels = tf.io.decode_image(contents, channels=channels, expand_animations=False)
        pixels.set_shape((None, None, channels))
        pixels = tf.image.resize(pixels, size, method="nearest")
        ids = _ids_of_colours(pixels, form) if form.colours else pixels
        return tf.io.encode_png(_checked(ids, form))

    return tf.map_fn(stored, tf.reshape(masks, [-1]), fn_output_signature=tf.string)


def _ids_of_colours(pixels: Any, form: Ids) -> Any:
    """Returns ids int32 `[height, width, 1]`; -1 for a colour that belongs to no class."""
    import tensorflow as tf

    packed = tf.cast(pixels, tf.int32)
    packed = packed[..., 0] * 65536 + packed[..., 1] * 256 + packed[..., 2]
    ids = tf.fill(tf.shape(packed), -1)
    for index, (red, green, blue) in enumerate(form.colours):
        ids = tf.where(tf.equal(packed, red * 65536 + green * 256 + blue), index, ids)
    return ids[..., tf.newaxis]


def _checked(ids: Any, form: Ids) -> Any:
    """Returns ids as uint8 if each is a class or void."""
    import tensorflow as tf

    ids = tf.cast(ids, tf.int32)
    fits = (ids >= 0) & (ids < form.count)
    if form.void is not None:
        fits = fits | tf.equal(ids, form.void)
    message = (
        f"a mask contains an id or a colour that belongs to none of the {form.count} classes; "
        f"void={form.void}"
    )
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(fits), [message])]):
        return tf.cast(ids, tf.uint8)


def decode_stored(mask: Any, *, size: tuple[int, int]) -> Any:
    """Returns class ids uint8 `[height, width]` of one stored mask."""
    import tensorflow as tf

    ids = tf.io.decode_png(mask, channels=1)
    return tf.ensure_shape(ids, (*size, 1))[..., 0]


def encode_predictions(outputs: Any) -> Any:
    """Returns id PNGs, string `[batch]`, of probabilities `[batch, height, width, classes]`."""
    import tensorflow as tf

    ids = tf.cast(tf.argmax(outputs, axis=-1), tf.uint8)[..., tf.newaxis]
    return tf.map_fn(tf.io.encode_png, ids, fn_output_signature=tf.string)


def encode_class_maps(outputs: Any, chosen: Any) -> Any:
    """Returns grey PNGs, string `[batch, k]`: 255 where a class has the whole probability.

    Args:
      outputs: Probabilities `[batch, height, width, classes]`.
      chosen: Indices of classes, int32 `[k]`.
    """
    import tensorflow as tf

    maps = tf.transpose(tf.gather(outputs, chosen, axis=-1), (0, 3, 1, 2))
    shape = tf.shape(maps)
    grey = tf.cast(tf.round(tf.clip_by_value(maps, 0.0, 1.0) * 255), tf.uint8)
    flat = tf.reshape(grey, (-1, shape[2], shape[3], 1))
    pngs = tf.map_fn(tf.io.encode_png, flat, fn_output_signature=tf.string)
    return tf.reshape(pngs, shape[:2])


def loss(form: Ids) -> Any:
    """Returns cross-entropy: the mean over an image's labelled pixels, then over the images.

    Every shape is static, void or not, so that XLA compiles it (Keras' own `ignore_class` picks
    pixels out and cannot be). An image that is entirely void counts as 0.
    """
    import tensorflow as tf
    from tf_keras import losses

    class PixelCrossentropy(losses.Loss):
        """Sparse cross-entropy per pixel, void ignored."""

        def call(self, y_true: Any, y_pred: Any) -> Any:
            labels, valid = _labels_and_validity(y_true, form)
            entropy = losses.sparse_categorical_crossentropy(labels, y_pred)
            summed = tf.reduce_sum(entropy * valid, axis=(1, 2))
            return summed / tf.maximum(tf.reduce_sum(valid, axis=(1, 2)), 1.0)

    return PixelCrossentropy(name="pixel_crossentropy")


def _labels_and_validity(y_true: Any, form: Ids) -> tuple[Any, Any]:
    """Returns ids int32 with void as 0, and 1.0 where a pixel is labelled."""
    import tensorflow as tf

    ids = tf.cast(y_true, tf.int32)
    if form.void is None:
        return ids, tf.ones_like(ids, tf.float32)
    valid = tf.not_equal(ids, form.void)
    return tf.where(valid, ids, 0), tf.cast(valid, tf.float32)


def training_metrics(form: Ids) -> list[Any]:
    """Returns fresh Keras metrics: `pixel_accuracy` and `mean_iou`, void ignored.

    `mean_iou` is the mean over the classes that occur, in truth or prediction.
    """
    import tensorflow as tf
    from tf_keras import metrics

    count = form.count

    class Confusion(metrics.Metric):
        """Counts pixels by true and predicted class; examples weigh as `sample_weight` says."""

        def __init__(self, name: str, **settings: Any) -> None:
            super().__init__(name=name, **settings)
            self.counts = self.add_weight("counts", shape=(count * count,), initializer="zeros")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            labels, weight = _labels_and_validity(y_true, form)
            if sample_weight is not None:
                weight *= tf.cast(tf.reshape(sample_weight, (-1, 1, 1)), tf.float32)
            cell = labels * count + tf.argmax(y_pred, axis=-1, output_type=tf.int32)
            self.counts.assign_add(
                tf.math.unsorted_segment_sum(
                    tf.reshape(weight, [-1]), tf.reshape(cell, [-1]), count * count
                )
            )

        def reset_state(self) -> None:
            self.counts.assign(tf.zeros_like(self.counts))

        def _matrix(self) -> Any:
            return tf.reshape(self.counts, (count, count))

    class PixelAccuracy(Confusion):
        """Fraction of the labelled pixels that are right."""

        def result(self) -> Any:
            matrix = self._matrix()
            return tf.math.divide_no_nan(tf.linalg.trace(matrix), tf.reduce_sum(matrix))

    class MeanIoU(Confusion):
        """Mean intersection over union."""

        def result(self) -> Any:
            matrix = self._matrix()
            right = tf.linalg.diag_part(matrix)
            union = tf.reduce_sum(matrix, 0) + tf.reduce_sum(matrix, 1) - right
            present = tf.cast(union > 0, tf.float32)
            return tf.math.divide_no_nan(
                tf.reduce_sum(tf.math.divide_no_nan(right, union)), tf.reduce_sum(present)
            )

    return [PixelAccuracy("pixel_accuracy"), MeanIoU("mean_iou")]
