"""Decoded images against Pillow, the independent truth."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from trainer_modules.engine.images import decoding


@pytest.fixture(scope="module")
def decode():
    """One traced decoder per number of channels, as a SavedModel would hold it."""
    traced = {
        channels: tf.function(
            lambda contents, channels=channels: decoding.decode_image(contents, channels=channels),
            input_signature=[tf.TensorSpec([], tf.string)],
        )
        for channels in (1, 3)
    }
    return lambda contents, channels=3: traced[channels](tf.constant(contents)).numpy()


def picture(height: int = 24, width: int = 34) -> Image.Image:
    """A picture without symmetry, smooth enough for lossy formats."""
    y, x = np.mgrid[:height, :width]
    red, green, blue = 7 * x, 255 - 10 * y, 3 * x + 4 * y
    return Image.fromarray(np.stack([red, green, blue], axis=-1).clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def expected(contents: bytes, channels: int) -> np.ndarray:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(contents)))
    pixels = np.asarray(image.convert("RGB").convert("L" if channels == 1 else "RGB"))
    return pixels.reshape(*pixels.shape[:2], channels)


RGB = picture()
GREY = RGB.convert("L")
PALETTE = RGB.quantize(16)
FORMS = {
    "jpeg": encoded(RGB, "JPEG", quality=90),
    "jpeg_progressive": encoded(RGB, "JPEG", progressive=True),
    "jpeg_grey": encoded(GREY, "JPEG"),
    "jpeg_cmyk": encoded(RGB.convert("CMYK"), "JPEG"),
    "png": encoded(RGB, "PNG"),
    "png_grey": encoded(GREY, "PNG"),
    "png_grey_alpha": encoded(RGB.convert("LA"), "PNG"),
    "png_alpha": encoded(RGB.convert("RGBA"), "PNG"),
    "png_palette": encoded(PALETTE, "PNG"),
    "png_palette_transparent": encoded(PALETTE, "PNG", transparency=3),
    "png_one_bit": encoded(RGB.convert("1"), "PNG"),
    "gif": encoded(PALETTE, "GIF"),
    "gif_animated": encoded(
        PALETTE, "GIF", save_all=True, append_images=[ImageOps.invert(RGB).quantize(8)]
    ),
    "bmp": encoded(RGB, "BMP"),
    "bmp_alpha": encoded(RGB.convert("RGBA"), "BMP"),
    "bmp_palette": encoded(PALETTE, "BMP"),
    "bmp_grey": encoded(GREY, "BMP"),
    "webp_lossless": encoded(RGB, "WEBP", lossless=True),
    "webp_alpha": encoded(RGB.convert("RGBA"), "WEBP", lossless=True),
    "webp_lossy": encoded(RGB, "WEBP"),
}
# Zero where both sides must agree bit by bit; lossy codecs may be built differently.
TOLERANCE = {"jpeg": 2, "webp_lossy": 2}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_what_pillow_shows(decode, form, channels):
    found = decode(FORMS[form], channels)
    truth = expected(FORMS[form], channels)
    assert found.dtype == np.uint8
    assert found.shape == truth.shape
    tolerance = TOLERANCE.get(form, TOLERANCE.get(form.split("_")[0], 0))
    assert np.abs(found.astype(int) - truth).max() <= tolerance


@pytest.mark.parametrize("colours", [1, 3])
def test_sixteen_bit_png_keeps_the_high_byte(decode, colours):
    values = np.arange(0, 65536, 65536 // (20 * 30 * colours), dtype=np.uint16)
    values = values[: 20 * 30 * colours].reshape(20, 30, colours)
    kind = {1: 0, 3: 2}[colours]
    found = decode(png(values.astype(">u2").tobytes(), 30, 20, depth=16, kind=kind), 3)
    np.testing.assert_array_equal(found, np.broadcast_to(values >> 8, (20, 30, 3)))


def png(rows: bytes, width: int, height: int, *, depth: int, kind: int) -> bytes:
    """A PNG by hand: Pillow cannot write 16-bit RGB."""
    stride = len(rows) // height
    filtered = b"".join(b"\0" + rows[i * stride : (i + 1) * stride] for i in range(height))
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def exif_block(orientation: int, order: str) -> bytes:
    """A TIFF header with a maker's name in front of the orientation, in either byte order."""
    entries = struct.pack(order + "HHI4s", 0x010F, 2, 4, b"abc\0")
    entries += struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IH", 8, 2) + entries + struct.pack(order + "I", 0)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_exif_turns_the_image_as_a_viewer_would(decode, form, orientation, order):
    block = exif_block(orientation, order)
    exif = block if form == "PNG" else b"Exif\0\0" + block
    options = {"lossless": True} if form == "WEBP" else {}
    contents = encoded(RGB, form, exif=exif, **options)
    truth = expected(contents, 3)
    assert truth.shape[0] == (34 if orientation >= 5 else 24), "Pillow must have seen the Exif"
    found = decode(contents)
    assert found.shape == truth.shape
    assert np.abs(found.astype(int) - truth).max() <= (2 if form == "JPEG" else 0)


def test_exif_behind_other_segments_is_found_and_text_is_not_mistaken_for_it(decode):
    plain = FORMS["jpeg"]
    decoy = b"Exif\0\0" + exif_block(6, "<")
    comment = b"\xff\xfe" + struct.pack(">H", len(decoy) + 2) + decoy
    np.testing.assert_array_equal(decode(plain[:2] + comment + plain[2:]), decode(plain))
    app1 = b"\xff\xe1" + struct.pack(">H", len(decoy) + 2) + decoy
    turned = decode(plain[:2] + comment + app1 + plain[2:])
    np.testing.assert_array_equal(turned, np.rot90(decode(plain), k=3))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_invalid_orientation_changes_nothing(decode, orientation):
    contents = encoded(RGB, "JPEG", exif=b"Exif\0\0" + exif_block(orientation, ">"))
    assert decode(contents).shape == (24, 34, 3)


@pytest.mark.parametrize("cut", [11, 14, 20, 30, 45])
def test_damaged_exif_does_not_stop_the_decoder(decode, cut):
    contents = encoded(RGB, "JPEG", exif=(b"Exif\0\0" + exif_block(6, "<"))[:cut])
    assert decode(contents).shape[-1] == 3


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"not an image",
        FORMS["jpeg"][:-40],
        FORMS["png"][:-40],
        encoded(RGB, "TIFF"),
        encoded(RGB, "WEBP", save_all=True, append_images=[ImageOps.invert(RGB)]),
    ],
    ids=["empty", "text", "cut JPEG", "cut PNG", "TIFF", "animated WebP"],
)
def test_what_cannot_be_decoded_is_an_error(decode, contents):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(contents)


def test_works_inside_map_fn(decode):
    batch = tf.constant([FORMS["png"], FORMS["webp_lossless"], FORMS["bmp_palette"]])
    found = tf.function(
        lambda b: tf.map_fn(
            lambda c: tf.image.resize(decoding.decode_image(c, channels=1), [24, 34]),
            b,
            fn_output_signature=tf.float32,
        )
    )(batch)
    np.testing.assert_array_equal(found[0].numpy(), decode(FORMS["png"], 1).astype(np.float32))


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"must be 1 or 3\. Received: 4"):
        decoding.decode_image(tf.constant(b""), channels=4)
