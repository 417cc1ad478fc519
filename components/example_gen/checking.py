"""Decodes a reader's records into canonical Examples, or reports what is wrong with them."""

import functools
import io
from dataclasses import dataclass, replace
from typing import Any

from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin

from components.example_gen.readers.items import Record, Rejected
from trainer_modules.engine.images import formats
from trainer_modules.engine.problems import LabelError, Problem


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A readable example.

    Attributes:
      serialized: The canonical `tf.train.Example`.
      format: The image's format as found, "" for a row of a table.
      classes: Classes under which it is counted.
      converted: Whether the image was converted to PNG.
      notes: What the conversion dropped, as text.
      measured: The image's size, channels and brightness as in the Example; None for a row of a
        table.
    """

    serialized: bytes
    format: str
    classes: tuple[str, ...]
    converted: bool = False
    notes: tuple[str, ...] = ()
    measured: "Measured | None" = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An image that can be decoded.

    Attributes:
      height: Pixels, after the Exif rotation.
      width: Pixels, after the Exif rotation.
      channels: Channels in the file; 3 for a palette.
      format: `JPEG`, `PNG`, `GIF`, `BMP` or `WEBP`, or one of `formats.Converted`, whatever the
        file is called.
      brightness: Mean of the grey image in 0..1.
    """

    height: int
    width: int
    channels: int
    format: str
    brightness: float


def examine(record: Record, problem: Problem) -> Checked | Rejected:
    """Checks one record: decodes its image completely and compares its mask with it.

    An image that TensorFlow does not decode is converted to PNG first.

    Returns:
      The canonical Example, or why there is none.
    """
    import tensorflow as tf

    features: dict[str, Any] = {"id": record.id.encode()}
    form = ""
    converted: formats.Converted | None = None
    classes: tuple[str, ...] = ()
    image_facts: Measured | None = None
    features |= record.slices | record.values
    if record.label is not None:
        features |= problem.raw_labels(record.label)
        classes = problem.counted_as(record.label)
    if record.image is not None:
        try:
            converted = formats.convert(record.image)
        except formats.UnreadableError as error:
            return Rejected(id=record.id, split=record.split, reason=str(error))
        image = converted.png if converted else record.image
        measured = measure(image)
        if isinstance(measured, str):
            return Rejected(id=record.id, split=record.split, reason=measured)
        form = converted.format if converted else measured.format
        if converted:
            measured = replace(measured, channels=converted.channels, format=form)
        image_facts = measured
        features |= {
            "image": image,
            "height": measured.height,
            "width": measured.width,
            "channels": measured.channels,
            "format": form.encode(),
            "brightness": measured.brightness,
        }
        if record.mask is not None:
            size = (measured.width, measured.height)
            try:
                features[problem.raw_label], classes = problem.read_mask(record.mask, size=size)
            except LabelError as error:
                return Rejected(id=record.id, split=record.split, reason=str(error))
    example = tf.train.Example()
    for name, value in features.items():
        _set(example.features.feature[name], value)
    serialized = example.SerializeToString(deterministic=True)
    return Checked(
        serialized=serialized,
        format=form,
        classes=classes,
        converted=converted is not None,
        notes=converted.notes if converted else (),
        measured=image_facts,
    )


def measure(contents: bytes) -> Measured | str:
    """Decodes an image to measure it.

    Args:
      contents: The encoded image.

    Returns:
      Its properties, or the reason why it cannot be decoded.
    """
    import tensorflow as tf

    if not contents:
        return "is empty (0 bytes)"
    try:
        header = _open(contents)
    except Exception as error:  # Pillow raises nearly everything on damaged headers.
        return f"has a damaged header: {error}"
    if header is None:
        return f"is not an image, or of a format other than {formats.READ}{_guess(contents)}"
    width, height = header.size
    if width * height > formats.LARGEST:
        return formats.too_large(width, height, formats.LARGEST)
    try:
        height, width, brightness = _decode(contents, header)
    except tf.errors.OpError as error:
        # The text before the message names TensorFlow's function, not the file.
        text = str(error.message).partition("}} ")[2] or str(error.message)
        reason = text.partition("\n")[0].partition(" [Op:")[0].partition("[[")[0].strip()
        return f"is a damaged or truncated {header.format}: {reason[:160]}"
    return Measured(
        height=height,
        width=width,
        channels=3 if header.mode == "P" else len(header.getbands()),
        format=str(header.format),
        brightness=brightness,
    )


def _open(contents: bytes) -> Image.Image | None:
    """Reads an image's header; `Image.open` would reject a large image without giving its size."""
    stream = io.BytesIO(contents)
    if contents.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile(stream)
    if contents.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile(stream)
    if contents.startswith((b"GIF87a", b"GIF89a")):
        return GifImagePlugin.GifImageFile(stream)
    if contents.startswith(b"BM"):
        return BmpImagePlugin.BmpImageFile(stream)
    if contents.startswith(b"RIFF") and contents[8:12] == b"WEBP":
        return Image.open(stream, formats=("WEBP",))
    return None


def _guess(contents: bytes) -> str:
    try:
        return f": {Image.open(io.BytesIO(contents)).format}"
    except Exception:
        start = contents[:24].decode("ascii", "replace").replace("�", "?")
        return f" (starts with {start!r})"


def _decode(contents: bytes, header: Image.Image) -> tuple[int, int, float]:
    """Returns height, width and brightness of what `decoding.decode_image` makes of an image.

    If decoding needs no further processing, the decoder is called directly for grey pixels only,
    which is twice as fast for photographs and ten times as fast for tiny images.
    """
    import tensorflow as tf

    simple = header.mode in ("L", "RGB") and b"Exif" not in contents and b"eXIf" not in contents
    if simple and header.format in ("JPEG", "PNG"):
        decode = tf.io.decode_jpeg if header.format == "JPEG" else tf.io.decode_png
        pixels = decode(contents, channels=1).numpy()
        return pixels.shape[0], pixels.shape[1], float(pixels.mean()) / 255
    shape, brightness = _whole_decoder()(tf.constant(contents))
    return int(shape[0]), int(shape[1]), float(brightness)


@functools.cache
def _whole_decoder() -> Any:
    import tensorflow as tf

    from trainer_modules.engine.images import decoding

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def decode(contents: Any) -> Any:
        image = decoding.decode_image(contents, channels=3)
        means = tf.reduce_mean(tf.cast(image, tf.float32), axis=[0, 1])
        return tf.shape(image), tf.tensordot(means, [0.299 / 255, 0.587 / 255, 0.114 / 255], 1)

    return decode


def _set(feature: Any, value: Any) -> None:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, bytes):
            feature.bytes_list.value.append(each)
        elif isinstance(each, int):
            feature.int64_list.value.append(each)
        else:
            feature.float_list.value.append(each)
