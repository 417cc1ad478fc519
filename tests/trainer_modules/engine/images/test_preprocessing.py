import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as Pillow

from trainer_modules.engine.images import preprocessing
from trainer_modules.engine.task.task import Images


def _encoded(pixels: np.ndarray, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, form)
    return out.getvalue()


def _bilinear(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear interpolation between pixel centres, written out in NumPy."""
    source = pixels.astype(np.float64)

    def positions(size: int, of: int):
        at = np.clip((np.arange(size) + 0.5) * of / size - 0.5, 0, of - 1)
        low = np.floor(at).astype(int)
        return low, np.minimum(low + 1, of - 1), at - low

    top, bottom, down = positions(height, source.shape[0])
    left, right, across = positions(width, source.shape[1])
    down, across = down[:, None, None], across[None, :, None]
    upper = source[top][:, left] * (1 - across) + source[top][:, right] * across
    lower = source[bottom][:, left] * (1 - across) + source[bottom][:, right] * across
    return np.round(upper * (1 - down) + lower * down)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (13, 17, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (30, 21), (13, 17)])
def test_bilinear_resizing_is_numpys(pixels, height: int, width: int) -> None:
    loaded = preprocessing.load_image(
        tf.constant(_encoded(pixels)), Images(height=height, width=width)
    )
    assert loaded.dtype == tf.uint8
    # Halves may be rounded to either side.
    assert np.abs(loaded.numpy() - _bilinear(pixels, height, width)).max() <= 1


def test_nearest_takes_pixels_as_they_are(pixels) -> None:
    loaded = preprocessing.load_image(
        tf.constant(_encoded(pixels)), Images(height=26, width=34, resize="nearest")
    )
    assert np.array_equal(loaded.numpy(), np.repeat(np.repeat(pixels, 2, 0), 2, 1))


def test_antialias_averages_what_shrinks(pixels) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    image = Images(height=16, width=16, antialias=True)
    smooth = preprocessing.load_image(tf.constant(_encoded(stripes)), image).numpy()
    assert np.abs(smooth[4:-4, 4:-4].astype(int) - 128).max() < 10


def test_grey_and_colour_come_as_the_task_wants_them(pixels) -> None:
    colour, grey = Images(height=13, width=17), Images(height=13, width=17, channels=1)
    luma = np.asarray(Pillow.fromarray(pixels).convert("L"))
    assert np.array_equal(preprocessing.load_image(_encoded(pixels), grey)[..., 0], luma)
    doubled = preprocessing.load_image(_encoded(luma), colour).numpy()
    assert all(np.array_equal(doubled[..., c], luma) for c in range(3))


def test_a_batch_is_the_images_one_by_one(pixels) -> None:
    image = Images(height=5, width=6)
    contents = [_encoded(pixels), _encoded(pixels[:7, :3])]
    batch = preprocessing.load_images(tf.constant(contents), image)
    for one, encoded in zip(batch, contents, strict=True):
        assert np.array_equal(one, preprocessing.load_image(encoded, image))


def test_stored_png_is_exact_and_jpeg_close(pixels) -> None:
    coarse = Pillow.fromarray(pixels[:3, :3])
    smooth = np.asarray(coarse.resize((64, 64), Pillow.Resampling.BICUBIC))
    for store, bound in (("png", 0), ("jpeg", 12)):
        image = Images(height=64, width=64, store=store)
        encoded = preprocessing.encode_image(tf.constant(smooth), image)
        back = preprocessing.decode_stored(encoded, image).numpy().astype(int)
        assert np.abs(back - smooth).max() <= bound
        assert Pillow.open(io.BytesIO(encoded.numpy())).format == store.upper()


def test_a_stored_jpeg_keeps_colours_at_full_resolution() -> None:
    """Lines of red and blue, a pixel wide: at half the resolution all of it would be purple."""
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 200
    for quality in (95, 75):
        image = Images(height=64, width=64, jpeg_quality=quality)
        encoded = preprocessing.encode_image(tf.constant(stripes), image)
        back = preprocessing.decode_stored(encoded, image).numpy().astype(int)
        assert np.abs(back - stripes).max() <= 30
        # What another reader makes of the file is what training reads.
        with Pillow.open(io.BytesIO(encoded.numpy())) as read:
            assert np.array_equal(np.asarray(read), back)


def test_bytes_that_are_no_image_are_an_error() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        preprocessing.load_images(tf.constant([b"no image"]), Images(height=4, width=4))
