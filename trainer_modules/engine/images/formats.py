"""Image formats that TensorFlow does not decode: detected by content, converted with Pillow.

A SavedModel decodes JPEG, PNG, GIF, BMP and still WebP by itself (`decoding.py`). Other formats are
converted beforehand, by the same function in ingestion, batch inference and the server, so that all
three see the same pixels. This does not need TensorFlow.
"""

import io
import re
import zlib
from dataclasses import dataclass
from typing import Any

from PIL import (
    AvifImagePlugin,
    Image,
    ImageOps,
    Jpeg2KImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

LARGEST = 100_000_000  # Pixels: 300 MB decoded. A header alone can declare any size.
READ = "JPEG, PNG, GIF, BMP, WebP, TIFF, PPM, HEIC, AVIF and JPEG 2000"
ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif", ".avif", ".jp2", ".j2k"),
)

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_JPEG_2000 = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_ANIMATION = 0b10  # WebP container specification, flags of the chunk VP8X.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # TIFF 6.0, section 8


class UnreadableError(ValueError):
    """An image of a known format cannot be converted; the message says why."""


class TooLargeError(UnreadableError):
    """An image declares more pixels than are accepted."""


@dataclass(frozen=True, kw_only=True)
class Converted:
    """An image that Pillow decoded.

    Attributes:
      png: The image as PNG: 8 bits, grey or RGB, upright, without alpha and colour profile.
      format: `TIFF`, `PPM` (and PGM, PBM), `HEIF`, `AVIF`, `JPEG2000` or `WEBP` (animated).
      channels: Channels in the file; 3 for a palette.
      notes: What the PNG leaves out, as text: pages, bits, alpha.
    """

    png: bytes
    format: str
    channels: int
    notes: tuple[str, ...]


def convert(contents: bytes, *, max_pixels: int = LARGEST) -> Converted | None:
    """Converts an image that TensorFlow does not decode.

    Args:
      contents: The encoded image.
      max_pixels: Images that declare more are rejected before they are decoded.

    Returns:
      The image as PNG, or None if `contents` is of no format that needs it: of those that
      TensorFlow decodes, or no image.

    Raises:
      UnreadableError: If it is damaged, too large, or of a depth without a defined range.
    """
    form = needs_conversion(contents)
    if not form:
        return None
    try:
        image = _open(contents, form, max_pixels)
        width, height = image.size
        if width * height > max_pixels:
            raise TooLargeError(too_large(width, height, max_pixels))
        bands = 3 if image.mode == "P" else len(image.getbands())
        notes = _notes(image)
        eight_bits = _eight_bits(image)
        upright = ImageOps.exif_transpose(eight_bits)
    except UnreadableError:
        raise
    except Exception as error:  # Pillow raises nearly everything on damaged files.
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UnreadableError(f"is a damaged or truncated {form}: {reason[:160]}") from error
    upright.info = {}  # A colour profile or a transparent colour would go into the PNG.
    buffer = io.BytesIO()
    # Compresses photographs as well as zlib's default, in a quarter of the time.
    upright.save(buffer, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    return Converted(png=buffer.getvalue(), format=form, channels=bands, notes=notes)


def needs_conversion(contents: bytes) -> str:
    """Returns the format's name if it is one that `convert` converts, else ""."""
    head = contents[:32]
    if head.startswith(_TIFF):
        return "TIFF"
    if re.match(rb"P[1-6]\s", head):
        return "PPM"
    if head.startswith(_JPEG_2000):
        return "JPEG2000"
    if head[4:8] == b"ftyp":
        return _of_brand(contents)
    is_webp = head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X"
    return "WEBP" if is_webp and len(head) > 20 and head[20] & _ANIMATION else ""


def too_large(width: int, height: int, max_pixels: int) -> str:
    """Returns the message for an image that declares more pixels than are accepted."""
    most = f"{max_pixels // 10**6} megapixels" if max_pixels >= 10**6 else f"{max_pixels:,} pixels"
    return f"declares {width:,} × {height:,} pixels, more than the limit of {most}"


def _of_brand(contents: bytes) -> str:
    """Returns the format of an ISO base media file, by its major and compatible brands."""
    size = min(int.from_bytes(contents[:4], "big"), 256)
    brands = [contents[8:12], *(contents[i : i + 4] for i in range(16, size, 4))]
    if any(brand in _AVIF_BRANDS for brand in brands):
        return "AVIF"
    return "HEIF" if any(brand in _HEIF_BRANDS for brand in brands) else ""


def _open(contents: bytes, form: str, max_pixels: int) -> Image.Image:
    """Reads the header. `Image.open` would warn of large images, or reject them without a size."""
    stream = io.BytesIO(contents)
    if form == "HEIF":
        import pi_heif

        return pi_heif.HeifImageFile(stream)
    if form == "WEBP":
        # The decoder allocates memory for the whole canvas at once; its size is in the header.
        width, height = (int.from_bytes(contents[i : i + 3], "little") + 1 for i in (24, 27))
        if width * height > max_pixels:
            raise TooLargeError(too_large(width, height, max_pixels))
    plugins: dict[str, Any] = {
        "TIFF": TiffImagePlugin.TiffImageFile,
        "PPM": PpmImagePlugin.PpmImageFile,
        "AVIF": AvifImagePlugin.AvifImageFile,
        "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
    }
    opened: Image.Image = plugins[form](stream)
    return opened


def _notes(image: Image.Image) -> tuple[str, ...]:
    notes = []
    if getattr(image, "is_animated", False):
        notes.append("the first of several pages or frames")
    if image.mode in ("I", "I;16", "I;16B"):
        notes.append("16 bits reduced to 8")
    if image.mode.endswith(("A", "a")) or "transparency" in image.info:
        notes.append("alpha dropped")
    return tuple(notes)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Decodes an image and returns it in mode "L" or "RGB", as `decoding.py` would see it.

    Of 16 bits the upper 8 are kept, as TensorFlow does for PNG; a 12-bit TIFF keeps the upper 8 of
    its 12. Pillow has already brought any other range of a PGM to 16 bits.

    Raises:
      UnreadableError: If the pixels are 32-bit numbers, whose value of white is not defined.
    """
    deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    if deep:
        return _upper_bits(image)
    if image.mode in ("I", "F"):
        raise UnreadableError(
            "has signed, 32-bit or floating-point pixels, whose value range is undefined; store "
            "it with 8 or 16 unsigned bits"
        )
    # Pillow cannot convert grey with premultiplied alpha to grey.
    plain = image.convert("LA") if image.mode == "La" else image
    return plain.convert("L" if plain.mode in ("1", "L", "LA") else "RGB")


def _upper_bits(image: Image.Image) -> Image.Image:
    import numpy as np

    tags = getattr(image, "tag_v2", {})
    bits = max(tags.get(_BITS_PER_SAMPLE, (16,)))
    inverted = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    values = np.asarray(image).astype(np.int32) >> (bits - 8)
    pixels = np.clip(255 - values if inverted else values, 0, 255).astype(np.uint8)
    upright = Image.fromarray(pixels)
    upright.info = dict(image.info)
    return upright
