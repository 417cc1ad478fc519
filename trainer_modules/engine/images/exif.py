"""The Exif orientation of an encoded image, in TensorFlow ops only.

Follows Exif 2.32, section 4.6.4 (tag 0x0112), and finds the Exif block where JPEG (APP1), PNG
(`eXIf`, in front of the pixels) and WebP (`EXIF`) keep it. The files' own structure is walked
segment by segment, so that a thumbnail or a caption cannot be mistaken for it.
"""

from typing import Any

import tensorflow as tf

_SEGMENTS = 64  # No camera writes nearly as many before the pixels.
_EXIF_BYTES = 65536  # An Exif block is at most one JPEG segment.


def orientation(contents: Any, head: Any) -> Any:
    """Returns the orientation of an encoded image.

    Args:
      contents: Scalar string tensor, the encoded image.
      head: Its first bytes, uint8 `[32]`, padded with zeros.

    Returns:
      Scalar int32, 1..8; 1 if the image has no valid orientation.
    """
    is_jpeg = (head[0] == 0xFF) & (head[1] == 0xD8)
    is_png = (head[0] == 0x89) & (head[1] == 0x50)
    # A plain WebP has no room for Exif; the extended form has a flag for it.
    is_webp = (head[8] == 0x57) & (head[15] == 0x58) & (tf.bitwise.bitwise_and(head[20], 8) > 0)
    start = tf.case(
        [
            (is_jpeg, lambda: _walk(contents, 2, _jpeg_step)),
            (is_png, lambda: _walk(contents, 8, _png_step)),
            (is_webp & (head[0] == 0x52), lambda: _walk(contents, 12, _webp_step)),
        ],
        default=lambda: tf.constant(-1),
    )
    return tf.cond(start >= 0, lambda: _read_orientation(contents, start), lambda: tf.constant(1))


def is_plain_jpeg(head: Any) -> Any:
    """Says whether a JPEG has only a JFIF header before its tables, the commonest form.

    Such a file has no Exif block; searching for one takes half as long as decoding.
    """
    jfif = [0xFF, 0xD8, 0xFF, 0xE0, 0, 16]
    tables = [0xFF, 0xDB]
    marks = tf.concat([head[:6], head[20:22]], axis=0)
    return tf.reduce_all(marks == tf.constant(jfif + tables, tf.uint8))


def upright(image: Any, orientation: Any) -> Any:
    """Returns `[height, width, channels]` rotated and mirrored for an orientation 1..8."""
    turned = tf.cond(orientation >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
    mirror = tf.reduce_any(orientation == tf.constant([2, 3, 6, 7]))
    flip = tf.reduce_any(orientation == tf.constant([3, 4, 7, 8]))
    turned = tf.cond(mirror, lambda: turned[:, ::-1], lambda: turned)
    return tf.cond(flip, lambda: turned[::-1], lambda: turned)


def _walk(contents: Any, first: int, step: Any) -> Any:
    """Returns where the Exif block's TIFF header begins, or -1.

    `step(bytes)` takes the 16 bytes at a segment and returns (how far the next one is, or 0 where
    the search ends; how far the TIFF header is, or -1 where this segment is not Exif).
    """
    length = tf.strings.length(contents)

    def body(at: Any, position: Any) -> Any:
        raw = tf.io.decode_raw(tf.strings.substr(contents, at, 16), tf.uint8, fixed_length=16)
        advance, offset = step(tf.cast(raw, tf.int32))
        # A file may be torn right behind the segment's head.
        position = tf.where((offset >= 0) & (at + offset < length), at + offset, -1)
        return tf.where((advance > 0) & (advance < length - at), at + advance, length), position

    _, position = tf.while_loop(
        lambda at, found: (found < 0) & (at < length),
        body,
        (tf.minimum(first, length), tf.constant(-1)),
        maximum_iterations=_SEGMENTS,
    )
    return position


def _matches(raw: Any, text: bytes, at: int) -> Any:
    return tf.reduce_all(raw[at : at + len(text)] == tf.constant(list(text)))


def _big(raw: Any, at: int, size: int) -> Any:
    return sum(raw[at + i] * (1 << 8 * (size - 1 - i)) for i in range(size))


def _little(raw: Any, at: int, size: int) -> Any:
    return sum(raw[at + i] * (1 << 8 * i) for i in range(size))


def _jpeg_step(raw: Any) -> tuple[Any, Any]:
    marker = raw[1]
    ahead_of_pixels = (raw[0] == 0xFF) & ((marker == 0xFE) | ((marker >= 0xE0) & (marker <= 0xEF)))
    is_exif = (raw[0] == 0xFF) & (marker == 0xE1) & _matches(raw, b"Exif\0\0", 4)
    return tf.where(ahead_of_pixels, 2 + _big(raw, 2, 2), 0), tf.where(is_exif, 10, -1)


def _png_step(raw: Any) -> tuple[Any, Any]:
    stop = _matches(raw, b"IDAT", 4) | (raw[0] > 0x7F)
    return tf.where(stop, 0, 12 + _big(raw, 0, 4)), tf.where(_matches(raw, b"eXIf", 4), 8, -1)


def _webp_step(raw: Any) -> tuple[Any, Any]:
    size = _little(raw, 4, 4)
    prefix = tf.where(_matches(raw, b"Exif\0\0", 8), 14, 8)
    # Chunks are padded to even sizes.
    return 8 + size + size % 2, tf.where(_matches(raw, b"EXIF", 0), prefix, -1)


def _read_orientation(contents: Any, start: Any) -> Any:
    block = tf.strings.substr(contents, start, _EXIF_BYTES)
    raw = tf.cast(tf.io.decode_raw(block, tf.uint8), tf.int32)
    size = tf.size(raw)
    little = raw[0] == 0x49

    def at(position: Any) -> Any:
        return tf.where(position < size, tf.gather(raw, tf.clip_by_value(position, 0, size - 1)), 0)

    def number(position: Any, width: int) -> Any:
        values = [at(position + i) for i in range(width)]
        up = sum(v * (1 << 8 * i) for i, v in enumerate(values))
        down = sum(v * (1 << 8 * i) for i, v in enumerate(reversed(values)))
        return tf.where(little, up, down)

    directory = number(tf.constant(4), 4)
    entries = directory + 2 + 12 * tf.range(tf.minimum(number(directory, 2), _EXIF_BYTES // 12))
    is_long = number(entries + 2, 2) == 4
    values = tf.where(is_long, number(entries + 8, 4), number(entries + 8, 2))
    # The first such entry counts; there should be one.
    values = tf.boolean_mask(values, number(entries, 2) == 0x0112)
    value = tf.reduce_max(tf.concat([values[:1], [0]], axis=0))
    return tf.where((value >= 1) & (value <= 8), value, 1)
