"""Checks masks: size, and that every pixel is a class."""

import io

import numpy as np
from PIL import Image

from trainer_modules.engine.problems.labels import LabelError
from trainer_modules.engine.problems.masks import Ids

_LOSSLESS = ("PNG", "BMP", "GIF", "PPM", "TIFF")
_LOSSY_COMPRESSIONS = ("jpeg", "tiff_jpeg", "webp")  # of a TIFF


def check(contents: bytes, *, size: tuple[int, int], form: Ids) -> tuple[bytes, list[int]]:
    """Checks one mask.

    Args:
      contents: The encoded mask.
      size: (width, height) of its image.
      form: What the pixels mean.

    Returns:
      PNG bytes, and the classes in the mask. The bytes are those given, except that palette, 1-bit
      and 16-bit ids become an 8-bit grey PNG of the same ids.

    Raises:
      LabelError: If the mask cannot be read or does not fit.
    """
    import tensorflow as tf

    try:
        mask = Image.open(io.BytesIO(contents), formats=(*_LOSSLESS, "JPEG"))
        lossy = mask.format == "TIFF" and mask.info.get("compression") in _LOSSY_COMPRESSIONS
        if mask.format not in _LOSSLESS or lossy:
            received = f"{mask.format} with lossy compression" if lossy else mask.format
            raise LabelError(
                f"mask must be lossless ({', '.join(_LOSSLESS)}). Received: {received}"
            )
        if mask.size != size:
            raise LabelError(f"mask is {_times(mask.size)} pixels, but its image is {_times(size)}")
        mask.load()
    except LabelError:
        raise
    except Exception as error:  # Pillow raises nearly everything on damaged files.
        raise LabelError(f"mask cannot be decoded: {error}") from error
    if form.colours:
        pixels = np.asarray(mask.convert("RGB")).astype(np.uint32)
        values = np.unique(pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2])
        known = [r << 16 | g << 8 | b for r, g, b in form.colours]
        strange = [v for v in values.tolist() if v not in known]
        if strange:
            colour = tuple(strange[0].to_bytes(3, "big"))
            raise LabelError(
                f"mask has {len(strange)} colours that belong to no class; the first is {colour}"
            )
        shown = [known.index(v) for v in values.tolist()]
        png = contents if mask.format == "PNG" else _png(mask.convert("RGB"))
    else:
        if mask.mode not in ("L", "P", "1", "I;16", "I"):
            raise LabelError(
                f"mask must contain class ids in one channel. Received: mode {mask.mode}"
            )
        ids = np.asarray(mask).astype(np.int64)
        shown = np.unique(ids).tolist()
        allowed = set(range(form.count)) | {form.void} - {None}
        strange = [v for v in shown if v not in allowed]
        if strange:
            void = "" if form.void is None else f" or void {form.void}"
            raise LabelError(
                f"mask has the ids {', '.join(map(str, strange[:8]))}; must be within "
                f"0..{form.count - 1}{void}"
            )
        plain = mask.format == "PNG" and mask.mode == "L"
        png = contents if plain else _png(Image.fromarray(ids.astype(np.uint8)))
    try:
        # Pillow accepts a missing end, TensorFlow does not.
        tf.io.decode_png(png)
    except tf.errors.OpError as error:
        raise LabelError("mask is a damaged or truncated PNG") from error
    return png, [i for i in shown if i < form.count]


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


def _png(mask: Image.Image) -> bytes:
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()
