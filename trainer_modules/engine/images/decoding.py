"""Encoded images to uint8 pixels, in TensorFlow ops only.

Ingestion, Transform and the served model share `decode_image`, so that all three see the same
pixels: JPEG (grey, RGB, CMYK, YCCK), PNG (any depth, palette, alpha), GIF (first frame), BMP (24
and 32 bits, 8 with a palette) and WebP (still), turned upright as their Exif data says. Colour
profiles are ignored. Alpha is dropped, as Pillow's `convert("RGB")` does.
"""

from typing import Any

import tensorflow as tf

from trainer_modules.engine.images import exif

_RED, _GREEN, _BLUE = 19595, 38470, 7471  # ITU-R 601 in 1/65536, the weights of Pillow's "L".


def decode_image(contents: Any, *, channels: int) -> Any:
    """Decodes one image as a viewer would show it.

    Args:
      contents: Scalar string tensor, an encoded image.
      channels: 1 for grey (ITU-R 601, as Pillow's mode "L") or 3 for RGB.

    Returns:
      uint8 `[height, width, channels]`, values 0..255, after the Exif rotation. Equal to Pillow's
      pixels for every lossless format and, with the same libjpeg, for JPEG too.

    Raises:
      ValueError: If `channels` is neither 1 nor 3.
      tf.errors.InvalidArgumentError: When run, if the image is damaged or of another format.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3. Received: {channels}")
    contents = tf.convert_to_tensor(contents)
    head = tf.io.decode_raw(tf.strings.substr(contents, 0, 30), tf.uint8, fixed_length=32)
    image = tf.cond(
        exif.is_plain_jpeg(head),
        lambda: decode_jpeg(contents),
        lambda: _decode_upright(contents, head),
    )
    image.set_shape([None, None, 3])
    return image if channels == 3 else grey(image)


def decode_jpeg(contents: Any, *, channels: int = 3) -> Any:
    """Decodes a JPEG without Exif rotation: a scalar string → uint8 `[height, width, channels]`."""
    # TensorFlow's default DCT method may change; this one is Pillow's and is equally fast.
    return tf.io.decode_jpeg(contents, channels=channels, dct_method="INTEGER_ACCURATE")


def _decode_upright(contents: Any, head: Any) -> Any:
    image = tf.cond(
        _starts(head, b"\xff\xd8\xff"),
        lambda: decode_jpeg(contents),
        lambda: _decode_other(contents, head),
    )
    orientation = exif.orientation(contents, head)
    return tf.cond(orientation > 1, lambda: exif.upright(image, orientation), lambda: image)


def grey(image: Any) -> Any:
    """Returns the luma of an RGB image, uint8 `[height, width, 3]` to `[height, width, 1]`."""
    wide = tf.cast(image, tf.int32)
    luma = wide[..., 0:1] * _RED + wide[..., 1:2] * _GREEN + wide[..., 2:3] * _BLUE
    return tf.cast(tf.bitwise.right_shift(luma + 0x8000, 16), tf.uint8)


def _starts(head: Any, signature: bytes, at: int = 0) -> Any:
    return tf.reduce_all(head[at : at + len(signature)] == tf.constant(list(signature), tf.uint8))


def _decode_other(contents: Any, head: Any) -> Any:
    is_webp = _starts(head, b"RIFF") & _starts(head, b"WEBP", at=8)
    animated = is_webp & _starts(head, b"VP8X", at=12) & (tf.bitwise.bitwise_and(head[20], 2) > 0)
    # TensorFlow 2.21 ends the process on an animated WebP instead of raising an error.
    refuse = tf.debugging.Assert(~animated, ["Animated WebP images cannot be decoded."])
    is_palette_bmp = _starts(head, b"BM") & (head[28] <= 8)
    with tf.control_dependencies([] if refuse is None else [refuse]):
        return tf.cond(
            is_palette_bmp,
            lambda: _decode_palette_bmp(contents, head),
            lambda: tf.io.decode_image(contents, channels=3, expand_animations=False),
        )


def _decode_palette_bmp(contents: Any, head: Any) -> Any:
    """Applies the palette: TensorFlow returns the indices as if they were grey values."""
    index = tf.io.decode_bmp(contents, channels=0)[..., :1]
    start = 14 + _little_endian(head[14:18])
    size = tf.minimum(1024, tf.maximum(0, _little_endian(head[10:14]) - start))
    table = tf.io.decode_raw(tf.strings.substr(contents, start, size), tf.uint8, fixed_length=1024)
    blue_green_red = tf.reshape(table, [256, 4])[:, :3]
    return tf.gather(blue_green_red[:, ::-1], tf.cast(index[..., 0], tf.int32))


def _little_endian(values: Any) -> Any:
    """Returns the int32 that four uint8 stand for."""
    return tf.reduce_sum(tf.cast(values, tf.int32) * tf.constant([1, 1 << 8, 1 << 16, 1 << 24]))
