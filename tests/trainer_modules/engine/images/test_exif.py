"""The orientation in encoded images, against Pillow that writes and reads it."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from trainer_modules.engine.images import exif


@pytest.fixture(scope="module")
def oriented():
    """The orientation of an encoded image, traced once."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def found(contents):
        head = tf.io.decode_raw(tf.strings.substr(contents, 0, 32), tf.uint8, fixed_length=32)
        return exif.orientation(contents, tf.cast(head, tf.int32))

    return lambda contents: int(found(tf.constant(contents)))


def encoded(form: str, orientation: int | None, **settings: object) -> bytes:
    file = io.BytesIO()
    if orientation is not None:
        tags = Image.Exif()
        # In front of it, so that it is not the first entry; and a text elsewhere in the block.
        tags[0x010F] = "maker"
        tags[0x0112] = orientation
        settings["exif"] = tags
    Image.fromarray(PIXELS).save(file, form, **settings)
    return file.getvalue()


PIXELS = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [*range(1, 9)])
def test_it_is_found_where_each_format_keeps_it(oriented, form: str, orientation: int) -> None:
    contents = encoded(form, orientation)
    with Image.open(io.BytesIO(contents)) as read:
        assert read.getexif()[0x0112] == orientation
    assert oriented(contents) == orientation


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_without_one_it_is_upright(oriented, form: str) -> None:
    assert oriented(encoded(form, None)) == 1


@pytest.mark.parametrize("wrong", [0, 9, 255])
def test_a_value_that_means_nothing_is_upright(oriented, wrong: int) -> None:
    assert oriented(encoded("JPEG", wrong)) == 1


def test_a_comment_that_looks_like_exif_is_none(oriented) -> None:
    block = encoded("JPEG", 6)
    start = block.index(b"Exif\0\0")
    caption = block[start : start + 60]
    assert oriented(encoded("JPEG", None, comment=caption)) == 1
    assert oriented(encoded("JPEG", 3, comment=caption)) == 3


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_torn_file_ends_the_search(oriented, form: str) -> None:
    whole = encoded(form, 6)
    for length in range(0, len(whole), 7):
        assert oriented(whole[:length]) in (1, 6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_pillow_makes_of_it(orientation: int) -> None:
    image = Image.fromarray(PIXELS)
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    found = exif.upright(tf.constant(PIXELS), tf.constant(orientation)).numpy()
    np.testing.assert_array_equal(found, expected)
