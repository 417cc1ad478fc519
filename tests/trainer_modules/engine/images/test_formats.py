"""Formats that TensorFlow does not decode, against Pillow's own reading of real files."""

import io
import struct
from typing import Any

import numpy as np
import pillow_heif
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from trainer_modules.engine.images import decoding, formats

pillow_heif.register_heif_opener()  # for what the tests write and compare with
_COARSE = np.random.default_rng(3).integers(0, 256, (3, 4, 3), dtype=np.uint8)
RGB = Image.fromarray(_COARSE).resize((37, 23), Image.Resampling.BICUBIC)
GREY = RGB.convert("L")
DEEP = np.arange(0, 65536, 77, dtype=np.uint16)[: 37 * 23].reshape(23, 37)
OTHER = ImageOps.invert(RGB)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def _turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def pillows(contents: bytes) -> np.ndarray:
    """What Pillow itself reads, upright."""
    image = Image.open(io.BytesIO(contents))
    grey = image.mode in ("1", "L", "LA")
    return np.asarray(ImageOps.exif_transpose(image).convert("L" if grey else "RGB"))


def converted_pixels(contents: bytes) -> np.ndarray:
    found = formats.convert(contents)
    assert found is not None
    png = Image.open(io.BytesIO(found.png))
    assert png.format == "PNG" and png.mode in ("L", "RGB") and not png.info
    return np.asarray(png)


WELL_READ = {
    "tiff": (encoded(RGB, "TIFF"), "TIFF", 3),
    "tiff-lzw": (encoded(RGB, "TIFF", compression="tiff_lzw"), "TIFF", 3),
    "tiff-big": (encoded(RGB, "TIFF", big_tiff=True), "TIFF", 3),
    "tiff-cmyk": (encoded(RGB.convert("CMYK"), "TIFF"), "TIFF", 4),
    "tiff-palette": (encoded(RGB.quantize(32), "TIFF"), "TIFF", 3),
    "tiff-alpha": (encoded(RGB.convert("RGBA"), "TIFF"), "TIFF", 4),
    "tiff-grey-alpha": (encoded(RGB.convert("LA"), "TIFF"), "TIFF", 2),
    "tiff-bits": (encoded(RGB.convert("1"), "TIFF", compression="group4"), "TIFF", 1),
    "ppm": (encoded(RGB, "PPM"), "PPM", 3),
    "pgm": (encoded(GREY, "PPM"), "PPM", 1),
    "pbm": (encoded(RGB.convert("1"), "PPM"), "PPM", 1),
    "ppm-text": (b"P3\n# by hand\n2 1\n255\n255 0 0  0 0 255\n", "PPM", 3),
    "heic": (encoded(RGB, "HEIF"), "HEIF", 3),
    "heic-alpha": (encoded(RGB.convert("RGBA"), "HEIF"), "HEIF", 4),
    "heic-grey": (encoded(GREY, "HEIF"), "HEIF", 1),
    "avif": (encoded(RGB, "AVIF"), "AVIF", 3),
    "jpeg-2000": (encoded(RGB, "JPEG2000"), "JPEG2000", 3),
    "webp-animated": (
        encoded(RGB, "WEBP", save_all=True, append_images=[OTHER], lossless=True),
        "WEBP",
        3,
    ),
}


@pytest.mark.parametrize("name", WELL_READ)
def test_pixels_are_pillows(name: str) -> None:
    contents, form, channels = WELL_READ[name]
    found = formats.convert(contents)
    assert found is not None and (found.format, found.channels) == (form, channels)
    np.testing.assert_array_equal(converted_pixels(contents), pillows(contents))
    # What the graph then makes of it, in the colours of the original.
    graph = decoding.decode_image(tf.constant(found.png), channels=3).numpy()
    expected = np.asarray(Image.fromarray(pillows(contents)).convert("RGB"))
    np.testing.assert_array_equal(graph, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["TIFF", "AVIF", "HEIF"])
def test_pictures_come_upright(form: str, orientation: int) -> None:
    if form == "HEIF":
        lying = RGB.copy()
        # So that the encoder writes the container's own rotation, which is what counts there.
        lying.info["exif"] = _turned(orientation).tobytes()
        contents = encoded(lying, "HEIF", quality=100, chroma=444)
    else:
        options = {"quality": 100, "subsampling": "4:4:4"} if form == "AVIF" else {}
        contents = encoded(RGB, form, exif=_turned(orientation), **options)
    reference = encoded(RGB, "PNG", exif=_turned(orientation))
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(reference)))).astype(int)
    found = converted_pixels(contents).astype(int)
    assert found.shape == upright.shape
    assert np.abs(found - upright).mean() <= (0 if form == "TIFF" else 3)


