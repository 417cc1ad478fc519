"""No skew between training and serving: for every task and image format, the same pixels.

Training's path is the task's own `preprocessing_fn`, what it stores, and how training reads that
back. Serving's path is a SavedModel that the project wrote, loaded again, whose network hands
its input through. Where the stored form is PNG the pixels are equal; where it is JPEG they differ
by no more than that encoding loses at full colour resolution: 1.25 of 255 on average over an image,
20 in a single pixel.
"""

import dataclasses
import functools
import importlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from trainer_modules.engine.custom_config import INPUT_KEY, PROBLEM_KEY
from trainer_modules.engine.entry import module_path, task_names
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Images, Network, Phase, Task
from trainer_modules.engine.training import examples

MEAN, MOST = 1.25, 20


def _tasks() -> list[Task]:
    found = []
    for name in task_names():
        module = importlib.import_module(module_path(name))
        found += [module.TASK, *getattr(module, "VARIANTS", {}).values()]
    return [task for task in found if not task.input.columns]


def _picture(mode: str = "RGB") -> Pillow.Image:
    """A picture with slopes and an edge, 67 × 45, no symmetry."""
    y, x = np.mgrid[0:45, 0:67].astype(float)
    red = 40 + 2.5 * x + 0.5 * y
    green = 200 - 3 * y + 8 * np.sin(x / 6)
    blue = np.where(x + y > 60, 180, 90) + 0 * x
    pixels = np.clip(np.stack([red, green, blue], axis=-1), 0, 255).astype(np.uint8)
    return Pillow.fromarray(pixels).convert(mode)


def _encoded(picture: Pillow.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def _turned() -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    return _encoded(_picture(), "JPEG", quality=92, exif=exif)


def _deep() -> Pillow.Image:
    return Pillow.fromarray(np.asarray(_picture("L")).astype(np.uint16) * 257)


FORMATS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: _encoded(_picture(), "JPEG", quality=92),
    "jpeg-grey": lambda: _encoded(_picture("L"), "JPEG"),
    "jpeg-cmyk": lambda: _encoded(_picture("CMYK"), "JPEG"),
    "jpeg-turned": _turned,
    "jpeg-progressive": lambda: _encoded(_picture(), "JPEG", progressive=True),
    "png": lambda: _encoded(_picture(), "PNG"),
    "png-palette": lambda: _encoded(_picture().quantize(128, dither=Pillow.Dither.NONE), "PNG"),
    "png-alpha": lambda: _encoded(_picture("RGBA"), "PNG"),
    "png-grey": lambda: _encoded(_picture("L"), "PNG"),
    "png-16": lambda: _encoded(_deep(), "PNG"),
    "gif": lambda: _encoded(_picture().quantize(128, dither=Pillow.Dither.NONE), "GIF"),
    "bmp": lambda: _encoded(_picture(), "BMP"),
    "bmp-palette": lambda: _encoded(_picture().quantize(128, dither=Pillow.Dither.NONE), "BMP"),
    "webp": lambda: _encoded(_picture(), "WEBP", lossless=True),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Handed(Classification):
    """What the network puts out is answered as it is."""

    def served(self, outputs: Any) -> dict[str, Any]:
        return {"pixels": outputs}


@pytest.fixture(scope="module")
def served_pixels(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Images, list[bytes]], np.ndarray]:
    """A function: the pixels that a network is given when encoded images are served."""
    import tensorflow as tf
    import tf_keras
    from tf_keras import layers

    @functools.cache
    def load(image: Images) -> Any:
        inputs = layers.Input((image.height, image.width, image.channels), dtype="uint8")
        network = tf_keras.Model(inputs, layers.Activation("linear", dtype="uint8")(inputs))
        task = Task(
            name="handed",
            source=ImageFolders(),
            problem=Handed(classes=("a", "b")),
            input=image,
            model=Network(),
            phases=(Phase(epochs=1),),
        )
        folder = Path(tmp_path_factory.mktemp("handed")) / "model"
        serving.save(network, task, str(folder))
        return tf.saved_model.load(str(folder))

    def pixels(image: Images, contents: list[bytes]) -> np.ndarray:
        signature = load(image).signatures["serving_default"]
        found: np.ndarray = signature(image_bytes=tf.constant(contents))["pixels"].numpy()
        return found

    return pixels


def _trained_pixels(task: Task, contents: list[bytes]) -> np.ndarray:
    """The pixels that training reads of what the task's `preprocessing_fn` stores."""
    import tensorflow as tf

    module = importlib.import_module(module_path(task.module))
    mask = _encoded(Pillow.new("L", (67, 45), 0), "PNG")
    if getattr(task.problem, "rgb_masks", False):
        mask = _encoded(Pillow.new("RGB", (67, 45), task.problem.colours[0]), "PNG")  # type: ignore[union-attr]
    truth = mask if task.problem.raw_label == "mask" else task.problem.names[0].encode()
    inputs = {
        "image": tf.constant(contents),
        "id": tf.constant(["x"] * len(contents)),
        task.problem.raw_label: tf.constant([truth] * len(contents)),
    }
    config = {k: overrides.to_json(getattr(task, k)) for k in (INPUT_KEY, PROBLEM_KEY)}
    stored = module.preprocessing_fn(inputs, custom_config=config)
    pixels = []
    for i in range(len(contents)):
        feature = {name: _feature(value.numpy()[i]) for name, value in stored.items()}
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        pixels.append(examples.decode(task, example.SerializeToString())[0].numpy())
    return np.stack(pixels)


def _feature(value: Any) -> Any:
    import tensorflow as tf

    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value)]))


@pytest.mark.parametrize("task", _tasks(), ids=lambda task: task.name)
def test_training_and_serving_see_the_same_pixels(
    task: Task, served_pixels: Callable[[Images, list[bytes]], np.ndarray]
) -> None:
    if not task.problem.names:  # found in the data
        task = dataclasses.replace(task, problem=Classification(classes=("a", "b")))
    contents = [make() for make in FORMATS.values()]
    trained = _trained_pixels(task, contents).astype(int)
    served = served_pixels(task.input, contents)
    assert served.dtype == np.uint8
    assert (
        served.shape
        == trained.shape
        == (len(FORMATS), task.input.height, task.input.width, task.input.channels)
    )
    for name, one, other in zip(FORMATS, trained, served.astype(int), strict=True):
        gap = abs(one - other)
        if task.input.stored_as == "png":
            assert gap.max() == 0, name
        else:
            assert gap.mean() <= MEAN and gap.max() <= MOST, (name, gap.mean(), gap.max())
        # An empty or constant image would agree with anything.
        assert other.std() > 10, name


def test_the_formats_are_told_apart(
    served_pixels: Callable[[Images, list[bytes]], np.ndarray],
) -> None:
    """Against Pillow: what is served is the picture, upright and in its colours."""
    image = Images(height=45, width=67, resize="nearest")
    lossless = ("png", "png-alpha", "bmp", "webp")
    found = served_pixels(image, [FORMATS[name]() for name in lossless])
    for one in found:
        np.testing.assert_array_equal(one, np.asarray(_picture()))
    upright = Images(height=67, width=45, resize="nearest")
    (turned,) = served_pixels(upright, [FORMATS["jpeg-turned"]()])
    expected = np.asarray(_picture().transpose(Pillow.Transpose.ROTATE_270)).astype(int)
    assert abs(turned.astype(int) - expected).mean() < 4
