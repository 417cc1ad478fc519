import base64
import io

import numpy as np
import pytest
from PIL import Image

from components.report import pictures
from tests.components.report import other_runs

RED = (255, 0, 0)


def _decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def _encoded(picture: Image.Image, kind: str, **kwargs: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **kwargs)
    return buffer.getvalue()


def _shown(encoded: bytes, budget: int = 10**6) -> Image.Image:
    (uri,) = pictures.within({"one": pictures.small(encoded)}, budget).values()
    return _decoded(uri)


def test_pictures_are_small_and_keep_the_shape() -> None:
    shown = _shown(_encoded(Image.new("RGB", (800, 400), RED), "JPEG"))
    assert shown.size == (320, 160)
    assert np.abs(np.asarray(shown.convert("RGB")).mean(axis=(0, 1)) - RED).max() < 6


@pytest.mark.parametrize("count", [1, 12, 96])
def test_pictures_are_as_large_as_the_page_has_room(count: int) -> None:
    seen = {i: pictures.small(other_runs.photograph(i)) for i in range(count)}
    drawn = pictures.within(seen, 200_000)
    taken = sum(map(len, drawn.values()))
    widths = {_decoded(uri).width for uri in drawn.values()}
    assert taken <= 200_000
    assert widths == {320} or taken > 120_000, "room was left"
    assert (widths == {320}) == (count < 90)
    assert len(widths) == 1


def test_very_many_pictures_are_still_pictures() -> None:
    drawn = pictures.within({i: pictures.small(other_runs.photograph(i)) for i in range(4)}, 1)
    assert {_decoded(uri).width for uri in drawn.values()} == {72}


def test_tiny_images_keep_every_pixel() -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    shown = _shown(_encoded(Image.fromarray(pixels), "PNG"))
    np.testing.assert_array_equal(np.asarray(shown), pixels)


def test_pictures_stand_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90°
    encoded = _encoded(Image.new("RGB", (600, 300), RED), "JPEG", exif=exif)
    assert _shown(encoded).size == (160, 320)


def test_transparency_becomes_white_and_16_bits_fit() -> None:
    clear = _shown(_encoded(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), "PNG"))
    assert np.asarray(clear.convert("RGB")).min() == 255
    deep = np.linspace(0, 60_000, 64).reshape(8, 8).astype(np.uint16)
    shown = np.asarray(_shown(_encoded(Image.fromarray(deep), "PNG")))
    assert (shown.min(), shown.max()) == (0, 255)


def test_bytes_that_are_no_image_are_an_oserror() -> None:
    with pytest.raises(OSError, match="cannot identify"):
        pictures.small(b"nothing")


@pytest.mark.parametrize("channels", [1, 3])
def test_grid_holds_every_image_in_every_row(channels: int) -> None:
    images = [np.full((8, 8, channels), 10 * i, np.uint8) for i in range(5)]
    labels = ["🌷", "<script>", "ورد", "", "a very long name that does not fit below the picture"]
    sheet = Image.open(io.BytesIO(pictures.grid([("a", images), ("b", images[::-1])], labels, 4)))
    pixels = np.asarray(sheet.convert("L"))
    for value in (10, 20, 30, 40):
        tiles = (pixels == value).sum() / 112**2
        assert tiles >= 2, f"the image of {value} is there twice"
