"""The only conversion of encoded bytes to the model's pixels.

Transform, the serving signatures and the tests all call `load_images`, so that serving and training
use the same pixels. Transform stores that tensor as PNG or JPEG; the first layers of the model do
the casting and scaling.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from trainer_modules.engine.images.decoding import decode_image, decode_jpeg
from trainer_modules.engine.images.pixels import Pixels


@functools.cache
def _loader(image: Pixels) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the function that loads one image, traced only once.

    Decoding every format upright takes many operations; tracing them again for Transform's
    analysis, its graph and each signature took longer than training on small data.
    """
    signature = [tf.TensorSpec([], tf.string)]
    return tf.function(
        lambda contents: load_image(contents, image), input_signature=signature, autograph=False
    )


def load_image(contents: tf.Tensor, image: Pixels) -> tf.Tensor:
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


def load_images(contents: tf.Tensor, image: Pixels) -> tf.Tensor:
    """Decodes and resizes a batch: string `[batch]` → uint8 `[batch, height, width, channels]`."""
    signature = tf.TensorSpec((image.height, image.width, image.channels), tf.uint8)
    return tf.map_fn(_loader(image), contents, fn_output_signature=signature)


def encode_image(pixels: tf.Tensor, image: Pixels) -> tf.Tensor:
    """Encodes uint8 `[height, width, channels]` in the task's stored form, a scalar string.

    JPEG keeps colour at full resolution (4:4:4): at half resolution, the default, the model would
    be trained on other colours than it is served. `docs/data.md` has the figures.
    """
    if image.stored_as == "png":
        return tf.io.encode_png(pixels)
    return tf.io.encode_jpeg(pixels, quality=image.jpeg_quality, chroma_downsampling=False)


def reencoded(contents: tf.Tensor, image: Pixels) -> tf.Tensor:
    """Returns one encoded image as `encode_image` stores it, a scalar string."""
    return encode_image(_loader(image)(contents), image)


def decode_stored(contents: tf.Tensor, image: Pixels) -> tf.Tensor:
    """Decodes what `encode_image` wrote: a scalar string → uint8 `[height, width, channels]`."""
    if image.stored_as == "png":
        pixels = tf.io.decode_png(contents, channels=image.channels)
    else:
        pixels = decode_jpeg(contents, channels=image.channels)
    return tf.ensure_shape(pixels, (image.height, image.width, image.channels))
