"""One mask, as found: kept byte by byte, brought to grey ids, or refused with the reason."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from trainer_modules.engine.problems import LabelError, mask_checking
from trainer_modules.engine.problems.masks import Ids

STREET = Ids(3, void=11)
PAINTED = Ids(2, colours=((128, 0, 0), (0, 128, 0)))
PIXELS = np.random.default_rng(0).choice([0, 2, 11], (6, 8)).astype(np.uint8)
COLOURS = np.array(PAINTED.colours, np.uint8)[PIXELS % 2]


def encoded(image: Any, form: str, **settings: Any) -> bytes:
    image = image if isinstance(image, Pillow.Image) else Pillow.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, form, **settings)
    return buffer.getvalue()


def palette(pixels: np.ndarray) -> Pillow.Image:
    image = Pillow.fromarray(pixels)
    image.putpalette([255 - value // 3 for value in range(768)])  # colours that are not the ids
    return image


def checked(contents: bytes, form: Ids = STREET) -> tuple[bytes, list[int]]:
    return mask_checking.check(contents, size=(8, 6), form=form)


@pytest.mark.parametrize(
    "contents",
    [
        encoded(PIXELS, "BMP"),
        encoded(PIXELS, "PPM"),
        encoded(PIXELS, "TIFF", compression="tiff_lzw"),
        encoded(palette(PIXELS), "PNG"),
        encoded(palette(PIXELS), "GIF", optimize=False),
        encoded(PIXELS.astype(np.uint16), "PNG"),
        encoded(PIXELS.astype(np.int32), "TIFF"),
    ],
    ids=["bmp", "pgm", "tiff", "palette", "gif", "16-bit", "32-bit"],
)
def test_every_lossless_form_becomes_a_grey_png_of_the_same_ids(contents: bytes) -> None:
    png, shown = checked(contents)
    mask = Pillow.open(io.BytesIO(png))
    assert (mask.format, mask.mode) == ("PNG", "L")
    np.testing.assert_array_equal(np.asarray(mask), PIXELS)
    assert shown == [0, 2]  # void is no class


def test_a_grey_png_is_kept_byte_by_byte() -> None:
    contents = encoded(PIXELS, "PNG", compress_level=1)
    assert checked(contents)[0] == contents


def test_of_one_bit_the_ids_are_0_and_1() -> None:
    png, shown = checked(encoded(Pillow.fromarray(PIXELS > 0), "PNG"))
    np.testing.assert_array_equal(np.asarray(Pillow.open(io.BytesIO(png))), PIXELS > 0)
    assert shown == [0, 1]


@pytest.mark.parametrize("form", ["PNG", "BMP"])
def test_colours_are_classes_and_stay_colours(form: str) -> None:
    contents = encoded(COLOURS, form)
    png, shown = checked(contents, PAINTED)
    np.testing.assert_array_equal(np.asarray(Pillow.open(io.BytesIO(png))), COLOURS)
    assert sorted(shown) == np.unique(PIXELS % 2).tolist()
    assert (png == contents) == (form == "PNG")


def _strange() -> np.ndarray:
    pixels = COLOURS.copy()
    pixels[0, 0], pixels[1, 1] = (0, 0, 9), (128, 0, 1)
    return pixels


@pytest.mark.parametrize(
    ("contents", "form", "says"),
    [
        (encoded(PIXELS, "JPEG"), STREET, "must be lossless (PNG, BMP, GIF, PPM, TIFF). Received"),
        (
            encoded(PIXELS, "TIFF", compression="jpeg"),
            STREET,
            "Received: TIFF with lossy compression",
        ),
        (
            encoded(PIXELS.T, "PNG"),
            STREET,
            "mask is 6 \u00d7 8 pixels, but its image is 8 \u00d7 6",
        ),
        (encoded(COLOURS, "PNG"), STREET, "class ids in one channel. Received: mode RGB"),
        (
            encoded(np.arange(48, dtype=np.uint8).reshape(6, 8), "PNG"),
            STREET,
            "mask has the ids 3, 4, 5, 6, 7, 8, 9, 10; must be within 0..2 or void 11",
        ),
        (encoded(PIXELS, "PNG"), Ids(3), "mask has the ids 11; must be within 0..2"),
        # 256 would become 0 in eight bits.
        (encoded(np.full((6, 8), 256, np.uint16), "PNG"), STREET, "mask has the ids 256"),
        (encoded(_strange(), "PNG"), PAINTED, "2 colours that belong to no class; the first is (0"),
        (encoded(PIXELS, "PNG")[:-20], STREET, "damaged or truncated"),
        (encoded(PIXELS, "BMP")[:-20], STREET, "mask cannot be decoded"),
        (b"", STREET, "mask cannot be decoded"),
        (b"not an image", STREET, "mask cannot be decoded"),
    ],
)
def test_what_is_no_mask_is_refused_with_the_reason(contents: bytes, form: Ids, says: str) -> None:
    with pytest.raises(LabelError) as refused:
        checked(contents, form)
    assert says in str(refused.value)
