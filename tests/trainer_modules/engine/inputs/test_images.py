"""Images as an input: what they are stored as, made up as, and refused as."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from trainer_modules.engine.inputs.images import Images


@pytest.mark.parametrize(
    ("height", "width", "store", "form"),
    [
        (63, 65, "auto", "png"),
        (64, 64, "auto", "jpeg"),
        (8, 8, "jpeg", "jpeg"),
        (640, 480, "png", "png"),
    ],
)
def test_small_images_are_stored_without_loss(
    height: int, width: int, store: str, form: str
) -> None:
    import tensorflow as tf

    given = Images(height=height, width=width, store=store)
    assert given.stored_as == form
    buffer = io.BytesIO()
    Pillow.fromarray(np.zeros((20, 30, 3), np.uint8)).save(buffer, "PNG")
    (stored,) = given.transformed({"image": tf.constant([buffer.getvalue()])})["image"].numpy()
    found = Pillow.open(io.BytesIO(stored))
    assert (found.format.lower(), found.size) == (form, (width, height))


@pytest.mark.parametrize("channels", [1, 3])
def test_what_was_stored_without_loss_are_the_pixels(channels: int) -> None:
    import tensorflow as tf

    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    picture = Pillow.fromarray(pixels).convert("L" if channels == 1 else "RGB")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    given = Images(height=5, width=7, channels=channels, resize="nearest")
    stored = given.transformed({"image": tf.constant([buffer.getvalue()])})
    back = given.stored_input({"image": stored["image"][0]}).numpy()
    np.testing.assert_array_equal(back, np.asarray(picture).reshape(5, 7, channels))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"height": 0}, "height must be at least 1"),
        ({"width": -3}, "width must be at least 1"),
        ({"channels": 4}, "channels must be 1 or 3. Received: 4"),
        ({"jpeg_quality": 0}, r"jpeg_quality must be within 1\.\.100. Received: 0"),
        ({"jpeg_quality": 101}, "Received: 101"),
        ({"resize": "bicubic"}, "resize must be one of bilinear, nearest, area"),
        ({"scaling": "tf"}, "scaling must be one of unit, none, standardise"),
        ({"store": "webp"}, "store must be one of auto, png, jpeg"),
    ],
)
def test_a_setting_out_of_bounds_is_named(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Images(**{"height": 8, "width": 8, **settings})


def test_made_up_images_differ_in_size_form_and_colour() -> None:
    """A model that is checked without data must have met what data may be."""
    import tensorflow as tf

    made = Images(height=8, width=8).generated(8)
    pictures = {}
    for name, serialized in made.items():
        values = tf.train.Example.FromString(serialized).features.feature["image"].bytes_list.value
        pictures[name] = Pillow.open(io.BytesIO(values[0]))
    assert len({picture.size for picture in pictures.values()}) == 8
    assert [name.rpartition(".")[2] for name in made] == ["png", "jpg"] * 4
    for name, picture in pictures.items():
        assert picture.format == ("JPEG" if name.endswith("jpg") else "PNG")
    grey = [picture.mode == "L" for picture in pictures.values()]
    assert grey == [False, False, False, True] * 2


def test_images_are_images() -> None:
    given = Images(height=8, width=9)
    assert given.images("VGG16") is given
    assert given.served == {"image_bytes": "image"}  # the ending asks clients for base64