def _twelve_bits(*, photometric: int = 1) -> bytes:
    """A TIFF of one row, 2 × 12 bits: 0xABC and 0x123; Pillow writes none."""
    pixels = bytes([0xAB, 0xC1, 0x23])
    tags = [(256, 2), (257, 1), (258, 12), (259, 1), (262, photometric), (273, 8)]
    tags += [(277, 1), (278, 1), (279, 3)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    ifd = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 12) + pixels + b"\0" + ifd


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (encoded(Image.fromarray(DEEP), "TIFF"), DEEP >> 8),
        (encoded(Image.fromarray(DEEP), "PPM"), DEEP >> 8),
        (encoded(Image.fromarray(DEEP), "JPEG2000"), DEEP >> 8),
        (b"P5 2 1 1023\n" + struct.pack(">HH", 1023, 511), [[255, 127]]),
        (_twelve_bits(), [[0xAB, 0x12]]),
        (
            encoded(Image.fromarray(DEEP), "TIFF", tiffinfo={262: 0}),
            255 - (DEEP >> 8),
        ),
    ],
    ids=["TIFF", "PGM", "JPEG 2000", "PGM of 10 bits", "TIFF of 12 bits", "white is zero"],
)
def test_of_deep_pixels_the_upper_bits_are_kept(contents: bytes, expected: Any) -> None:
    np.testing.assert_array_equal(converted_pixels(contents), expected)
    found = formats.convert(contents)
    assert found is not None and found.notes == ("16 bits reduced to 8",)


def test_deep_tiff_and_deep_png_are_the_same_to_the_model() -> None:
    """TensorFlow brings a 16-bit PNG to 8 bits by itself."""
    png = encoded(Image.fromarray(DEEP), "PNG")
    graph = decoding.decode_image(tf.constant(png), channels=1).numpy()[..., 0]
    tiff = converted_pixels(encoded(Image.fromarray(DEEP), "TIFF"))
    np.testing.assert_array_equal(tiff, graph)


@pytest.mark.parametrize(
    ("contents", "note"),
    [
        (encoded(RGB, "TIFF", save_all=True, append_images=[OTHER]), "the first of several"),
        (encoded(RGB, "AVIF", save_all=True, append_images=[OTHER]), "the first of several"),
        (encoded(RGB.convert("RGBA"), "TIFF"), "alpha dropped"),
    ],
    ids=["TIFF", "AVIF", "alpha"],
)
def test_what_is_left_out_is_said(contents: bytes, note: str) -> None:
    found = formats.convert(contents)
    assert found is not None and note in found.notes[0]
    assert np.abs(converted_pixels(contents).astype(int) - np.asarray(RGB)).mean() < 6


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_what_tensorflow_decodes_is_left_as_it_is(form: str) -> None:
    assert formats.convert(encoded(RGB, form)) is None


@pytest.mark.parametrize(
    "contents", [b"", b"P", b"P5", b"Please\n", b"RIFF", b"\0\0\0\x18ftypmp42"]
)
def test_what_is_no_image_is_left_as_it_is(contents: bytes) -> None:
    assert formats.convert(contents) is None


@pytest.mark.parametrize("name", [n for n in WELL_READ if n != "ppm-text"])
def test_a_cut_file_is_an_error(name: str) -> None:
    contents = WELL_READ[name][0]
    with pytest.raises(formats.UnreadableError, match="is a damaged or truncated"):
        formats.convert(contents[: len(contents) // 2])


@pytest.mark.parametrize("mode", ["F", "I"])
def test_numbers_without_an_agreed_range_are_refused(mode: str) -> None:
    with pytest.raises(formats.UnreadableError, match="whose value range is undefined"):
        formats.convert(encoded(RGB.convert("L").convert(mode), "TIFF"))


def _claiming(form: str) -> bytes:
    """A file whose header claims 60,000 × 60,000 pixels."""
    if form == "PPM":
        return b"P6\n60000 60000\n255\n" + bytes(100)
    if form == "TIFF":
        return (
            encoded(RGB, "TIFF")
            .replace(struct.pack("<H", 37), struct.pack("<H", 60000))
            .replace(struct.pack("<H", 23), struct.pack("<H", 60000))
        )
    whole = WELL_READ[form][0]
    if form == "webp-animated":
        most = (16384 - 1).to_bytes(3, "little")
        return whole[:24] + most + most + whole[30:]
    at = whole.index(b"ispe") + 8
    return whole[:at] + struct.pack(">II", 60000, 60000) + whole[at + 8 :]


@pytest.mark.parametrize("form", ["PPM", "TIFF", "webp-animated", "heic", "avif"])
def test_bombs_are_refused_before_they_are_decoded(form: str) -> None:
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(formats.UnreadableError):
        formats.convert(_claiming(form))
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


def test_the_bound_is_the_callers() -> None:
    contents = WELL_READ["heic"][0]
    assert formats.convert(contents, max_pixels=37 * 23) is not None
    with pytest.raises(
        formats.TooLargeError, match="declares 37 × 23 pixels, more than the limit of 850 pixels"
    ):
        formats.convert(contents, max_pixels=850)
