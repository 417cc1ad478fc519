"""The only conversion of encoded bytes to the model's pixels.

Transform, the serving signatures and the tests all call `load_images`, so that serving and training
use the same pixels. Transform stores that tensor as PNG or JPEG; the first layers of the model do
the casting and scaling.
"""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from trainer_modules.engine.images.decoding import decode_image, decode_jpeg
from trainer_modules.engine.problems import Regression
from trainer_modules.engine.task.task import Image, Recipe

# The training set's figures, the same in every example of a task that standardises.
MEAN, DEVIATION = "mean", "deviation"


def standardises(task: Recipe) -> bool:
    """Says whether the model's inputs are standardised to mean 0 and standard deviation 1."""
    if isinstance(task.problem, Regression):
        return task.problem.standardise
    return task.image is not None and task.image.scale == "standardise"


@functools.cache
def _loader(image: Image) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the function that loads one image, traced only once.

    Decoding every format upright takes many operations; tracing them again for Transform's
    analysis, its graph and each signature took longer than training on small data.
    """
    signature = [tf.TensorSpec([], tf.string)]
    return tf.function(
        lambda contents: load_image(contents, image), input_signature=signature, autograph=False
    )


def load_image(contents: tf.Tensor, image: Image) -> tf.Tensor:
    """Decodes and resizes one image.

    Args:
      contents: Encoded bytes, a scalar string tensor.
      image: The target size and channels.

    Returns:
      uint8 `[height, width, channels]`, values 0..255.

    Raises:
      tf.errors.InvalidArgumentError: If the bytes are not an image.
    """
    pixels = decode_image(contents, channels=image.channels)
    size = (image.height, image.width)
    if image.resize == "nearest":
        resized = tf.image.resize(pixels, size, method="nearest")
    else:
        resized = tf.image.resize(pixels, size, method=image.resize, antialias=image.antialias)
        resized = tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)
    return tf.ensure_shape(resized, (*size, image.channels))


def load_images(contents: tf.Tensor, image: Image) -> tf.Tensor:
    """Decodes and resizes a batch: string `[batch]` → uint8 `[batch, height, width, channels]`."""
    signature = tf.TensorSpec((image.height, image.width, image.channels), tf.uint8)
    return tf.map_fn(_loader(image), contents, fn_output_signature=signature)


def encode_image(pixels: tf.Tensor, image: Image) -> tf.Tensor:
    """Encodes uint8 `[height, width, channels]` in the task's stored form, a scalar string.

    JPEG keeps colour at full resolution (4:4:4): at half resolution, the default, the model would
    be trained on other colours than it is served. `docs/data.md` has the figures.
    """
    if image.stored_as == "png":
        return tf.io.encode_png(pixels)
    return tf.io.encode_jpeg(pixels, quality=image.quality, chroma_downsampling=False)


def decode_stored(contents: tf.Tensor, image: Image) -> tf.Tensor:
    """Decodes what `encode_image` wrote: a scalar string → uint8 `[height, width, channels]`."""
    if image.stored_as == "png":
        pixels = tf.io.decode_png(contents, channels=image.channels)
    else:
        pixels = decode_jpeg(contents, channels=image.channels)
    return tf.ensure_shape(pixels, (image.height, image.width, image.channels))


def transform(inputs: dict[str, Any], task: Recipe) -> dict[str, Any]:
    """The body of every task's `preprocessing_fn`.

    Args:
      inputs: Batched raw features, as the schema parses them.
      task: The task whose `image` and `problem` define the transformation.

    Returns:
      The transformed features: `image` (encoded uint8) or the feature columns, the
      problem's label features, `id`, and with standardisation `mean` and `deviation`, float32,
      the training set's per channel (values 0..255) or per column.
    """
    # A schema states one value for each example as shape [1]; several values arrive sparse.
    inputs = {k: tf.reshape(v, [-1]) if isinstance(v, tf.Tensor) else v for k, v in inputs.items()}
    outputs: dict[str, Any] = {"id": inputs["id"]}
    if task.image is None:
        outputs |= _transform_row(inputs, task)
    else:
        outputs |= _transform_image(inputs["image"], task.image)
    return outputs | task.problem.transformed_labels(inputs, task.image)


def _transform_row(inputs: dict[str, Any], task: Recipe) -> dict[str, Any]:
    assert isinstance(task.problem, Regression)
    columns = {name: tf.cast(inputs[name], tf.float32) for name in task.problem.features}
    if not standardises(task):
        return columns
    rows = tf.stack([columns[name] for name in task.problem.features], axis=1)
    return columns | _moments(rows, rows**2)


def _transform_image(contents: tf.Tensor, image: Image) -> dict[str, Any]:
    if image.scale != "standardise":
        encoded = tf.map_fn(
            lambda one: encode_image(_loader(image)(one), image),
            contents,
            fn_output_signature=tf.string,
        )
        return {"image": encoded}
    pixels = load_images(contents, image)
    encoded = tf.map_fn(lambda one: encode_image(one, image), pixels, fn_output_signature=tf.string)
    values = tf.cast(pixels, tf.float32)
    # The mean of image means is the mean of all pixels, since every image has the same size.
    averages = [tf.reduce_mean(v, axis=(1, 2)) for v in (values, values**2)]
    return {"image": encoded} | _moments(*averages)


def _moments(values: tf.Tensor, squares: tf.Tensor) -> dict[str, Any]:
    """Returns the training set's mean and deviation, repeated for each example of the batch.

    Args:
      values: float32 `[batch, channels]`.
      squares: Their squares, or the means of squares that belong to them.
    """
    import tensorflow_transform as tft

    mean = tft.mean(values, reduce_instance_dims=False)
    # Within float32 the difference is good to about a thousandth of the mean's square.
    variance = tft.mean(squares, reduce_instance_dims=False) - mean**2
    deviation = tf.sqrt(tf.maximum(variance, 0.0))
    count = tf.shape(values)[0]
    return {
        MEAN: tf.tile(mean[tf.newaxis], (count, 1)),
        DEVIATION: tf.tile(deviation[tf.newaxis], (count, 1)),
    }
